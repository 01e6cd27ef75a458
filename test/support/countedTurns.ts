/** A clock that is told how much time passes, and the number of the turn that the loop is in. */
import { Clock, Effect } from "effect"

export const countedTurns = Effect.map(Clock.Clock, (real) => {
  let nanos = 0n
  let number = 0
  let immediate: NodeJS.Immediate
  const count = () => {
    number++
    immediate = setImmediate(count)
  }
  count()
  const clock: Clock.Clock = Object.assign(Object.create(real) as Clock.Clock, {
    monotonicTimeNanosUnsafe: () => nanos,
    monotonicTimeNanos: Effect.sync(() => nanos)
  })
  return {
    clock,
    turn: () => number,
    /** So many milliseconds. */
    pass: (millis: number) => void (nanos += BigInt(millis) * 1_000_000n),
    end: () => clearImmediate(immediate)
  }
})
