import { assert, describe, it } from "vitest"
import { ProgramStatus, readableReport } from "../../src/activity/programStatus.ts"

const after = (...bodies: ReadonlyArray<string>) => {
  const status = new ProgramStatus()
  for (const body of bodies) status.report(body)
  return status
}
const state = (...bodies: ReadonlyArray<string>) => after(...bodies).verdict?.state ?? null
const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64")

describe("program status (OSC 7501)", () => {
  it("says what a program is about, in our words", () => {
    assert.strictEqual(state("state=working:app=x"), "working")
    assert.strictEqual(state("state=blocked:kind=permission"), "waiting")
    assert.strictEqual(state("state=idle"), "idle")
    assert.strictEqual(state("state=done"), "idle")
    assert.strictEqual(state("state=error"), "idle")
    assert.strictEqual(state(), null)
  })

  it("tells what it is blocked on", () => {
    const { verdict } = after(`state=blocked:kind=permission:app=x:msg=${base64("approve Bash: rm notes")}`)
    assert.strictEqual(verdict?.detail, "it reports blocked (permission: approve Bash: rm notes)")
  })

  it("a message with control characters is not shown", () => {
    assert.strictEqual(after(`state=blocked:msg=${base64("a\u001b[31mb")}`).verdict?.detail, "it reports blocked")
    assert.strictEqual(after("state=blocked:msg=%%%").verdict?.detail, "it reports blocked")
  })

  it("a report replaces the one before; clear removes it, and what is below it", () => {
    assert.strictEqual(state("state=blocked:app=x", "state=working"), "working")
    assert.strictEqual(after("state=blocked:app=x", "state=working").app, null)
    assert.strictEqual(state("state=working", "state=clear"), null)
    assert.strictEqual(state("state=idle", "state=working:id=a/b", "state=clear:id=a"), "idle")
    assert.strictEqual(state("state=idle", "state=working:id=ab", "state=clear:id=a"), "working")
  })

  it("who is blocked comes before who works, and who works before who is idle", () => {
    assert.strictEqual(state("state=idle", "state=working:id=a"), "working")
    assert.strictEqual(state("state=working", "state=blocked:id=a", "state=working:id=b"), "waiting")
  })

  it("what is malformed changes nothing", () => {
    for (const body of [
      "",
      "?",
      "state=sleeping",
      "working",
      "state=done:id=",
      "state=done:id=a//b",
      `state=done:x=${"y".repeat(4096)}`
    ]) {
      const status = after("state=working")
      assert.isFalse(status.report(body), body.slice(0, 40))
      assert.strictEqual(status.verdict?.state, "working", body.slice(0, 40))
    }
  })

  it("a report is shown with its message in clear", () => {
    const body = `state=blocked:kind=permission:msg=${base64("approve Bash")}:title=${base64("a\u0007b")}`
    assert.strictEqual(readableReport(body), "state=blocked:kind=permission:msg=approve Bash:title=…")
  })

  it("when the program has ended only what it came to is left", () => {
    const status = after("state=working", "state=done:id=a")
    status.programEnded()
    assert.strictEqual(status.verdict?.state, "idle")
    const working = after("state=working")
    working.programEnded()
    assert.isNull(working.verdict)
  })

  it("the number of records has a limit", () => {
    const status = new ProgramStatus()
    for (let id = 0; id < 500; id++) status.report(`state=blocked:id=r${id}`)
    for (let id = 400; id < 500; id++) status.report(`state=clear:id=r${id}`)
    assert.isNull(status.verdict)
  })
})
