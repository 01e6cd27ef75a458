import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Concerns } from "../../src/actors/Concerns.ts"
import { Connections } from "../../src/actors/Connections.ts"
import { Shutdown } from "../../src/actors/Shutdown.ts"
import type { SessionEvent } from "../../src/protocol/index.ts"
import { embedded } from "../support/embedded.ts"

/** Lets real input and output happen until something is so: the clock of these tests stands still. */
const until = (check: () => boolean | Effect.Effect<boolean, unknown>): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (;;) {
      const result = check()
      if (Effect.isEffect(result) ? yield* Effect.orDie(result) : result) return
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
  })

describe("a whole daemon in process", () => {
  it.effect("starts a session, types into it, reads it back, and sees it end", () =>
    Effect.gen(function* () {
      const { connect, started } = yield* embedded()
      const client = yield* connect
      const session = yield* client["sessions.run"]({ command: ["greet"], name: "hello", cwd: "/", env: { A: "1" } })
      assert.deepStrictEqual([session.state, session.name, session.kind], ["running", "hello", "pty"])
      const program = started[0]!
      assert.strictEqual(program.spec.env["HOB_SESSION_ID"], session.id)
      assert.strictEqual(program.spec.env["A"], "1")

      yield* client["sessions.send"]({ session: "hello", data: Buffer.from("hi\r").toString("base64") })
      assert.strictEqual(program.readInput().toString(), "hi\r")
      program.print("good day\r\n")
      program.end({ code: 4 })
      const { session: ended, timedOut } = yield* client["sessions.wait"]({ session: session.id.slice(0, 8) })
      assert.deepStrictEqual([ended.state, ended.exit?.code, timedOut], ["exited", 4, false])

      const output = yield* Stream.runCollect(client["sessions.output"]({ session: "hello" }))
      assert.strictEqual(output.map(({ data }) => Buffer.from(data, "base64").toString()).join(""), "good day\r\n")
      const lines = yield* Stream.runCollect(client["sessions.export"]({ session: "hello" }))
      assert.deepStrictEqual(
        lines.map(({ data, direction }) => [direction, Buffer.from(data, "base64").toString()]),
        [
          ["input", "hi\r"],
          ["output", "good day\r\n"]
        ]
      )
    })
  )

  it.effect("a wait with a time-out says that it timed out", () =>
    Effect.gen(function* () {
      const { connect } = yield* embedded()
      const client = yield* connect
      const { id } = yield* client["sessions.run"]({ command: ["sleep"] })
      const waiting = yield* Effect.forkScoped(client["sessions.wait"]({ session: id, timeoutMillis: 60_000 }))
      // The call is in the daemon once a later one has been answered.
      yield* client["sessions.show"]({ session: id })
      yield* TestClock.adjust("1 minute")
      assert.isTrue((yield* Fiber.join(waiting)).timedOut)
    })
  )

  it.effect("announces what happens to sessions, in order", () =>
    Effect.gen(function* () {
      const { connect, started } = yield* embedded()
      const client = yield* connect
      const events: Array<SessionEvent["type"]> = []
      const first = yield* Deferred.make<void>()
      yield* Effect.forkScoped(
        Stream.runForEach(client["sessions.events"]({}), ({ type }) =>
          Effect.andThen(
            Effect.sync(() => events.push(type)),
            Deferred.succeed(first, undefined)
          )
        )
      )
      // Subscribed once something of ours arrives.
      let started_ = 0
      yield* until(() =>
        Effect.gen(function* () {
          if (yield* Deferred.isDone(first)) return true
          yield* client["sessions.run"]({ command: [`probe-${started_++}`] })
          return false
        })
      )
      const before = events.length
      const { id } = yield* client["sessions.run"]({ command: ["greet"] })
      started.at(-1)!.end()
      yield* client["sessions.wait"]({ session: id })
      yield* client["sessions.remove"]({ session: id })
      yield* until(() => events.at(-1) === "removed")
      assert.deepStrictEqual(events.slice(-4), ["started", "exited", "closed", "removed"])
      assert.isAtLeast(events.length, before)
    })
  )

  it.effect("names are taken once, ended sessions can't be typed into, and what is not there is said to be so", () =>
    Effect.gen(function* () {
      const { connect, started } = yield* embedded()
      const client = yield* connect
      const { id } = yield* client["sessions.run"]({ command: ["a"], name: "one" })
      const taken = yield* Effect.flip(client["sessions.run"]({ command: ["b"], name: "one" }))
      assert.strictEqual(taken._tag, "SessionNameTaken")
      assert.strictEqual(started.length, 1)
      const running = yield* Effect.flip(client["sessions.remove"]({ session: id }))
      assert.strictEqual(running._tag, "SessionRunning")
      started[0]!.end()
      yield* client["sessions.wait"]({ session: id })
      assert.strictEqual(
        (yield* Effect.flip(client["sessions.send"]({ session: id, data: "aGk=" })))._tag,
        "SessionEnded"
      )
      assert.strictEqual((yield* Effect.flip(client["sessions.show"]({ session: "nobody" })))._tag, "SessionNotFound")
      const signal = yield* client["sessions.run"]({ command: ["c"] })
      const unknown = yield* Effect.flip(client["sessions.kill"]({ session: signal.id, signal: "SIGNOTHING" }))
      assert.strictEqual(unknown._tag, "UnknownSignal")
    })
  )

  it.effect("what is too large for the session-host is refused, and the line to it stays up", () =>
    Effect.gen(function* () {
      const { connect, context } = yield* embedded({ env: { HOB_SESSIONS_INPUT_QUEUE_BYTES: "100000000" } })
      const client = yield* connect
      const { id } = yield* client["sessions.run"]({ command: ["stay"] })
      const refused = yield* Effect.flip(client["sessions.run"]({ command: ["huge", "x".repeat(5_000_000)] }))
      assert.strictEqual(refused._tag, "SpawnFailed")
      const data = Buffer.alloc(5_000_000).toString("base64")
      const full = yield* Effect.flip(client["sessions.send"]({ session: id, data }))
      assert.strictEqual(full._tag, "InputQueueFull")
      const status = yield* Context.get(context, Concerns).status
      assert.isTrue(status.every(({ restarts }) => restarts === 0))
      assert.strictEqual((yield* client["sessions.list"]({})).sessions.length, 1)
    })
  )

  it.effect("each concern that fails restarts alone: clients, sessions and the other concerns do not notice", () =>
    Effect.gen(function* () {
      const { connect, context, started } = yield* embedded()
      const client = yield* connect
      const concerns = Context.get(context, Concerns)
      const { id } = yield* client["sessions.run"]({ command: ["stay"] })
      const names = (yield* concerns.status).map(({ name }) => name)
      assert.includeMembers(names, ["socket listener", "connections", "sessions", "session-host link"])
      for (const [index, name] of names.entries()) {
        assert.isTrue(yield* concerns.crash(name, "a bug"))
        yield* TestClock.adjust("100 millis")
        yield* until(() => Effect.map(concerns.status, (all) => all.every(({ state }) => state === "up")))
        const status = yield* concerns.status
        assert.deepStrictEqual(
          status.map(({ restarts }) => restarts),
          names.map((_, i) => (i <= index ? 1 : 0)),
          `after ${name}`
        )
        assert.deepStrictEqual(yield* client["daemon.ping"](undefined), { pong: true })
        assert.strictEqual((yield* client["sessions.show"]({ session: id })).state, "running", `after ${name}`)
      }
      started[0]!.end({ code: 0 })
      assert.strictEqual((yield* client["sessions.wait"]({ session: id })).session.state, "exited")
    })
  )

  it.effect("stops when it has been idle for as long as it is told, and not while anybody uses it", () =>
    Effect.gen(function* () {
      const { connect, context, started } = yield* embedded({ env: { HOB_DAEMON_IDLE_EXIT_MILLIS: "60000" } })
      const shutdown = yield* Effect.forkScoped(Context.get(context, Shutdown).requested)
      const connections = Context.get(context, Connections)
      const gone = until(() => Effect.map(connections.count, (count) => count === 0))
      const { id } = yield* Effect.scoped(
        Effect.flatMap(connect, (client) => client["sessions.run"]({ command: ["stay"] }))
      )
      yield* gone
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(shutdown.pollUnsafe(), "a session runs")

      yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* connect
          started[0]!.end()
          yield* client["sessions.wait"]({ session: id })
          yield* TestClock.adjust("10 minutes")
          assert.isUndefined(shutdown.pollUnsafe(), "a client is connected")
        })
      )
      yield* gone
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(shutdown.pollUnsafe(), "not for long enough")
      yield* TestClock.adjust("2 minutes")
      assert.include(yield* Fiber.join(shutdown), "idle")
    })
  )
})
