/** What takes minutes, by a clock that the test moves; what travels, travels for real. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { until } from "../support/home.ts"
import { connected } from "./inProcess.ts"
import { middlewareOf } from "./support.ts"

const inMinutes = { retryMinMillis: 1000, retryMaxMillis: 30_000 }
const eventually = (what: string, check: () => boolean) => Effect.promise(() => until(what, check))

const makeNas = Effect.gen(function* () {
  const started = yield* middlewareOf()
  const { middleware } = started
  const { call, service } = yield* connected(started, {}, inMinutes)
  assert.deepEqual(yield* call("mock.echo", [1]), [1])
  let pings = 0
  for (const { socket } of middleware.connections) socket.on("ping", () => void pings++)
  const only = () => [...middleware.connections].at(-1)
  const state = Effect.map(service.status("nas"), ({ state }) => state)
  return { ...started, call, service, only, state, pings: () => pings }
})

describe("a connection", () => {
  it.effect("that only seems open is asked after twenty seconds, and given up after forty-five", () =>
    Effect.gen(function* () {
      const { call, middleware, only, service, state } = yield* makeNas
      const began = middleware.called("mock.silent")
      const waiting = yield* Effect.forkChild(Effect.flip(call("mock.silent", [], { timeoutMillis: 0 })), {
        startImmediately: true
      })
      yield* eventually("it is out", () => middleware.called("mock.silent") > began)
      only()!.freeze()
      yield* TestClock.adjust("44 seconds")
      assert.strictEqual(yield* state, "up")
      // Nothing is known yet, and a caller is not told that there is.
      assert.strictEqual((yield* service.status("nas")).inFlight, 1)
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag, "UpstreamOutcomeUnknown")
      assert.match(error.message, /nothing was heard of it for 45000 ms/)
      assert.deepEqual(yield* call("mock.echo", ["again"]), ["again"])
      assert.strictEqual(middleware.counts.connections, 2)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "on which nothing happens is kept alive by a ping every twenty seconds, until nobody has used it for ten minutes",
    () =>
      Effect.gen(function* () {
        const { call, middleware, only, pings, state } = yield* makeNas
        for (let asked = 1; asked <= 6; asked++) {
          yield* TestClock.adjust("20 seconds")
          yield* eventually("it is asked", () => pings() === asked)
          // Its answer has come before the next one is due.
          yield* Effect.promise(() => only()!.taken())
        }
        assert.strictEqual(yield* state, "up")
        assert.strictEqual(middleware.counts.connections, 1)
        for (let elapsed = 120; elapsed < 600; elapsed += 20) {
          const asked = pings()
          yield* TestClock.adjust("20 seconds")
          yield* eventually("it is asked, or hung up", () => pings() > asked || only() === undefined)
          yield* Effect.promise(async () => only()?.taken())
        }
        yield* eventually("it is hung up", () => middleware.connections.size === 0)
        assert.strictEqual(yield* state, "idle")
        assert.deepEqual(yield* call("mock.echo", ["again"]), ["again"])
        assert.strictEqual(middleware.counts.connections, 2)
      }).pipe(Effect.scoped)
  )

  it.effect(
    "that can't be had any more is tried at once, after a second, and then more and more seldom, every half a minute at least",
    () =>
      Effect.gen(function* () {
        const { middleware, service } = yield* makeNas
        // One that was well for a while is made again at once.
        yield* TestClock.adjust("5 seconds")
        middleware.refuseWith = 503
        middleware.dropConnections()
        const pauses: Array<number> = []
        for (let attempts = 1; attempts <= 9; attempts++) {
          yield* eventually("it is tried", () => middleware.counts.refusedConnections === attempts)
          let next: string | null = null
          yield* Effect.promise(() =>
            until("it waits", async () => {
              const status = await Effect.runPromise(service.status("nas"))
              next = status.nextAttemptAt
              return status.state === "waiting" && next !== null
            })
          )
          const now = yield* Clock.currentTimeMillis
          const pause = Date.parse(next!) - now
          pauses.push(pause)
          yield* TestClock.adjust(pause + 1)
        }
        pauses.forEach((pause, at) => {
          const wanted = Math.min(2 ** at * 1000, 25_000)
          assert.isTrue(pause >= wanted * 0.8 - 1 && pause <= Math.min(wanted * 1.2 + 1, 30_000), `${at}: ${pause}`)
        })
        assert.isAbove(new Set(pauses.slice(-4)).size, 1)
        middleware.refuseWith = null
        yield* TestClock.adjust("31 seconds")
        yield* eventually("it is back", () => middleware.connections.size === 1)
      }).pipe(Effect.scoped)
  )
})
