import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import type { Sessions } from "../../src/sessions/Sessions.ts"
import { temporaryDirectory } from "../storage/support.ts"
import { id, open, settableWall } from "./support.ts"

const session = (number: number) => `00000000-0000-4000-8000-00000000000${number}`

type Commands = Partial<Sessions["Service"]>

/** Sessions of commands: which there are, and how each ends, once it does. */
const commands = (left: ReadonlyArray<object>, exit: Deferred.Deferred<object>) => {
  let started = 0
  const sessions = {
    run: () => Effect.sync(() => ({ id: session(++started) })),
    send: () => Effect.void,
    listing: () => Effect.succeed({ sessions: left, hostUnavailable: undefined }),
    wait: () => Effect.map(Deferred.await(exit), (exit) => ({ state: "ended", exit })),
    attach: () => Effect.succeed(Stream.empty),
    remove: () => Effect.void
  } as unknown as Commands
  return { sessions, started: () => started }
}

const fresh = (sessions: Commands) =>
  Effect.gen(function* () {
    const path = join(yield* temporaryDirectory(), "hob.db")
    const { clock } = yield* settableWall
    const start = (sessions: Commands) => open(path, { clock, sessions, methods: { work: () => Effect.never } })
    return { ...(yield* start(sessions)), start }
  })

const settle = Effect.repeat(TestClock.adjust(0), { times: 10 })

it.effect("a job whose time zone is not known any more is there still, and says so", () =>
  Effect.gen(function* () {
    const path = join(yield* temporaryDirectory(), "hob.db")
    const { clock } = yield* settableWall
    const start = () => open(path, { clock, methods: { work: () => Effect.succeed(null) } })
    const before = yield* start()
    yield* before.add("moved", "0 * * * *", { timeZone: "Europe/Berlin" })
    yield* before.add("other", "0 0 1 1 *")
    yield* before.database.write((sql) => sql.run("UPDATE jobs SET time_zone = 'Mars/Phobos' WHERE id = 'moved'"))
    yield* before.stop
    const { add, calls, history, schedule, within } = yield* start()
    const list = schedule.list({})
    const [moved, other] = yield* list
    assert.deepInclude(moved, { id: id("moved"), cron: "0 * * * *", timeZone: "Mars/Phobos", nextAt: null })
    assert.match(moved!.problem!, /There is no time zone "Mars\/Phobos"/)
    assert.isUndefined(other!.problem)
    yield* TestClock.adjust("2 hours")
    assert.lengthOf(calls, 0)
    // What a person can do with it goes on.
    yield* within(schedule.pause({ id: id("moved") }))
    assert.strictEqual((yield* within(schedule.resume({ id: id("moved") }))).nextAt, null)
    assert.strictEqual((yield* within(schedule.run({ id: id("moved"), wait: true }))).state, "succeeded")
    yield* add("moved", "0 * * * *", { timeZone: "Europe/Berlin" })
    assert.isUndefined((yield* list).find((job) => job.id === "moved")!.problem)
    yield* TestClock.adjust("1 hour")
    yield* settle
    assert.lengthOf(yield* history("moved"), 2)
  }).pipe(Effect.scoped)
)

describe("of a run that an earlier daemon began,", () => {
  it.effect("how long the command took is known, however many daemons there were", () =>
    Effect.gen(function* () {
      const first = commands([], yield* Deferred.make<object>())
      const { add, start, stop } = yield* fresh(first.sessions)
      yield* add("a", "0 * * * *", { command: ["build"] })
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(first.started(), 1)
      yield* stop
      yield* TestClock.adjust("10 minutes")
      // It ended while no daemon was there.
      const exit = yield* Deferred.make<object>()
      yield* Deferred.succeed(exit, { code: 0, signal: null, reason: null, at: "2026-01-01T01:04:00.000Z" })
      const later = yield* start(commands([{ id: session(1) }], exit).sessions)
      yield* settle
      assert.deepInclude((yield* later.history())[0], { state: "succeeded", durationMillis: 240_000 })
    }).pipe(Effect.scoped)
  )

  it.effect("nobody knows how long it took when it was cut off", () =>
    Effect.gen(function* () {
      const { add, start, stop } = yield* fresh({})
      yield* add("a", "0 * * * *")
      yield* TestClock.adjust("1 hour")
      yield* stop
      yield* TestClock.adjust("10 minutes")
      const later = yield* start({})
      yield* settle
      assert.deepInclude((yield* later.history())[0], { state: "interrupted", durationMillis: null })
    }).pipe(Effect.scoped)
  )

  it.effect("attempts are counted on", () =>
    Effect.gen(function* () {
      const failed = { code: 1, signal: null, reason: null, at: "2026-01-01T01:00:00.000Z" }
      const over = yield* Deferred.make<object>()
      const first = commands([], over)
      const { add, start, stop } = yield* fresh({
        ...first.sessions,
        // The second of its attempts does not end.
        wait: ((id: string) => (id === session(1) ? first.sessions.wait!(id as never) : Effect.never)) as never
      })
      yield* add("a", "0 * * * *", { command: ["build"], retries: 2 })
      yield* TestClock.adjust("1 hour")
      yield* Deferred.succeed(over, failed)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(first.started(), 2)
      yield* stop
      const second = commands([{ id: session(2) }], over)
      const later = yield* start(second.sessions)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(second.started(), 1)
      assert.deepInclude((yield* later.history())[0], { state: "failed", attempts: 3 })
    }).pipe(Effect.scoped)
  )
})
