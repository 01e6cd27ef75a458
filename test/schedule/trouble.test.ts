import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { MethodFailed, MethodsBusy } from "../../src/protocol/methodErrors.ts"
import { temporaryDirectory } from "../storage/support.ts"
import { id, type Implementation, open, settableWall } from "./support.ts"

const done: Implementation = () => Effect.succeed(null)
const settle = Effect.repeat(TestClock.adjust(0), { times: 10 })

const fresh = (work: Implementation, isFull: () => boolean = () => false) =>
  Effect.gen(function* () {
    const home = yield* temporaryDirectory()
    const { clock } = yield* settableWall
    const start = (methods: Record<string, Implementation> = { work }) =>
      open(join(home, "hob.db"), { methods, clock, isFull })
    return { ...(yield* start()), start }
  })

describe("on a full disk", () => {
  it.effect("nothing is run that can't be written down; there is space again, and it is run late", () =>
    Effect.gen(function* () {
      let full = false
      const { add, calls, history, schedule, within } = yield* fresh(done, () => full)
      yield* add("a", "* * * * *")
      full = true
      yield* TestClock.adjust("90 seconds")
      assert.lengthOf(calls, 0)
      assert.strictEqual((yield* Effect.flip(within(schedule.run({ id: id("a") }))))._tag, "StorageFull")
      assert.strictEqual((yield* Effect.flip(add("b", "* * * * *")))._tag, "StorageFull")
      assert.deepInclude((yield* schedule.list({}))[0], { running: 0, queued: 0 })
      full = false
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        (yield* history()).map(({ slot, state }) => [slot, state]),
        [["2026-01-01T00:01:00.000Z", "succeeded"]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("a run that has ended is not run again, and its end is written down as soon as that can be", () =>
    Effect.gen(function* () {
      let full = false
      const end = yield* Deferred.make<void>()
      const { add, calls, history } = yield* fresh(
        () => Deferred.await(end),
        () => full
      )
      yield* add("a", "0 * * * *")
      yield* TestClock.adjust("1 hour")
      full = true
      yield* Deferred.succeed(end, undefined)
      yield* TestClock.adjust("2 hours")
      full = false
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(calls, 2)
      assert.deepStrictEqual(
        (yield* history()).map(({ slot, slots, state }) => [slot?.slice(11, 16), state, slots]),
        [
          ["01:00", "succeeded", 1],
          ["02:00", "missed", 1],
          ["03:00", "succeeded", 1]
        ]
      )
    }).pipe(Effect.scoped)
  )
})

describe("the fiber that looks at the clock", () => {
  it.effect("loses no job when it crashes, and runs go on", () =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      const { add, concerns, history } = yield* fresh(() => Deferred.await(end))
      yield* add("a", "* * * * *")
      yield* add("b", "*/2 * * * *")
      yield* TestClock.adjust("1 minute")
      yield* concerns.crash("schedule", "a bug")
      yield* TestClock.adjust("1 minute")
      yield* Deferred.succeed(end, undefined)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* history()).map(({ id, slot, state }) => [id, slot?.slice(14, 16), state]).sort(), [
        ["a", "01", "succeeded"],
        ["a", "02", "skipped"],
        ["a", "03", "succeeded"],
        ["b", "02", "succeeded"]
      ])
    }).pipe(Effect.scoped)
  )
})

describe("a job that is removed", () => {
  it.effect("while it waits for another attempt has had its last", () =>
    Effect.gen(function* () {
      const fails: Implementation = (call) => Effect.fail(new MethodFailed({ ...call, reason: "no luck" }))
      const { add, calls, history, schedule, within } = yield* fresh(fails)
      yield* add("a", "0 * * * *", { retries: 5 })
      yield* TestClock.adjust("1 hour")
      yield* within(schedule.remove({ id: id("a") }))
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(calls, 1)
      assert.deepInclude((yield* history())[0], { state: "failed", attempts: 1, error: "no luck" })
    }).pipe(Effect.scoped)
  )

  it.effect("before the next daemon begins is not run again, whatever it wanted", () =>
    Effect.gen(function* () {
      const { add, database, start, stop } = yield* fresh(() => Effect.never)
      yield* add("a", "0 * * * *", { guarantee: "at-least-once" })
      yield* TestClock.adjust("1 hour")
      // As damage would.
      yield* database.write((sql) => sql.run("DELETE FROM jobs"))
      yield* stop
      const later = yield* start({ work: done })
      yield* settle
      assert.deepStrictEqual(
        (yield* later.history()).map(({ state }) => state),
        ["interrupted"]
      )
    }).pipe(Effect.scoped)
  )
})

describe("a module that has its hands full", () => {
  it.effect("is asked again for a while", () =>
    Effect.gen(function* () {
      let busy = true
      const { add, calls, history } = yield* fresh((call) =>
        Effect.suspend(() => (busy ? Effect.fail(new MethodsBusy({ ...call, inFlight: 64 })) : Effect.succeed(1)))
      )
      yield* add("a", "0 * * * *")
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("1 second")
      busy = false
      yield* TestClock.adjust("1 second")
      assert.isAbove(calls.length, 3)
      assert.deepInclude((yield* history())[0], { state: "succeeded", attempts: 1 })
      busy = true
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("2 minutes")
      assert.match((yield* history())[1]!.error!, /64 calls are in hand/)
    }).pipe(Effect.scoped)
  )
})
