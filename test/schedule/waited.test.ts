import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { temporaryDirectory } from "../storage/support.ts"
import { id, open, settableWall } from "./support.ts"

const settle = Effect.repeat(TestClock.adjust(0), { times: 10 })

/** A job that runs already and lets the next run wait; and a store whose next write is not answered until it is let. */
const queueing = (schedule: object = {}) =>
  Effect.gen(function* () {
    const { clock } = yield* settableWall
    const end = yield* Deferred.make<void>()
    let held: Deferred.Deferred<void> | undefined
    const jobs = yield* open(join(yield* temporaryDirectory(), "hob.db"), {
      clock,
      schedule,
      methods: { work: () => Effect.as(Deferred.await(end), "x".repeat(70_000)) },
      written: () => {
        const gate = held
        held = undefined
        return gate === undefined ? Effect.void : Deferred.await(gate)
      }
    })
    const run = (wait: boolean) => jobs.within(jobs.schedule.run({ id: id("a"), wait }))
    yield* jobs.add("a", "0 0 1 1 *", { overlap: "queue" })
    yield* run(false)
    const hold = Effect.sync(() => (held = Deferred.makeUnsafe()))
    return { ...jobs, end, hold, run }
  })

const states = (runs: ReadonlyArray<{ readonly state: string }>) => runs.map(({ state }) => state)

describe("who waits for a run", () => {
  it.effect("hears that its job was removed while it waited", () =>
    Effect.gen(function* () {
      const { run, schedule, within } = yield* queueing()
      const waiting = yield* Effect.forkChild(run(true))
      yield* settle
      yield* within(schedule.remove({ id: id("a") }))
      assert.strictEqual((yield* Fiber.join(waiting)).state, "skipped")
    }).pipe(Effect.scoped)
  )

  for (const [what, change] of [
    ["removed", "remove"],
    ["replaced", "add"]
  ] as const) {
    it.effect(`hears that its job was ${what} while that was being written down`, () =>
      Effect.gen(function* () {
        const { add, history, hold, run, schedule, within } = yield* queueing()
        const gate = yield* hold
        const waiting = yield* Effect.forkChild(run(true))
        yield* settle
        yield* change === "add" ? add("a", "0 0 1 1 *") : within(schedule.remove({ id: id("a") }))
        yield* Deferred.succeed(gate, undefined)
        assert.strictEqual((yield* Fiber.join(waiting)).state, "skipped")
        assert.deepStrictEqual(states(yield* history()), ["running", "skipped"])
      }).pipe(Effect.scoped)
    )

    it.effect(`is told, and so is the history, when its job is ${what} at the same time`, () =>
      Effect.gen(function* () {
        const { add, history, hold, run, schedule, within } = yield* queueing()
        const gate = yield* hold
        const changing = yield* Effect.forkChild(
          change === "add"
            ? Effect.asVoid(add("a", "0 0 1 1 *"))
            : Effect.asVoid(within(schedule.remove({ id: id("a") })))
        )
        yield* settle
        // The store has it, and nobody knows yet.
        const waiting = yield* Effect.forkChild(run(true))
        yield* settle
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(changing)
        assert.strictEqual((yield* Fiber.join(waiting)).state, "skipped")
        assert.deepStrictEqual(states(yield* history()), ["running", "skipped"])
      }).pipe(Effect.scoped)
    )
  }

  it.effect("hears of its end also where the history has no room for it", () =>
    Effect.gen(function* () {
      const { end, run } = yield* queueing({ historyBytes: 65_536, outputBytes: 100_000 })
      const waiting = yield* Effect.forkChild(run(true))
      yield* settle
      yield* Deferred.succeed(end, undefined)
      assert.strictEqual((yield* Fiber.join(waiting)).output?.length, 70_002)
    }).pipe(Effect.scoped)
  )
})
