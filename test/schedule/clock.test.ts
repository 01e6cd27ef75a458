import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { temporaryDirectory } from "../storage/support.ts"
import { type Implementation, open, settableWall } from "./support.ts"

const done: Implementation = () => Effect.succeed(null)
const MINUTE = 60_000

const fresh = Effect.gen(function* () {
  const home = yield* temporaryDirectory()
  const wall = yield* settableWall
  const start = () => open(join(home, "hob.db"), { methods: { work: done }, clock: wall.clock })
  return { ...(yield* start()), wall, start }
})

const slotsOf = (runs: ReadonlyArray<{ readonly slot: string | null; readonly startedAt: string | null }>) =>
  runs.filter(({ startedAt }) => startedAt !== null).map(({ slot }) => Date.parse(slot!))

/** No slot was begun twice, and none is off the pattern. */
const checkSlots = (slots: ReadonlyArray<number>, everyMillis: number) => {
  assert.strictEqual(new Set(slots).size, slots.length, "a slot was begun twice")
  assert.deepStrictEqual(
    slots.filter((slot) => slot % everyMillis !== 0),
    []
  )
}

describe("a wall clock that is set", () => {
  const jumps = {
    "25 seconds": 25_000,
    "an hour": 60 * MINUTE,
    "a day": 1440 * MINUTE,
    "a year": 365 * 1440 * MINUTE
  }
  for (const [name, by] of Object.entries(jumps)) {
    it.effect(`forward by ${name}: what was passed over is made up for once`, () =>
      Effect.gen(function* () {
        const { add, history, wall } = yield* fresh
        yield* add("minutely", "* * * * *")
        yield* add("hourly", "0 * * * *")
        yield* TestClock.adjust(10.25 * MINUTE)
        const before = wall.now()
        yield* wall.jump(by)
        yield* TestClock.adjust(30_000)
        const after = wall.now()
        for (const [id, every] of [
          ["minutely", MINUTE],
          ["hourly", 60 * MINUTE]
        ] as const) {
          const slots = slotsOf(yield* history(id))
          checkSlots(slots, every)
          const last = Math.floor(after / every) * every
          assert.deepStrictEqual(
            slots.filter((slot) => slot > before),
            last > before ? [last] : [],
            id
          )
        }
        yield* TestClock.adjust(3 * MINUTE)
        assert.deepStrictEqual(
          slotsOf(yield* history("minutely")).filter((slot) => slot > after),
          [1, 2, 3].map((count) => (Math.floor(after / MINUTE) + count) * MINUTE)
        )
      }).pipe(Effect.scoped)
    )

    it.effect(`back by ${name}: nothing is run twice, and what is to come is run when it comes`, () =>
      Effect.gen(function* () {
        const { add, history, wall } = yield* fresh
        yield* add("minutely", "* * * * *")
        yield* TestClock.adjust(10.5 * MINUTE)
        yield* wall.jump(-by)
        const after = wall.now()
        yield* TestClock.adjust(15 * MINUTE)
        const slots = slotsOf(yield* history())
        checkSlots(slots, MINUTE)
        // All that the clock has shown since, but for those that were run before.
        const expected = Array.from({ length: 15 }, (_, count) => (Math.floor(after / MINUTE) + 1 + count) * MINUTE)
        for (const slot of expected) assert.include(slots, slot)
      }).pipe(Effect.scoped)
    )

    it.effect(`forward by ${name} and back, again and again: each slot that it shows is run once`, () =>
      Effect.gen(function* () {
        const { add, start, stop, wall } = yield* fresh
        const shown = new Set<number>()
        const live = Effect.fnUntraced(function* (millis: number) {
          const from = wall.now()
          yield* TestClock.adjust(millis)
          const first = Math.floor(from / MINUTE) + 1
          for (let minute = first; minute * MINUTE <= wall.now(); minute++) shown.add(minute * MINUTE)
        })
        yield* add("minutely", "* * * * *")
        yield* live(5.25 * MINUTE)
        yield* wall.jump(by)
        yield* live(3 * MINUTE)
        yield* wall.jump(-by)
        yield* live(3 * MINUTE)
        yield* wall.jump(-by)
        yield* stop
        // It finds the clock set back.
        const later = yield* start()
        yield* live(3 * MINUTE)
        yield* wall.jump(by)
        yield* live(5 * MINUTE)
        // All of it once more.
        yield* wall.set("2026-01-01T00:00:15Z")
        yield* live(20 * MINUTE)
        const slots = slotsOf(yield* later.history())
        checkSlots(slots, MINUTE)
        for (const slot of shown) assert.include(slots, slot)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("job by job comes out right where summer begins and ends", () =>
    Effect.gen(function* () {
      const { add, history, wall } = yield* fresh
      yield* wall.set("2026-10-24T22:00:00Z")
      yield* add("fixed", "30 2 * * *", { timeZone: "Europe/Berlin" })
      yield* add("hourly", "15 * * * *", { timeZone: "Europe/Berlin" })
      yield* TestClock.adjust("4 hours")
      const began = (id: string) => Effect.map(history(id), (runs) => runs.map(({ slot }) => slot!.slice(11, 16)))
      assert.deepStrictEqual(yield* began("fixed"), ["00:30"])
      assert.deepStrictEqual(yield* began("hourly"), ["22:15", "23:15", "00:15", "01:15"])
    }).pipe(Effect.scoped)
  )

  it.effect("a slot that is months away comes when its time has", () =>
    Effect.gen(function* () {
      const { add, history } = yield* fresh
      yield* add("a", "0 0 27 1 *")
      // Beyond what one timer holds.
      yield* TestClock.adjust("25 days")
      assert.lengthOf(yield* history(), 0)
      yield* TestClock.adjust("1 day")
      assert.deepStrictEqual(
        (yield* history()).map(({ cause, slot }) => [slot, cause]),
        [["2026-01-27T00:00:00.000Z", "slot"]]
      )
    }).pipe(Effect.scoped)
  )
})
