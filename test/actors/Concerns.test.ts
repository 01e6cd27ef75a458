import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Concerns, restartPause } from "../../src/actors/Concerns.ts"

const statusOf = (name: string) =>
  Effect.gen(function* () {
    const concerns = yield* Concerns
    return (yield* concerns.status).find((status) => status.name === name)!
  })

/** An actor that counts its runs and waits. */
const counting = (runs: { count: number }) => (up: Effect.Effect<void>) =>
  Effect.gen(function* () {
    runs.count++
    yield* up
    return yield* Effect.never
  })

describe("Concerns", () => {
  it.effect("a failed actor restarts after a pause and says why; the others do not notice", () =>
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const [a, b] = [{ count: 0 }, { count: 0 }]
      yield* concerns.supervise("a", counting(a))
      yield* concerns.supervise("b", counting(b))
      assert.strictEqual((yield* statusOf("a")).state, "up")

      assert.isTrue(yield* concerns.crash("a", "a bug"))
      yield* TestClock.adjust("1 millis")
      const down = yield* statusOf("a")
      assert.strictEqual(down.state, "restarting")
      assert.strictEqual(down.restarts, 1)
      assert.strictEqual(down.lastFailure?.reason, "a bug")

      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* statusOf("a")).state, "up")
      assert.deepStrictEqual([a.count, b.count], [2, 1])
      assert.strictEqual((yield* statusOf("b")).restarts, 0)
    }).pipe(Effect.provide(Concerns.layer))
  )

  it.effect("a pause is over at once for an actor that was mended, and only that one", () =>
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const runs = { count: 0 }
      yield* concerns.supervise("a", counting(runs))
      // Before there is a pause it changes nothing.
      yield* concerns.hurry("a")
      for (let failure = 1; failure <= 5; failure++) {
        yield* concerns.crash("a", "a bug")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* statusOf("a")).state, "restarting")
        yield* concerns.hurry("a")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* statusOf("a")).state, "up")
        assert.strictEqual(runs.count, failure + 1)
      }
      yield* concerns.hurry("nobody")
    }).pipe(Effect.provide(Concerns.layer))
  )

  it.effect("pauses grow while an actor keeps failing and are short again after a healthy run", () =>
    Effect.gen(function* () {
      const concerns = yield* Concerns
      let runs = 0
      let healthy = false
      yield* concerns.supervise("flaky", () =>
        Effect.suspend(() => {
          runs++
          return healthy ? Effect.andThen(Effect.sleep("2 minutes"), Effect.die("late")) : Effect.die("early")
        })
      )
      assert.strictEqual(runs, 1)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runs, 2)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runs, 2)
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runs, 3)
      healthy = true
      yield* TestClock.adjust("400 millis")
      assert.strictEqual(runs, 4)
      yield* TestClock.adjust("2 minutes")
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(runs, 5)
    }).pipe(Effect.provide(Concerns.layer))
  )

  it.effect("the pause never exceeds thirty seconds", () =>
    Effect.sync(() => {
      assert.strictEqual(Duration.toMillis(restartPause(1)), 100)
      assert.strictEqual(Duration.toMillis(restartPause(1_000_000)), 30_000)
    })
  )

  it.effect("an actor ends with the scope it was started in", () =>
    Effect.gen(function* () {
      const ended = yield* Deferred.make<void>()
      const program = Effect.gen(function* () {
        const concerns = yield* Concerns
        yield* concerns.supervise("short", () =>
          Effect.onInterrupt(Effect.never, () => Deferred.succeed(ended, undefined))
        )
      })
      yield* Effect.scoped(Layer.build(Layer.effectDiscard(program).pipe(Layer.provide(Concerns.layer))))
      yield* Deferred.await(ended)
    })
  )
})
