import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { temporaryDirectory } from "../storage/support.ts"
import { id, type Implementation, namespace, open, settableWall } from "./support.ts"

const done: Implementation = () => Effect.succeed({ done: true })

const fresh = (options: Parameters<typeof open>[1] = {}) =>
  Effect.gen(function* () {
    const home = yield* temporaryDirectory()
    const wall = yield* settableWall
    return yield* open(join(home, "hob.db"), { methods: { work: done }, ...options, clock: wall.clock })
  })

const at = (slot: string | null) => slot?.slice(11, 19)

describe("the history", () => {
  it.effect("keeps as many runs of a job as it may", () =>
    Effect.gen(function* () {
      const { add, history } = yield* fresh({ schedule: { historyCount: 20 } })
      yield* add("a", "* * * * *")
      yield* TestClock.adjust("100 minutes")
      const runs = yield* history()
      assert.isAtLeast(runs.length, 20)
      assert.isAtMost(runs.length, 22)
      assert.strictEqual(at(runs.at(-1)!.slot), "01:40:00")
    }).pipe(Effect.scoped)
  )

  it.effect("keeps no more than so many bytes of all jobs together, and of each answer", () =>
    Effect.gen(function* () {
      const long: Implementation = () => Effect.succeed("é".repeat(100_000))
      const options = { historyBytes: 100_000, outputBytes: 4001, historyCount: 100_000 }
      const { add, database, history } = yield* fresh({ methods: { work: long }, schedule: options })
      yield* add("a", "* * * * *")
      yield* add("b", "* * * * *")
      yield* TestClock.adjust("100 minutes")
      const [total] = yield* database.read((sql) => sql.all("SELECT sum(bytes) AS total FROM job_runs"))
      assert.isAtMost(Number(total!["total"]), 105_000)
      const { output } = (yield* history()).at(-1)!
      assert.isAtMost(Buffer.byteLength(output!), 4001)
      assert.notInclude(output, "\ufffd")
    }).pipe(Effect.scoped)
  )

  it.effect("forgets what has grown too old", () =>
    Effect.gen(function* () {
      const { add, history } = yield* fresh({ schedule: { historyMillis: 3_600_000 } })
      yield* add("a", "*/10 * * * *")
      yield* TestClock.adjust("5 hours")
      assert.isAtMost((yield* history()).length, 9)
    }).pipe(Effect.scoped)
  )
})

it.effect("a job that never was has none, and one that was removed has", () =>
  Effect.gen(function* () {
    const { add, schedule, within } = yield* fresh()
    const of = (name: string, more: object = {}) => Effect.result(schedule.history({ id: id(name), ...more }))
    yield* add("a", "* * * * *")
    yield* add("b", "0 0 1 1 *")
    yield* TestClock.adjust("3 minutes")
    yield* within(schedule.remove({ id: id("a") }))
    assert.lengthOf(Result.getOrThrow(yield* of("a")), 3)
    const last = Result.getOrThrow(yield* of("a")).at(-1)!
    assert.lengthOf(Result.getOrThrow(yield* of("a", { before: last.run })), 0)
    assert.lengthOf(Result.getOrThrow(yield* of("b")), 0)
    assert.lengthOf(Result.getOrThrow(yield* of("b", { all: true })), 0)
    for (const all of [false, true]) {
      const none = yield* of("c", { all })
      assert.strictEqual(Result.isFailure(none) ? none.failure._tag : "found", "JobNotFound")
    }
    const elsewhere = yield* of("b", { namespace: namespace("other") })
    assert.isTrue(Result.isFailure(elsewhere))
  }).pipe(Effect.scoped)
)

describe("jitter", () => {
  it.effect("spreads the beginnings, and not the slots", () =>
    Effect.gen(function* () {
      const { add, history } = yield* fresh()
      for (let job = 0; job < 20; job++) yield* add(`job ${job}`, "0 * * * *", { jitterMillis: 600_000 })
      yield* TestClock.adjust("1 hour")
      assert.isBelow((yield* history()).length, 5)
      yield* TestClock.adjust("10 minutes")
      const runs = yield* history()
      assert.lengthOf(runs, 20)
      assert.isTrue(runs.every(({ slot }) => at(slot) === "01:00:00"))
      assert.isAbove(new Set(runs.map(({ startedAt }) => startedAt!.slice(0, 16))).size, 5)
    }).pipe(Effect.scoped)
  )
})
