import { assert, describe, it } from "vitest"
import type { Screen, TextReply } from "../../src/protocol/screens.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { until } from "../support/home.ts"
import { stateOf } from "../terminal/state.ts"
import { inProcess } from "./support.ts"

const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`)

describe("the screen of a session", () => {
  it("is what has been printed, in a terminal of the size it had", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    program.print("\x1b[2J\x1b[Hhello \x1b[1;31mworld\x1b[m\x1b]2;a title\x07\x1b[?2004h")
    await test.host.control.ask("resize", { session: id, cols: 40, rows: 10 })
    program.print("\x1b[5;5Hfar")
    const screen = await test.ask<Screen>({ op: "screen", session: id })
    assert.deepStrictEqual([screen.cols, screen.rows], [40, 10])
    assert.strictEqual(screen.lines[0]!.text, "hello world")
    assert.deepStrictEqual(screen.lines[0]!.runs, [{ column: 6, cells: 5, style: { fg: 1, bold: true } }])
    assert.strictEqual(screen.lines[4]!.text, "    far")
    assert.strictEqual(screen.title, "a title")
    assert.strictEqual(screen.modes["bracketedPaste"], true)
    assert.deepStrictEqual([screen.cursor.row, screen.cursor.column], [4, 7])
  })

  it("of a session without output is blank, of pipes there is none, of nothing neither", async () => {
    await using test = await inProcess()
    const { id } = await test.host.spawn()
    assert.isTrue((await test.ask<Screen>({ op: "screen", session: id })).lines.every(({ text }) => text === ""))
    const pipes = await test.host.spawn({ kind: "pipe" })
    const refused = async (request: object) => (await test.host.control.request("screens", { request })).error?.screens
    assert.include(await refused({ op: "screen", session: pipes.id }), { code: "no-terminal" })
    assert.include(await refused({ op: "screen", session: "00000000-0000-4000-8000-000000000000" }), {
      code: "unknown-session"
    })
    assert.include(await refused({ op: "screens" }), { code: "bad-request" })
  })

  it("all lines are there by number, from disk and from the emulator, while it runs and afterwards", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const all = lines(0, 5_000)
    program.print(all.join("\r\n"))
    const text = (from: number) => test.ask<TextReply>({ op: "text", session: id, from })
    const check = async () => {
      const reply = await text(0)
      assert.deepStrictEqual(reply, { from: 0, lines: all, next: 5_000, oldest: 0, end: 5_000 })
      assert.deepStrictEqual((await text(-3)).lines, all.slice(-3))
      assert.deepStrictEqual((await text(3_990)).lines, all.slice(3_990))
      assert.deepStrictEqual((await text(9_999)).lines, [])
    }
    await check()
    program.end()
    await test.host.control.event("closed", id)
    await check()
    await test.restart()
    await check()
    assert.deepStrictEqual((await test.ask<Screen>({ op: "screen", session: id })).lines.at(-1)!.text, "line 4999")
  })

  it("is the same after a restart, in every respect", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    const stream = `${lines(0, 3_000).join("\r\n")}\x1b[3;10r\x1b[?6h\x1b(0\x1b[4mlqk\x1b7\x1b[?25l`
    program.print(stream)
    const whole = new Emulator({ cols: 80, rows: 24, scrollback: 1000 })
    whole.write(Buffer.from(stream))
    const before = await test.ask<Screen>({ op: "screen", session: id })
    await test.restart()
    program.print("\x1b8x")
    whole.write(Buffer.from("\x1b8x"))
    const after = await test.ask<Screen>({ op: "screen", session: id })
    assert.strictEqual(after.offset, before.offset + 3)
    const emulator = await snapshotOf(test, id, 1000)
    assert.deepStrictEqual(stateOf(emulator), stateOf(whole))
  })

  it("is up to date with what had been printed when it was asked for", async () => {
    await using test = await inProcess({ snapshotReachMillis: 60_000 })
    const { id, program } = await test.host.spawn()
    await test.ask({ op: "screen", session: id })
    const text = lines(0, 20_000).join("\r\n")
    program.print(text)
    const snapshot = await test.host.running.host.screens.snapshot(id, { historyLines: 0, head: text.length }, 60_000)
    assert.strictEqual(snapshot?.offset, text.length)
  })

  it("an attaching client gets the screen with more history above it than the emulator has", async () => {
    await using test = await inProcess()
    const { id, program } = await test.host.spawn()
    program.print(
      lines(0, 4_000)
        .map((line) => `\x1b[32m${line}\x1b[m\r\n`)
        .join("")
    )
    const client = await snapshotOf(test, id, 3_000, 5_000)
    const text = client.text({ styled: true })
    assert.isAbove(text.length, 2_990)
    const first = Number(text[0]!.text.slice(5))
    assert.deepStrictEqual(
      text.map((line) => line.text),
      lines(first, 4_000)
    )
    assert.strictEqual(text[100]!.styled, `\x1b[32mline ${first + 100}\x1b[m`)
    const plain = await snapshotOf(test, id, 1_000)
    const visible = (emulator: Emulator) => emulator.screen().lines
    assert.deepStrictEqual(visible(client), visible(plain))
  })

  it("counts the lines above it in one way, kept ones and all of them, whatever its size was and is", async () => {
    await using test = await inProcess()
    const sizes = [
      { cols: 60, rows: 15 },
      { cols: 33, rows: 7 },
      { cols: 200, rows: 50 }
    ]
    const printed = {
      short: "line\r\n".repeat(300),
      wrapped: `${"wrapped over rows ".repeat(6)}\r\n`.repeat(200),
      blank: "\r\n".repeat(100),
      "more than is kept": `${"wrapped over rows ".repeat(6)}\r\n`.repeat(3000)
    }
    for (const [what, text] of Object.entries(printed)) {
      const { id, program } = await test.host.spawn()
      program.print(`${text}$ `)
      const ask = () => test.ask<Screen>({ op: "screen", session: id })
      await until("all is taken", async () => (await ask()).offset === text.length + 2)
      const lines = text.split("\n").length
      for (const size of [null, ...sizes]) {
        if (size !== null) await test.host.control.ask("resize", { session: id, ...size })
        await until("it has its size", async () => size === null || (await ask()).cols === size.cols)
        const { history, rows } = await ask()
        assert.isAtMost(history.kept, history.total, what)
        if (what !== "more than is kept") assert.strictEqual(history.kept, history.total, what)
        // On the screen there are as many rows as it has, of which one or more are one line.
        assert.isAtMost(history.total, lines, what)
        assert.isAtLeast(history.total, lines - rows, what)
      }
    }
  }, 300_000)
})

const snapshotOf = async (
  test: Awaited<ReturnType<typeof inProcess>>,
  id: string,
  historyLines: number,
  kept = 1000
) => {
  // What was printed is on the way.
  await test.ask({ op: "screen", session: id })
  const snapshot = (await test.host.running.host.screens.snapshot(id, { historyLines }, 60_000))!
  const emulator = new Emulator({ cols: snapshot.cols, rows: snapshot.rows, scrollback: kept })
  emulator.write(snapshot.bytes)
  return emulator
}
