import { readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import type { Screen, SearchReply, TextReply } from "../../src/protocol/screens.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import type { LeftLine } from "../../src/terminal/leaving.ts"
import { until } from "../support/home.ts"
import { stateOf } from "../terminal/state.ts"
import { type InProcess, inProcess } from "./support.ts"

type Part = string | { readonly cols: number; readonly rows: number }

const numbered = (from: number, to: number, text: string): string =>
  Array.from({ length: to - from }, (_, index) => `\x1b[3${index % 8}m${from + index}\x1b[m ${text}\r\n`).join("")

/** What a program prints while its terminal changes its size, most of it more than an emulator keeps. */
const parts: ReadonlyArray<Part> = [
  "\x1b[?2004h\x1b]2;set long ago\x1b\\",
  numbered(0, 1800, "a line that is longer than the forty columns that come later, ä漢🙂"),
  { cols: 40, rows: 10 },
  numbered(
    1800,
    3500,
    "\x1b]8;id=a;http://x/\x1b\\linked\x1b]8;;\x1b\\ and folded over three rows of this narrow terminal, once again"
  ),
  { cols: 120, rows: 30 },
  "\x1b[?1049h\x1b[Halternate\x1b[2;5r",
  { cols: 30, rows: 8 },
  "\x1b[?1049l",
  numbered(3500, 5200, "the needle is in here"),
  { cols: 61, rows: 13 },
  "\x1b[3;9r\x1b[?6h\x1b(0\x1b[4mlqk\x1b7\x1b[?25l\x1b[?1002;1006h\x1b[>5u\x1b[4 q\x1b[38;2;1"
]

/** An emulator that has seen all of it, and the lines that have left it. */
const reference = (): { readonly emulator: Emulator; readonly lines: ReadonlyArray<string> } => {
  const emulator = new Emulator({ cols: 80, rows: 24, scrollback: 1000 })
  const gone: Array<LeftLine> = []
  emulator.onLines((lines) => gone.push(...lines))
  for (const part of parts) {
    if (typeof part === "string") emulator.write(Buffer.from(part))
    else emulator.resize(part.cols, part.rows)
  }
  return { emulator, lines: [...gone, ...emulator.text({ screen: "main" })].map(({ text }) => text) }
}

const print = async (test: InProcess) => {
  const { id, program } = await test.host.spawn()
  for (const part of parts) {
    if (typeof part === "string") program.print(part)
    else await test.host.control.ask("resize", { session: id, ...part })
  }
  return { id, program }
}

/** All that is ever asked of the screens process about a session. */
const known = async (test: InProcess, id: string) => {
  const ask = () => test.ask<Screen>({ op: "screen", session: id })
  // An answer does not wait for output without end: on a machine with other things to do it takes several.
  const { output } = await test.host.control.ask<HostSession>("inspect", { session: id })
  await until("all output is taken", async () => (await ask()).offset >= output.end)
  const screen = await ask()
  const text: Array<string> = []
  for (let from = 0; ;) {
    const reply = await test.ask<TextReply>({ op: "text", session: id, from })
    text.push(...reply.lines)
    if (reply.lines.length === 0 || reply.next >= reply.end) break
    from = reply.next
  }
  const query = { text: "needle", limit: 10_000 }
  const found = await test.ask<SearchReply>({ op: "search", sessions: [id], query })
  const matches = found.matches.map(({ from, line, text: on }) => [line, from, on])
  const { screens } = test.host.running.host
  const snapshot = await screens.snapshot(id, { historyLines: 3000 }, 60_000)
  const attached = snapshot === null ? "" : Buffer.from(snapshot.bytes).toString()
  return { screen, text, matches, attached }
}

const filesOf = (directory: string, pattern: RegExp) =>
  readdirSync(directory)
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))

const CHECKPOINT = /^screen\.checkpoint/
const HISTORY = /^(text|styled)/
const remove = (pattern: RegExp) => (directory: string) => {
  const files = filesOf(directory, pattern)
  assert.isNotEmpty(files)
  for (const file of files) rmSync(file)
}

const losses: Record<string, (directory: string) => void> = {
  "the checkpoint": remove(CHECKPOINT),
  "the text history": remove(HISTORY),
  "both, all that isn't the log": remove(/^(screen\.checkpoint|text|styled)/),
  "its end, in a crash of the machine": (directory) => {
    for (const file of filesOf(directory, HISTORY)) truncateSync(file, 100)
  },
  "sense: the checkpoint is of something else": (directory) => {
    for (const file of filesOf(directory, CHECKPOINT)) writeFileSync(file, "hobc and nothing else".repeat(10))
  }
}

describe("what is known of a session's terminal is had again from its log alone", () => {
  for (const [what, lose] of Object.entries(losses)) {
    it(`after it has lost ${what}: screen, history, search and what an attaching client gets`, async () => {
      await using test = await inProcess()
      const { id, program } = await print(test)
      const expected = reference()
      const before = await known(test, id)
      assert.deepStrictEqual(before.text, expected.lines)
      assert.strictEqual(before.matches.length, 1700)
      const directory = join(test.host.paths.sessions, id)
      await test.restart()
      lose(directory)
      assert.deepStrictEqual(await known(test, id), before)
      // And it goes on: in the middle of the sequence.
      program.print(";2;3mred")
      expected.emulator.write(Buffer.from(";2;3mred"))
      await test.ask({ op: "screen", session: id })
      const snapshot = (await test.host.running.host.screens.snapshot(id, { historyLines: 1000 }, 60_000))!
      const copy = new Emulator({ cols: snapshot.cols, rows: snapshot.rows, scrollback: 1000 })
      copy.write(snapshot.bytes)
      assert.deepStrictEqual(stateOf(copy), stateOf(expected.emulator))
      // The same of one that has ended.
      program.end()
      await test.host.control.event("closed", id)
      const ended = await known(test, id)
      await test.restart()
      lose(directory)
      assert.deepStrictEqual(await known(test, id), ended)
    }, 120_000)
  }

  it("all of it, however long that takes and little time an answer has for what was printed last", async () => {
    await using test = await inProcess({ reachMillis: 0 })
    const { id } = await print(test)
    await test.restart()
    const { history } = await test.ask<Screen>({ op: "screen", session: id })
    assert.isAbove(history.total, 5000)
    assert.deepStrictEqual((await known(test, id)).text, reference().lines)
  })

  it("and no emulator has more than 1,000 lines above its screen", async () => {
    await using test = await inProcess()
    const { id } = await print(test)
    const { history } = await test.ask<Screen>({ op: "screen", session: id })
    assert.isAtMost(history.kept, 1000)
    assert.isAbove(history.total, 5000)
  })
})
