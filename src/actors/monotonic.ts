import { Clock, Effect } from "effect"

/**
 * Milliseconds on the monotonic clock: what leases, pauses and idle times are measured with. Never follows the wall
 * clock; means nothing outside this process. TestClock moves it.
 */
export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / 1_000_000n)
)
