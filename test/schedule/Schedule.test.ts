import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { MethodFailed } from "../../src/protocol/methodErrors.ts"
import { temporaryDirectory } from "../storage/support.ts"
import { id, type Implementation, method, namespace, open, settableWall } from "./support.ts"

const store = Effect.map(temporaryDirectory(), (home) => join(home, "hob.db"))
const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
/** Lets everything go on that can without time passing: each transaction takes a few turns. */
const settle = Effect.repeat(TestClock.adjust(0), { times: 10 })

const done: Implementation = () => Effect.succeed({ done: true })
const never: Implementation = () => Effect.never
const fails: Implementation = ({ method, namespace }) =>
  Effect.fail(new MethodFailed({ method, namespace, reason: "no luck" }))

/** A daemon of its own, and its clock. */
const fresh = (options: Omit<Parameters<typeof open>[1] & {}, "clock"> = {}) =>
  Effect.gen(function* () {
    const path = yield* store
    const wall = yield* settableWall
    const start = (more: typeof options = {}) =>
      open(path, { methods: { work: done }, ...options, ...more, clock: wall.clock })
    return { ...(yield* start()), wall, start }
  })

const at = (slot: string | null) => slot?.slice(11, 19)

describe("a job", () => {
  it.effect("runs at each of its slots, and its history says how it went", () =>
    Effect.gen(function* () {
      const { add, calls, history, said, schedule } = yield* fresh()
      const { job, replaced } = yield* add("a", "* * * * *", { params: { x: 1 } })
      assert.isFalse(replaced)
      assert.deepInclude(job, { nextAt: "2026-01-01T00:01:00.000Z", runCount: 0, lastRun: null, paused: false })
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(
        (yield* history()).map(({ cause, error, output, slot, state }) => [at(slot), cause, state, output, error]),
        [
          ["00:01:00", "slot", "succeeded", `{"done":true}`, null],
          ["00:02:00", "slot", "succeeded", `{"done":true}`, null],
          ["00:03:00", "slot", "succeeded", `{"done":true}`, null]
        ]
      )
      assert.deepInclude(calls[0], { method: method("work"), params: { x: 1 }, caller: { kind: "job", id: "a" } })
      assert.deepStrictEqual(
        said.map(({ channel, message, namespace }) => [
          namespace,
          channel,
          message.event,
          message.jobId,
          message.runCount
        ]),
        [0, 1, 2].flatMap((count) => [
          ["default", "jobs:default", "job-started", "a", count],
          ["default", "jobs:default", "job-completed", "a", count + 1]
        ])
      )
      const [listed] = yield* schedule.list({})
      assert.deepInclude(listed, { runCount: 3, running: 0, nextAt: "2026-01-01T00:04:00.000Z" })
      assert.strictEqual(listed?.lastRun?.state, "succeeded")
    }).pipe(Effect.scoped)
  )

  it.effect("that fails is tried again after a pause that grows, and then says why it failed", () =>
    Effect.gen(function* () {
      const { add, calls, history, said } = yield* fresh({ methods: { work: fails } })
      yield* add("a", "0 * * * *", { retries: 2 })
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(calls, 1)
      yield* TestClock.adjust("999 millis")
      assert.lengthOf(calls, 1)
      yield* TestClock.adjust("1 millis")
      assert.lengthOf(calls, 2)
      yield* TestClock.adjust("2 seconds")
      assert.lengthOf(calls, 3)
      const [run] = yield* history()
      assert.deepInclude(run, { state: "failed", attempts: 3, error: "no luck", durationMillis: 3000 })
      assert.deepInclude(said.at(-1)?.message, { event: "job-failed", error: "no luck", attempts: 3 })
    }).pipe(Effect.scoped)
  )

  it.effect("whose method is gone fails and says so", () =>
    Effect.gen(function* () {
      const methods: Record<string, Implementation> = { work: done }
      const { add, history } = yield* fresh({ methods })
      yield* add("a", "* * * * *")
      delete methods["work"]
      yield* TestClock.adjust("1 minute")
      assert.match((yield* history())[0]!.error!, /There is no method "work"/)
    }).pipe(Effect.scoped)
  )

  it.effect("that throws as only a bug does has failed, and goes on", () =>
    Effect.gen(function* () {
      const { add, history } = yield* fresh({ methods: { work: () => Effect.die(new Error("oops")) } })
      yield* add("a", "* * * * *")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(
        (yield* history()).map(({ error, state }) => [state, error]),
        [1, 2].map(() => ["failed", "hob failed: oops"])
      )
    }).pipe(Effect.scoped)
  )

  it.effect("that takes longer than it may is stopped", () =>
    Effect.gen(function* () {
      const interrupted = yield* Deferred.make<void>()
      const hangs: Implementation = () =>
        Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))
      const { add, history } = yield* fresh({ methods: { work: hangs } })
      yield* add("a", "0 * * * *", { timeoutMillis: 5000 })
      yield* TestClock.adjust("1 hour")
      yield* TestClock.adjust("5 seconds")
      yield* Deferred.await(interrupted)
      assert.deepInclude((yield* history())[0], { state: "timed-out", durationMillis: 5000 })
    }).pipe(Effect.scoped)
  )

  it.effect("runs on request, paused or not, and answers with the end if that is waited for", () =>
    Effect.gen(function* () {
      const { add, schedule, within } = yield* fresh()
      yield* add("a", "0 0 1 1 *")
      yield* within(schedule.pause({ id: id("a") }))
      const begun = yield* within(schedule.run({ id: id("a") }))
      assert.deepInclude(begun, { state: "running", cause: "manual", slot: null })
      yield* settle
      const ended = yield* within(schedule.run({ id: id("a"), wait: true }))
      assert.deepInclude(ended, { state: "succeeded", output: `{"done":true}` })
    }).pipe(Effect.scoped)
  )

  it.effect("is refused with what is wrong", () =>
    Effect.gen(function* () {
      const { add, schedule } = yield* fresh({ schedule: { maxCount: 1 } })
      const refusal = (effect: Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>) =>
        Effect.map(Effect.flip(effect), ({ _tag, message }) => `${_tag}: ${message}`)
      assert.match(
        yield* refusal(add("a", "0 0 31 2 *")),
        /InvalidCron: "0 0 31 2 \*" can't be scheduled. It would never/
      )
      assert.match(yield* refusal(add("a", "? * * * *")), /InvalidCron/)
      assert.match(yield* refusal(add("a", "* * * * *", { timeZone: "Europe/Berln" })), /UnknownTimeZone.*Berlin/)
      assert.match(yield* refusal(add("a", "* * * * *", { method: method("constructor") })), /UnknownMethod/)
      assert.match(
        yield* refusal(add("a", "* * * * *", { command: ["x"], method: method("work") })),
        /InvalidJob: .*not both/
      )
      assert.match(
        yield* refusal(schedule.add({ id: id("a"), cron: "* * * * *" })),
        /InvalidJob: What is the job to do/
      )
      assert.match(yield* refusal(add("a", "* * * * *", { cwd: "/" })), /InvalidJob: `cwd`/)
      yield* add("a", "* * * * *")
      assert.match(yield* refusal(add("b", "* * * * *")), /TooManyJobs: There are 1 jobs/)
      for (const change of [schedule.remove, schedule.pause, schedule.resume, schedule.run]) {
        assert.match(yield* refusal(change({ id: id("b") })), /JobNotFound: There is no job "b"/)
      }
    }).pipe(Effect.scoped)
  )

  it.effect("may name a method that is not there yet, where its maker says so", () =>
    Effect.gen(function* () {
      const { schedule, within } = yield* fresh()
      yield* within(schedule.add({ id: id("a"), cron: "* * * * *", method: method("later"), undeclared: true }))
      assert.lengthOf(yield* schedule.list({}), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is listed with the others in the order of making, page by page; so are runs, the newest first", () =>
    Effect.gen(function* () {
      const { add, schedule } = yield* fresh()
      for (const name of ["c", "a", "b"]) yield* add(name, "* * * * *")
      yield* add("c", "* * * * *")
      const names = (jobs: ReadonlyArray<{ readonly id: string }>) => jobs.map(({ id }) => id).join("")
      assert.strictEqual(names(yield* schedule.list({})), "abc")
      const first = yield* schedule.list({ limit: 2 })
      assert.strictEqual(names(first), "ab")
      assert.strictEqual(names(yield* schedule.list({ after: first[1]!.number })), "c")
      yield* TestClock.adjust("2 minutes")
      const newest = yield* schedule.history({ limit: 4 })
      const rest = yield* schedule.history({ limit: 4, before: newest.at(-1)!.run })
      assert.deepStrictEqual(
        [...newest, ...rest].map(({ run }) => run),
        [6, 5, 4, 3, 2, 1]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("of another namespace is another job", () =>
    Effect.gen(function* () {
      const { add, said, schedule } = yield* fresh()
      yield* add("a", "* * * * *")
      yield* add("a", "* * * * *", { namespace: namespace("kanban") })
      assert.lengthOf(yield* schedule.list({}), 1)
      assert.lengthOf(yield* schedule.list({ all: true }), 2)
      yield* TestClock.adjust("1 minute")
      assert.sameMembers(
        [...new Set(said.map(({ channel, namespace }) => `${namespace} ${channel}`))],
        ["default jobs:default", "kanban jobs:kanban"]
      )
    }).pipe(Effect.scoped)
  )
})

describe("overlaps", () => {
  const running = (overlap: "skip" | "queue" | "allow", schedule: object = {}) =>
    Effect.gen(function* () {
      const ends: Array<Deferred.Deferred<void>> = []
      const waits: Implementation = () =>
        Effect.suspend(() => {
          const end = Deferred.makeUnsafe<void>()
          ends.push(end)
          return Deferred.await(end)
        })
      const daemon = yield* fresh({ methods: { work: waits }, schedule })
      yield* daemon.add("a", "* * * * *", { overlap })
      return { ...daemon, ends }
    })

  it.effect("are skipped, and counted in one entry of the history", () =>
    Effect.gen(function* () {
      const { ends, history, schedule, within } = yield* running("skip")
      yield* TestClock.adjust("4 minutes")
      assert.lengthOf(ends, 1)
      const error = yield* Effect.flip(within(schedule.run({ id: id("a") })))
      assert.strictEqual(error._tag, "JobRunning")
      yield* Deferred.succeed(ends[0]!, undefined)
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(
        (yield* history()).map(({ slot, slots, state }) => [at(slot), state, slots]),
        [
          ["00:01:00", "succeeded", 1],
          ["00:02:00", "skipped", 3],
          ["00:05:00", "running", 1],
          ["00:06:00", "skipped", 1]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("wait for the run to end, as many as may", () =>
    Effect.gen(function* () {
      const { ends, history, schedule } = yield* running("queue", { queueCount: 2 })
      yield* TestClock.adjust("5 minutes")
      assert.deepInclude((yield* schedule.list({}))[0], { running: 1, queued: 2 })
      for (const [index, left] of [2, 1].entries()) {
        yield* Deferred.succeed(ends[index]!, undefined)
        yield* settle
        assert.deepInclude((yield* schedule.list({}))[0], { running: 1, queued: left - 1 })
      }
      assert.deepStrictEqual(
        (yield* history()).map(({ slot, slots, state }) => [at(slot), state, slots]),
        [
          ["00:01:00", "succeeded", 1],
          ["00:02:00", "succeeded", 1],
          ["00:03:00", "running", 1],
          ["00:04:00", "skipped", 2]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("go on beside one another, as many as may", () =>
    Effect.gen(function* () {
      const { ends, schedule } = yield* running("allow", { overlapCount: 3 })
      yield* TestClock.adjust("5 minutes")
      assert.lengthOf(ends, 3)
      assert.deepInclude((yield* schedule.list({}))[0], { running: 3, queued: 0 })
    }).pipe(Effect.scoped)
  )

  it.effect("of more jobs than may run at once wait for a place, in order", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const ends: Array<Deferred.Deferred<void>> = []
      const waits: Implementation = ({ caller }) =>
        Effect.suspend(() => {
          order.push(caller.id!)
          const end = Deferred.makeUnsafe<void>()
          ends.push(end)
          return Deferred.await(end)
        })
      const { add, history } = yield* fresh({ methods: { work: waits }, schedule: { maxRunningCount: 2 } })
      for (let job = 0; job < 5; job++) yield* add(`${job}`, "0 * * * *")
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(order, 2)
      assert.lengthOf(
        (yield* history()).filter(({ state }) => state === "queued"),
        3
      )
      for (let end = 0; end < 5; end++) {
        yield* Deferred.succeed(ends[end]!, undefined)
        yield* settle
      }
      assert.deepStrictEqual(order.toSorted(), ["0", "1", "2", "3", "4"])
      assert.isTrue((yield* history()).every(({ state }) => state === "succeeded"))
    }).pipe(Effect.scoped)
  )
})

describe("a job that is removed or replaced while it runs", () => {
  it.effect("stays so; the run goes on, and what waited is dropped", () =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      const { add, history, schedule, within } = yield* fresh({ methods: { work: () => Deferred.await(end) } })
      yield* add("a", "* * * * *", { overlap: "queue" })
      yield* TestClock.adjust("2 minutes")
      const waits = yield* fork(within(schedule.run({ id: id("a"), wait: true })))
      yield* settle
      yield* within(schedule.remove({ id: id("a") }))
      assert.deepInclude(yield* Fiber.join(waits), { state: "skipped", cause: "manual" })
      yield* Deferred.succeed(end, undefined)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* schedule.list({ all: true }), [])
      assert.deepStrictEqual(
        (yield* history()).map(({ state }) => state),
        ["succeeded", "skipped", "skipped"]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("as another job counts anew, at its own times", () =>
    Effect.gen(function* () {
      const end = yield* Deferred.make<void>()
      const { add, history, schedule, start, stop } = yield* fresh({ methods: { work: () => Deferred.await(end) } })
      yield* add("a", "* * * * *")
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* add("a", "30 * * * *")).replaced)
      yield* Deferred.succeed(end, undefined)
      yield* settle
      const fact = { cron: "30 * * * *", runCount: 0, running: 0, lastRun: null, nextAt: "2026-01-01T00:30:00.000Z" }
      assert.deepInclude((yield* schedule.list({}))[0], fact)
      assert.deepStrictEqual(
        (yield* history()).map(({ state }) => state),
        ["succeeded"]
      )
      yield* stop
      const later = yield* start()
      assert.deepInclude((yield* later.schedule.list({}))[0], fact)
    }).pipe(Effect.scoped)
  )
})

describe("a paused job", () => {
  it.effect("lets its slots pass, across restarts, and makes up for none", () =>
    Effect.gen(function* () {
      const { add, schedule, start, stop, wall, within } = yield* fresh()
      yield* add("a", "* * * * *")
      yield* within(schedule.pause({ id: id("a") }))
      yield* TestClock.adjust("3 minutes")
      yield* stop
      const later = yield* start()
      assert.deepInclude((yield* later.schedule.list({}))[0], { paused: true, nextAt: null })
      yield* TestClock.adjust("3 minutes")
      assert.deepInclude(yield* later.within(later.schedule.resume({ id: id("a") })), {
        paused: false,
        nextAt: new Date(wall.now() + 60_000).toISOString()
      })
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(yield* later.history(), 1)
    }).pipe(Effect.scoped)
  )
})

describe("slots that passed while nobody could run them", () => {
  for (const [missed, expected] of [
    [
      "once",
      [
        ["03:00:00", "slot", "missed", 2],
        ["05:00:00", "catch-up", "succeeded", 1]
      ]
    ],
    ["skip", [["03:00:00", "slot", "missed", 3]]]
  ] as const) {
    it.effect(`${missed}: ${missed === "once" ? "the last one is made up for" : "none is made up for"}`, () =>
      Effect.gen(function* () {
        const { add, start, stop, wall } = yield* fresh()
        yield* add("a", "0 * * * *", { missed })
        yield* TestClock.adjust("2 hours")
        yield* stop
        yield* wall.jump(3.5 * 3_600_000)
        const later = yield* start()
        yield* settle
        const entries = (yield* later.history()).slice(2)
        assert.deepStrictEqual(
          entries.map(({ cause, slot, slots, state }) => [at(slot), cause, state, slots]),
          expected as any
        )
        assert.strictEqual((yield* later.schedule.list({}))[0]?.nextAt, "2026-01-01T06:00:00.000Z")
      }).pipe(Effect.scoped)
    )
  }

  it.effect("a little ago are run as if nothing had been", () =>
    Effect.gen(function* () {
      const { add, start, stop, wall } = yield* fresh()
      yield* add("a", "0 * * * *", { missed: "skip" })
      yield* TestClock.adjust("59 minutes")
      yield* stop
      yield* wall.jump(100_000)
      const later = yield* start()
      yield* settle
      assert.deepStrictEqual(
        (yield* later.history()).map(({ cause, slot }) => [at(slot), cause]),
        [["01:00:00", "slot"]]
      )
    }).pipe(Effect.scoped)
  )
})

describe("the daemon's death in the middle of a run", () => {
  for (const [guarantee, states] of [
    ["at-most-once", [["interrupted", "slot"]]],
    [
      "at-least-once",
      [
        ["interrupted", "slot"],
        ["succeeded", "again"]
      ]
    ]
  ] as const) {
    it.effect(
      `${guarantee}: ${guarantee === "at-most-once" ? "is not run again" : "is run again, and marked so"}`,
      () =>
        Effect.gen(function* () {
          const { add, start, stop } = yield* fresh({ methods: { work: never } })
          yield* add("a", "0 * * * *", { guarantee })
          yield* TestClock.adjust("1 hour")
          yield* stop
          const later = yield* start({ methods: { work: done } })
          yield* TestClock.adjust("10 minutes")
          const runs = yield* later.history()
          assert.deepStrictEqual(
            runs.map(({ cause, state }) => [state, cause]),
            states as any
          )
          assert.isTrue(runs.every(({ slot }) => at(slot) === "01:00:00"))
          assert.deepInclude(later.said.find(({ message }) => message.event === "job-failed")?.message, {
            state: "interrupted"
          })
        }).pipe(Effect.scoped)
    )
  }

  it.effect("leaves what waited waiting", () =>
    Effect.gen(function* () {
      const { add, start, stop } = yield* fresh({ methods: { work: never } })
      yield* add("a", "* * * * *", { overlap: "queue" })
      yield* TestClock.adjust("3 minutes")
      yield* stop
      const later = yield* start({ methods: { work: done } })
      yield* settle
      assert.deepStrictEqual(
        (yield* later.history()).map(({ slot, state }) => [at(slot), state]),
        [
          ["00:01:00", "interrupted"],
          ["00:02:00", "succeeded"],
          ["00:03:00", "succeeded"]
        ]
      )
    }).pipe(Effect.scoped)
  )
})
