import { readdirSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import type { Screen } from "../../src/protocol/screens.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { Awake } from "../../src/screens/Awake.ts"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { until } from "../support/home.ts"
import { type InProcess, inProcess } from "./support.ts"

const lines = (from: number, to: number, text: string): string =>
  Array.from({ length: to - from }, (_, index) => `\x1b[3${index % 8}m${from + index}\x1b[m ${text}\r\n`).join("")

const UNFINISHED = "\x1b[38;2;1"

/** What sessions have printed when they end, each more than an emulator keeps. */
const endings: Record<string, string> = {
  "on the main screen": lines(0, 3000, "a line, ä漢🙂"),
  "on the alternate screen": `${lines(0, 3000, "a line")}\x1b[?1049h\x1b[Halternate`,
  "in the middle of a line that is wrapped over many rows": `${lines(0, 2000, "a line")}${"wrapped ".repeat(9000)}`,
  "in the middle of a sequence": `${lines(0, 3000, "a line")}${UNFINISHED}`,
  "with a history that was erased": `${lines(0, 2000, "erased")}\x1b[3J${lines(2000, 3500, "a line")}`
}

/** What whoever attaches has above the screen and on it, with so many lines above at most. */
const attached = async (test: InProcess, id: string, historyLines: number) => {
  const snapshot = (await test.host.running.host.screens.snapshot(id, { historyLines }, 60_000))!
  const { cols, rows } = snapshot
  const copy = new Emulator({ cols, rows, scrollback: 5000 })
  copy.write(snapshot.bytes)
  return { above: copy.historyRows, bytes: Buffer.from(snapshot.bytes).toString() }
}

/** How many files this process has open whose path begins so. */
const openFiles = (prefix: string): number =>
  process.platform !== "linux"
    ? 0
    : readdirSync("/proc/self/fd").filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(prefix)
        } catch {
          return false
        }
      }).length

describe("who attaches to a session that has ended gets the same", () => {
  for (const [how, printed] of Object.entries(endings)) {
    it(`${how}: from the emulator that has seen it, from its checkpoint, and from the emulator that was had from that`, async () => {
      await using test = await inProcess()
      const { id, program } = await test.host.spawn()
      program.print(printed)
      program.end()
      await test.host.control.event("closed", id)
      // Takes all that it has printed.
      const { offset: seenTo, ...rest } = await test.ask<Screen>({ op: "screen", session: id })
      for (const historyLines of [2500, 10]) {
        const seen = await attached(test, id, historyLines)
        assert.isAtMost(seen.above, historyLines + 1)
        assert.isAtLeast(seen.above, Math.min(historyLines, 1400))
        await test.restart()
        // Somebody has to ask for the process to be there; what it is asked wakes nobody.
        await test.ask({ op: "activities" })
        const stored = await attached(test, id, historyLines)
        const { offset, ...same } = await test.ask<Screen>({ op: "screen", session: id })
        assert.deepStrictEqual(same, rest)
        assert.isAtMost(seenTo - offset, UNFINISHED.length)
        const restored = await attached(test, id, historyLines)
        assert.deepStrictEqual(stored, seen)
        assert.deepStrictEqual(restored, seen)
      }
    }, 120_000)
  }
})

describe("a session that has ended", () => {
  for (const [how, printed] of Object.entries(endings)) {
    it(`${how} is let go of soon, its files too, and says the same as before when it is asked`, async () => {
      const awake = new Awake()
      await using test = await inProcess({ awake, sleepMillis: 3_600_000, endedSleepMillis: 10 })
      const { id, program } = await test.host.spawn()
      program.print(printed)
      const open = () => openFiles(join(test.host.paths.sessions, id, "text"))
      const { output } = await test.host.control.ask<HostSession>("inspect", { session: id })
      const screen = await test.ask<Screen>({ op: "screen", session: id })
      assert.isAtLeast(screen.offset, output.end)
      const seen = await attached(test, id, 2500)
      assert.strictEqual(awake.count, 1)
      if (process.platform === "linux") assert.isAbove(open(), 0)
      program.end()
      await until("it is let go of", () => awake.count === 0)
      assert.strictEqual(open(), 0)
      assert.deepStrictEqual(await attached(test, id, 2500), seen)
      assert.strictEqual(awake.count, 0)
      const { offset } = await test.ask<Screen>({ op: "screen", session: id })
      assert.isAtMost(screen.offset - offset, UNFINISHED.length)
      assert.deepStrictEqual(await attached(test, id, 2500), seen)
      await until("it is let go of again", () => awake.count === 0)
    }, 120_000)
  }
})
