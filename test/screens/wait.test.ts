import { assert, describe, it } from "vitest"
import type { WaitFor, WaitMet } from "../../src/protocol/screens.ts"
import { type InProcess, inProcess } from "./support.ts"

const wait = (test: InProcess, session: string, wanted: WaitFor) =>
  test.ask<WaitMet>({ op: "wait", session, for: wanted })

/** Resolves once the screens process waits: it answers in the order in which it is asked, for one session. */
const asked = (test: InProcess, session: string) => test.ask({ op: "text", session, from: 0 })

describe("waiting for a session", () => {
  it("a line that is on the screen, and one that comes, is matched as it is rendered", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    program.print("\x1b[31mBuild\x1b[m of \x1b[1mparser\x1b[m: ok   ")
    assert.deepStrictEqual(await wait(test, id, { match: "^Build of (\\w+): (ok|bad)(!)?$" }), {
      met: "match",
      line: "Build of parser: ok",
      groups: ["Build of parser: ok", "parser", "ok", null]
    })
    const later = wait(test, id, { match: "finished in \\d+" })
    await asked(test, id)
    program.print("\r\nfini")
    program.print("shed\x1b[2Cx\x1b[2D\x1b[D in 12 s")
    assert.strictEqual((await later).line, "finished in 12 s")
  })

  it("a line that flew by is matched, however much came with it", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const later = wait(test, id, { match: "^needle$" })
    await asked(test, id)
    const hay = "hay\r\n".repeat(20_000)
    program.print(`${hay}needle\r\n${hay}`)
    assert.strictEqual((await later).line, "needle")
  })

  it("only what is new counts, if that is wanted: as a new line, or where something else was", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    program.print("$ make\r\nDone\r\n$ ")
    assert.strictEqual((await wait(test, id, { match: "Done" })).met, "match")
    const again = wait(test, id, { match: "Done", onlyNew: true })
    let over = false
    void again.then(() => (over = true))
    await asked(test, id)
    program.print("make")
    await asked(test, id)
    assert.isFalse(over)
    program.print("\r\nDone")
    assert.strictEqual((await again).line, "Done")
    const inPlace = wait(test, id, { match: "7 %", onlyNew: true })
    await asked(test, id)
    program.print("\x1b[H\x1b[2K7 %")
    assert.strictEqual((await inPlace).line, "7 %")
  })

  it("the alternate screen is looked at, and what it hides is not", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    program.print("secret\r\n\x1b[?1049h\x1b[Hmenu")
    assert.strictEqual((await wait(test, id, { match: "menu" })).line, "menu")
    const hidden = wait(test, id, { match: "secret|back" })
    await asked(test, id)
    program.print("\x1b[?1049lback")
    assert.strictEqual((await hidden).met, "match")
  })

  it("ends when the session does, and the last line counts", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const match = wait(test, id, { match: "last words" })
    const never = wait(test, id, { match: "never said", idleMillis: 3_600_000 })
    await asked(test, id)
    program.print("last words")
    program.end()
    assert.strictEqual((await match).met, "match")
    assert.deepStrictEqual(await never, { met: "ended" })
    await test.host.control.event("closed", id)
    assert.deepStrictEqual(await wait(test, id, { match: "never said" }), { met: "ended" })
    assert.strictEqual((await wait(test, id, { match: "words$" })).met, "match")
  })

  it("idle is counted from the wait's beginning, and begins anew with output", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const begun = performance.now()
    const idle = wait(test, id, { idleMillis: 300 })
    await asked(test, id)
    program.print("still at it")
    const printed = performance.now()
    assert.deepStrictEqual(await idle, { met: "idle" })
    assert.isAtLeast(performance.now() - printed, 290)
    assert.isAtLeast(performance.now() - begun, 300)
  })

  it("what the program is about can be waited for", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    const waiting = wait(test, id, { activity: ["waiting", "idle"] })
    const line = "─".repeat(60)
    program.print(`\x1b[2J\x1b[H${line}\r\n Do you want to proceed?\r\n ❯ 1. Yes\r\n   2. No\r\n\r\n Esc to cancel`)
    const { activity, met } = await waiting
    assert.deepStrictEqual([met, activity?.state, activity?.agent], ["activity", "waiting", "claude"])
    assert.deepStrictEqual(await wait(test, id, { activity: ["waiting"] }), { met: "activity", activity: activity! })
  })

  it("idle from before something was typed doesn't count until the program has had time to begin", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn({}, ["claude"])
    const line = "─".repeat(60)
    const prompt = `\x1b[2J\x1b[H${line}\r\n❯ \r\n${line}\r\n  ? for shortcuts`
    program.print(prompt)
    await wait(test, id, { activity: ["idle"] })
    const type = () => test.host.control.ask("send", { session: id, data: Buffer.from("\r").toString("base64") })
    await type()
    const done = wait(test, id, { activity: ["idle"] })
    await asked(test, id)
    program.print(`\x1b[2J\x1b[H✻ Thinking… (3s)\r\n${line}\r\n❯ \r\n${line}\r\n  esc to interrupt`)
    const { activity: working } = await wait(test, id, { activity: ["working"] })
    program.print(prompt)
    const { activity } = await done
    assert.isAbove(Date.parse(activity!.since), Date.parse(working!.since))
    // What makes no difference to the program is not waited for long.
    await type()
    assert.deepStrictEqual(await wait(test, id, { activity: ["idle"] }), { met: "activity", activity: activity! })
  })

  it("an expression that is none, or takes for ever, is refused, and others go on", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const other = wait(test, id, { match: "^b$" })
    const refused = async (match: string) =>
      (await test.host.control.request("screens", { request: { op: "wait", session: id, for: { match } } })).error
    assert.include((await refused("("))!.screens, { code: "bad-request" })
    program.print(`${"a".repeat(60)}!\r\n`)
    const slow = await refused("^(a+)+$")
    assert.include(slow!.screens, { code: "bad-request" })
    assert.include(slow!.message, "too long")
    program.print("b")
    assert.strictEqual((await other).line, "b")
  })
})
