import { Effect } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"

const WINDOW_MILLIS = 60_000

/** So many logins in a minute and no more: servers slow down, or lock out, who logs in too often. */
export class LoginLimit {
  /** When there was one, within the last minute; the oldest first. */
  #times: Array<number> = []

  /** How long until there may be another one, in milliseconds; 0 when now. */
  wait(now: number, limit: number): number {
    this.#times = this.#times.filter((at) => now - at < WINDOW_MILLIS)
    const oldest = this.#times[this.#times.length - limit]
    return oldest === undefined ? 0 : oldest + WINDOW_MILLIS - now
  }

  count(now: number): void {
    this.#times.push(now)
  }

  /** Waits until there may be one, and counts it. `waiting` is told when that takes a while. */
  enter(limit: () => number, waiting: (millis: number) => Effect.Effect<void>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        const now = yield* monotonicMillis
        const millis = this.wait(now, limit())
        if (millis === 0) return this.count(now)
        yield* waiting(millis)
        yield* Effect.sleep(millis)
      }
    })
  }
}
