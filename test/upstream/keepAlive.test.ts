import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { HobConfig } from "../../src/config/HobConfig.ts"
import type { Connection } from "../../src/upstream/Connection.ts"
import { keepAlive } from "../../src/upstream/keepAlive.ts"
import { Lost } from "../../src/upstream/Wire.ts"

/** A connection whose other end does what it is told, by the test's clock. */
const scripted = Effect.gen(function* () {
  const { upstream: settings } = yield* HobConfig.pipe(
    Effect.flatMap((config) => config.get),
    Effect.provide(HobConfig.layerTest({}))
  )
  const clock = yield* Effect.clockWith((clock) => Effect.succeed(clock))
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const ended = yield* Deferred.make<never, Lost>()
  const pings: Array<number> = []
  let heardAt = now()
  let isLost = false
  const other = { answers: true }
  const connection: Connection = {
    send: () => undefined,
    ask: (_method, _params, timeoutMillis) =>
      Effect.suspend(() => {
        pings.push(now())
        if (other.answers) {
          heardAt = now()
          return Effect.succeed('"pong"')
        }
        return Effect.andThen(Effect.sleep(timeoutMillis), Effect.fail(new Lost("no answer")))
      }),
    lost: Deferred.await(ended),
    isLost: () => isLost,
    drop: (reason) => {
      isLost = true
      Deferred.doneUnsafe(ended, Effect.fail(new Lost(reason)))
    },
    heardAt: () => heardAt
  }
  const fiber = yield* Effect.forkChild(Effect.flip(keepAlive(connection, () => settings)))
  return { fiber, other, pings, isLost: () => isLost, hear: () => void (heardAt = now()) }
})

describe("a connection", () => {
  it.effect("is asked for a sign of life after twenty seconds of silence, and not while there is talk", () =>
    Effect.gen(function* () {
      const { fiber, hear, pings } = yield* scripted
      yield* TestClock.adjust("19 seconds")
      assert.lengthOf(pings, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(pings, [20_000])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(pings, [20_000, 40_000, 60_000, 80_000, 100_000, 120_000, 140_000])
      for (let second = 0; second < 60; second++) {
        hear()
        yield* TestClock.adjust("1 second")
      }
      assert.lengthOf(pings, 7)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("whose other end has vanished is given up after 45 seconds", () =>
    Effect.gen(function* () {
      const { fiber, isLost, other } = yield* scripted
      other.answers = false
      yield* TestClock.adjust("44 seconds")
      assert.isFalse(isLost())
      yield* TestClock.adjust("1 second")
      assert.isTrue(isLost())
      assert.include((yield* Fiber.join(fiber)).reason, "nothing was heard")
    })
  )

  it.effect("that is slow with a ping, and talks of other things, lives", () =>
    Effect.gen(function* () {
      const { fiber, hear, isLost, other } = yield* scripted
      other.answers = false
      for (let second = 0; second < 180; second += 5) {
        yield* TestClock.adjust("5 seconds")
        if (second % 30 === 0) hear()
      }
      assert.isFalse(isLost())
      yield* Fiber.interrupt(fiber)
    })
  )
})
