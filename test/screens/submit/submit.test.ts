import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, it } from "vitest"
import { NotTaken, submit } from "../../../src/screens/submit/submit.ts"
import { describePty } from "../../sessionhost/program/run.ts"
import { type Run, startAddressee } from "../../support/tui/addressee.ts"
import { message } from "../../support/tui/messages.ts"

const editor = join(import.meta.dirname, "../../support/tui/editor.ts")
/** Far more than any of it takes; no promise depends on it. */
const TIMEOUT = 60_000

let directory: string
const runs: Array<Run> = []
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "hob-submit-"))
})
afterAll(() => {
  for (const run of runs) run.end()
  rmSync(directory, { recursive: true, force: true })
})

let files = 0
const start = (...command: readonly [string, ...Array<string>]) => {
  const run = startAddressee(command, join(directory, `${files}`))
  runs.push(run)
  return run
}
const startEditor = async (...habits: ReadonlyArray<string>) => {
  const run = start(process.execPath, editor, join(directory, `${++files}`), ...habits)
  await shows(run, "ready")
  return run
}
const shows = (run: Run, text: string) =>
  new Promise<void>((resolve) => {
    const look = () => {
      if (!run.to.view().lines.join("\n").includes(text)) return
      stop()
      resolve()
    }
    const stop = run.to.onChange(look)
    look()
  })

describePty("a message to a full-screen program", () => {
  const programs: ReadonlyArray<ReadonlyArray<string>> = [
    [],
    ["bracketed"],
    ["bracketed", "marker", "alternate"],
    ["bracketed", "swallow"],
    ["bracketed", "swallow", "marker", "spinner"],
    ["bracketed", "slow", "alternate"],
    ["burst"],
    ["burst", "slow", "spinner"]
  ]
  for (const habits of programs) {
    it.concurrent(
      `arrives as one, whatever its length: ${habits.join(", ") || "plain"}`,
      { timeout: 300_000 },
      async () => {
        const run = await startEditor(...habits)
        const sizes = [1, 12, 79, 400, 5_000, 65_536]
        const sent: Array<string> = []
        for (const [seed, bytes] of sizes.entries()) {
          const text = message(bytes, seed)
          const { proof, typedAs } = await submit(run.to, text, TIMEOUT)
          sent.push(text)
          assert.strictEqual(typedAs, habits.includes("bracketed") ? "paste" : "text")
          assert.strictEqual(proof, "screen")
          assert.deepStrictEqual(run.messages(), sent, `${bytes} bytes`)
        }
      }
    )
  }

  it("is never typed together with its Enter", async () => {
    const run = await startEditor("bracketed")
    await submit(run.to, "one\ntwo", TIMEOUT)
    assert.deepStrictEqual(run.typed.map(String), ["\u001b[200~one\rtwo\u001b[201~", "\r"])
  })

  it("is no answer to what the program asks its user", async () => {
    const run = await startEditor("bracketed")
    run.asking = "Do you want to proceed?"
    const error = await submit(run.to, "please", TIMEOUT).catch((cause: unknown) => cause)
    assert.instanceOf(error, NotTaken)
    assert.include(error.message, "Do you want to proceed?")
    assert.deepStrictEqual(run.typed, [])
  })

  it("gets no Enter when a question has come up in its place", async () => {
    const run = start("/bin/sh", "-c", "stty -echo -icanon -icrnl; printf ready; exec sleep 1000")
    await shows(run, "ready")
    const { type } = run.to
    const to = { ...run.to, type: (data: Buffer) => ((run.asking = "Do you want to proceed?"), type(data)) }
    const error = await submit(to, "please", TIMEOUT).catch((cause: unknown) => cause)
    assert.instanceOf(error, NotTaken)
    assert.deepStrictEqual(run.typed.map(String), ["please"])
  })

  it("can't end its paste, nor press a key", async () => {
    const run = await startEditor("bracketed")
    await submit(run.to, "a\u001b[201~\rb\u0003c\td", TIMEOUT)
    assert.deepStrictEqual(run.messages(), ["a[201~\nbc\td"])
  })

  it("is said not to be taken by a program that never takes it", async () => {
    const run = start("/bin/sh", "-c", "stty -echo -icanon -icrnl; printf ready; exec sleep 1000")
    await shows(run, "ready")
    const error = await submit(run.to, "hello", 4_000).catch((cause: unknown) => cause)
    assert.instanceOf(error, NotTaken)
  })

  it("is said not to be taken when the session ends first", async () => {
    const run = start("/bin/sh", "-c", "printf ready; stty -echo raw; exec sleep 0.5")
    const error = await submit(run.to, "hello", TIMEOUT).catch((cause: unknown) => cause)
    assert.instanceOf(error, NotTaken)
  })
})

describePty("a message to a program that reads lines", () => {
  it("is taken by a shell", async () => {
    const run = start("/usr/bin/env", "PS1=here ", "/bin/sh", "-i")
    await shows(run, "here")
    const { proof } = await submit(run.to, "echo $((6 * 7))x", TIMEOUT)
    assert.strictEqual(proof, "screen")
    await shows(run, "42x")
  })
})
