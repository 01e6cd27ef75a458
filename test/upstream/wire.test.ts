import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { keepAlive } from "../../src/upstream/keepAlive.ts"
import { targetOf } from "../../src/upstream/target.ts"
import { Lost, open } from "../../src/upstream/Wire.ts"
import { until } from "../support/home.ts"
import { middlewareOf } from "./support.ts"

/** {@link keepAlive} of a connection on which nothing comes unless the test says so, with the settings that there are. */
const keptAlive = Effect.gen(function* () {
  const { upstream } = yield* HobConfig.use((config) => config.get)
  const seen = { heardAt: 0, pings: 0 }
  const dropped = yield* Deferred.make<never, Lost>()
  const alive = yield* Effect.forkChild(
    Effect.flip(
      keepAlive(
        {
          heardAt: () => seen.heardAt,
          ping: () => void seen.pings++,
          drop: (reason) => Deferred.doneUnsafe(dropped, Effect.fail(new Lost(reason))),
          lost: Deferred.await(dropped)
        },
        () => upstream
      )
    ),
    { startImmediately: true }
  )
  return { seen, alive }
})

describe("a large message that comes slowly", () => {
  it.live("is heard of with each part of it", () =>
    Effect.gen(function* () {
      const { middleware, uri } = yield* middlewareOf()
      const target = targetOf(uri)
      if (typeof target === "string") return assert.fail(target)
      const texts: Array<string> = []
      let heard = 0
      yield* open({
        target,
        insecure: false,
        ca: null,
        maxBytes: 1024 * 1024,
        onHeard: () => void heard++,
        onText: (text) => void texts.push(text),
        onLost: () => undefined
      })
      yield* Effect.promise(() => until("it is there", () => middleware.connections.size === 1))
      const [connection] = middleware.connections
      const { _socket } = connection!.socket as unknown as { readonly _socket: NodeJS.WritableStream }
      const text = "x".repeat(3000)
      const header = Buffer.from([0x81, 126, text.length >> 8, text.length & 0xff])
      for (const part of [header, ...text.match(/.{1,500}/g)!]) {
        const before = heard
        _socket.write(part)
        yield* Effect.promise(() => until("it is heard", () => heard > before))
      }
      yield* Effect.promise(() => until("it has come", () => texts.length === 1))
      assert.deepStrictEqual(texts, [text])
    }).pipe(Effect.scoped)
  )

  it.effect("keeps its connection alive, which is asked when nothing comes and given up when that stays so", () =>
    Effect.gen(function* () {
      const { alive, seen } = yield* keptAlive
      for (let seconds = 10; seconds <= 300; seconds += 10) {
        yield* TestClock.adjust("10 seconds")
        seen.heardAt = seconds * 1000
      }
      assert.strictEqual(seen.pings, 0)
      yield* TestClock.adjust("44999 millis")
      assert.isUndefined(alive.pollUnsafe())
      assert.strictEqual(seen.pings, 2)
      yield* TestClock.adjust("1 millis")
      assert.match((yield* Fiber.join(alive)).reason, /nothing was heard of it for 45000 ms/)
    }).pipe(Effect.provide(HobConfig.layerTest({})))
  )

  it.effect("is not given up for what it did not say while hob stood still, before it is asked again", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      // As when the process is stopped: the time that passed is told by no timer.
      let stopped = 0n
      const stopping: Clock.Clock = Object.create(clock, {
        monotonicTimeNanosUnsafe: { value: () => clock.monotonicTimeNanosUnsafe() + stopped },
        monotonicTimeNanos: { get: () => Effect.sync(() => clock.monotonicTimeNanosUnsafe() + stopped) }
      })
      const { alive, seen } = yield* Effect.provideService(keptAlive, Clock.Clock, stopping)
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(seen.pings, 1)
      stopped = 600_000_000_000n
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(seen.pings, 2)
      seen.heardAt = 640_000
      yield* TestClock.adjust("20 seconds")
      assert.isUndefined(alive.pollUnsafe())
      stopped *= 2n
      yield* TestClock.adjust("20 seconds")
      yield* TestClock.adjust("19999 millis")
      assert.isUndefined(alive.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.match((yield* Fiber.join(alive)).reason, /nothing was heard of it/)
    }).pipe(Effect.provide(HobConfig.layerTest({})))
  )
})
