import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { temporaryDirectory } from "../storage/support.ts"
import { type Implementation, open, settableWall } from "./support.ts"

/** How many jobs are due at once; ten thousand, say, for a whole run. */
const JOBS = Number(process.env["HOB_SCHEDULE_JOBS"] ?? 2000)

describe("many jobs", () => {
  const daemon = (work: Implementation, schedule: object = {}) =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory()
      const wall = yield* settableWall
      return { ...(yield* open(join(home, "hob.db"), { methods: { work }, clock: wall.clock, schedule })), wall }
    })

  it.effect(
    `${JOBS} of the same second are all run, each once, without time passing`,
    () =>
      Effect.gen(function* () {
        const { add, calls, history, wall } = yield* daemon(() => Effect.succeed(null), { maxRunningCount: JOBS })
        yield* Effect.forEach(
          Array.from({ length: JOBS }, (_, job) => job),
          (job) => add(`job ${job}`, "0 * * * *"),
          {
            concurrency: 500,
            discard: true
          }
        )
        yield* TestClock.adjust("59 minutes")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(wall.now(), Date.parse("2026-01-01T01:00:00Z"))
        // No time has passed, by this clock.
        while (calls.length < JOBS) yield* TestClock.adjust(0)
        assert.lengthOf(calls, JOBS)
        yield* Effect.repeat(TestClock.adjust(0), { times: 20 })
        const runs = yield* history()
        assert.isTrue(runs.every(({ slot }) => slot === "2026-01-01T01:00:00.000Z"))
        assert.strictEqual(new Set(runs.map(({ id }) => id)).size, Math.min(JOBS, 10_000))
      }).pipe(Effect.scoped),
    300_000 + JOBS * 100
  )

  it.effect(
    "1000 of the same minute that hang are all begun at once; each times out, and what comes meanwhile is skipped and counted",
    () =>
      Effect.gen(function* () {
        const begun: Array<Deferred.Deferred<void>> = []
        const hangs: Implementation = () =>
          Effect.suspend(() => {
            begun.push(Deferred.makeUnsafe())
            return Effect.never
          })
        const { add, calls, database } = yield* daemon(hangs)
        yield* Effect.forEach(
          Array.from({ length: 1000 }, (_, job) => job),
          (job) => add(`job ${job}`, "* * * * *", { timeoutMillis: 150_000 }),
          { concurrency: 500, discard: true }
        )
        yield* TestClock.adjust("1 minute")
        yield* TestClock.adjust("1 second")
        assert.lengthOf(calls, 1000)
        yield* TestClock.adjust("2 minutes")
        yield* TestClock.adjust("20 seconds")
        yield* TestClock.adjust("20 seconds")
        const rows = yield* database.read((sql) =>
          sql.all("SELECT state, slots, count(*) AS count FROM job_runs GROUP BY state, slots")
        )
        assert.deepStrictEqual(
          rows.map(({ count, slots, state }) => [state, slots, count]),
          [
            ["skipped", 2, 1000],
            ["timed-out", 1, 1000]
          ]
        )
      }).pipe(Effect.scoped),
    300_000
  )
})
