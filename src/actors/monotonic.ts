import { Clock, Effect } from "effect"

/**
 * Milliseconds on the monotonic clock: what leases, pauses and idle times are measured with. Never follows the wall
 * clock; means nothing outside this process. TestClock moves it.
 */
export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / 1_000_000n)
)

/** The clocks as functions, in milliseconds, for what has to know the time and is no effect. */
export interface Clocks {
  /** What people see, which may be set and may stand still. */
  readonly wall: () => number
  /** As {@link monotonicMillis}. */
  readonly monotonic: () => number
}

export const clocks: Effect.Effect<Clocks> = Effect.map(Clock.Clock, (clock) => ({
  wall: () => clock.currentTimeMillisUnsafe(),
  monotonic: () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
}))
