import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ActivityTracker } from "../../src/activity/ActivityTracker.ts"
import { builtInAgents } from "../../src/activity/agents/builtIn.ts"
import type { Foreground } from "../../src/activity/foreground.ts"
import type { ScreenView } from "../../src/activity/ScreenView.ts"

/** Rows as programs show them, with pieces of prompts, dialogs and spinners among them. */
const pieces = fc.constantFrom(
  "$ ",
  "❯ ",
  "> ",
  "› ",
  "────────────",
  "│",
  "idle",
  "Ready",
  "done",
  "esc to interrupt",
  "●",
  "? "
)
const row = fc
  .array(fc.oneof(fc.string({ unit: "grapheme", maxLength: 20 }), pieces), { maxLength: 5 })
  .map((parts) => parts.join(""))

const screen: fc.Arbitrary<Omit<ScreenView, "revision">> = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 40 }),
  cursor: fc.record({ row: fc.nat(39), column: fc.nat(80), visible: fc.boolean() }),
  title: row,
  alternate: fc.boolean(),
  interactive: fc.boolean()
})

const foreground: fc.Arbitrary<Foreground | null> = fc.option(
  fc.record({
    own: fc.boolean(),
    processes: fc.array(
      fc.record({
        pid: fc.nat(),
        name: fc.constantFrom("thing", "server", "tui"),
        argv: fc.constant(["thing", "--now"]),
        reading: fc.constantFrom(true, false, null)
      }),
      { maxLength: 3 }
    )
  })
)

describe("a program that nobody knows", () => {
  it("is never shown as idle, whatever is on its screen and whatever its processes do", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(screen, foreground, fc.nat(5000)), { minLength: 1, maxLength: 12 }), (steps) => {
        const agents = builtInAgents.filter(({ kind }) => kind !== "agent")
        const tracker = new ActivityTracker({ command: ["thing", "--now"], agents, startedAt: 0 })
        let now = 0
        for (const [revision, [view, who, millis]] of steps.entries()) {
          now += millis
          for (const at of [now, now + 700, now + 3000]) {
            tracker.observe({ now: at, screen: { ...view, revision }, foreground: () => who })
            assert.notStrictEqual(tracker.current.state, "idle", JSON.stringify(tracker.explain()))
          }
          now += 3000
        }
      }),
      { numRuns: 500 }
    )
  })

  it("stays unknown as long as nothing says anything", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 30 }), { minLength: 1, maxLength: 30 }), (texts) => {
        const tracker = new ActivityTracker({ command: ["thing"], agents: builtInAgents, startedAt: 0 })
        const rows = texts.map((text) => text.replace(/[?:\]›❯─▐✳◐◑◒◓]/g, ""))
        const cursor = { row: 0, column: 0, visible: true }
        const screen = { revision: 1, rows, cursor, title: "", alternate: false, interactive: false }
        for (const now of [1, 1000, 60_000]) assert.strictEqual(tracker.observe({ now, screen }).state, "unknown")
      })
    )
  })

  it("is unknown, not idle, when its screen stops being one that a rule knows", () => {
    const tracker = new ActivityTracker({ command: ["claude"], agents: builtInAgents, startedAt: 0 })
    const line = "─".repeat(40)
    const at = (revision: number, rows: ReadonlyArray<string>) => ({
      revision,
      rows,
      cursor: { row: 1, column: 2, visible: true },
      title: "",
      alternate: true,
      interactive: true
    })
    const known = at(1, ["● Hello", line, "❯", line, "  ? for shortcuts"])
    tracker.observe({ now: 0, screen: known })
    tracker.observe({ now: 1000, screen: known })
    assert.strictEqual(tracker.current.state, "idle")
    const other = at(2, ["something else entirely"])
    tracker.observe({ now: 2000, screen: other })
    while (tracker.recheckAt !== null) tracker.observe({ now: tracker.recheckAt, screen: other })
    assert.strictEqual(tracker.current.state, "unknown")
  })
})
