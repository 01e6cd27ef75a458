import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { turnsOfLoop } from "../../src/actors/turns.ts"
import { countedTurns } from "../support/countedTurns.ts"

describe("turns of the loop", () => {
  it.live("what goes in pieces holds none for long, however many do so, and each gets on", () =>
    Effect.gen(function* () {
      const { clock, end, pass, turn } = yield* countedTurns
      const done: Array<{ readonly who: number; readonly turn: number }> = []
      const worker = (who: number) =>
        Effect.gen(function* () {
          const turns = yield* turnsOfLoop
          if (turns.isTaken) yield* turns.next
          let since = turns.enter()
          for (let piece = 0; piece < 60; piece++) {
            if (turns.isLong(since)) {
              turns.leave(since)
              yield* turns.next
              since = turns.enter()
            }
            pass(1)
            done.push({ who, turn: turn() })
          }
          turns.leave(since)
        }).pipe(Effect.provideService(Clock.Clock, clock))
      yield* Effect.all([0, 1, 2, 3].map(worker), { concurrency: "unbounded" })
      end()
      const perTurn = Map.groupBy(done, (piece) => piece.turn)
      assert.isAtMost(Math.max(...[...perTurn.values()].map(({ length }) => length)), 6)
      // Nobody is twice as far as another.
      const half = done.slice(0, done.length / 2)
      for (const who of [0, 1, 2, 3]) assert.isAtLeast(half.filter((piece) => piece.who === who).length, 20)
    })
  )

  it.live("who has given up waiting is passed over", () =>
    Effect.gen(function* () {
      const { next } = yield* turnsOfLoop
      const given = yield* Effect.forkChild(next, { startImmediately: true })
      const waits = yield* Effect.forkChild(next, { startImmediately: true })
      yield* Fiber.interrupt(given)
      yield* Fiber.join(waits)
    })
  )
})
