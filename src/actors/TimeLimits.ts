import { Effect, Latch, type Scope } from "effect"
import { clocks } from "./monotonic.ts"

/** What is over at an instant, unless it is taken back before. */
export interface Limited {
  readonly deadline: number
  readonly over: () => void
}

/**
 * Time limits of calls, of which there may be many thousands and nearly all are taken back. Those that are equally long
 * are over in the order in which they began: a queue for each length is all the order that is needed.
 */
export class TimeLimits {
  readonly #queues = new Map<number, Set<Limited>>()

  /** Gives what takes it back. */
  add(now: number, millis: number, over: () => void): () => void {
    const limited: Limited = { deadline: now + millis, over }
    const queue = this.#queues.get(millis)
    if (queue === undefined) this.#queues.set(millis, new Set([limited]))
    else queue.add(limited)
    return () => {
      const queue = this.#queues.get(millis)
      if (queue?.delete(limited) === true && queue.size === 0) this.#queues.delete(millis)
    }
  }

  /** The earliest instant. */
  get next(): number | undefined {
    let earliest: number | undefined
    for (const queue of this.#queues.values()) {
      for (const { deadline } of queue) {
        if (earliest === undefined || deadline < earliest) earliest = deadline
        break
      }
    }
    return earliest
  }

  /** Takes what is over by now. */
  take(now: number): ReadonlyArray<Limited> {
    const taken: Array<Limited> = []
    for (const [millis, queue] of this.#queues) {
      for (const limited of queue) {
        if (limited.deadline > now) break
        queue.delete(limited)
        taken.push(limited)
      }
      if (queue.size === 0) this.#queues.delete(millis)
    }
    return taken
  }
}

/** Calls `over` once so much time has passed, unless what it gives is called before. */
export type Limit = (millis: number, over: () => void) => () => void

/** Time limits for as long as the scope is open, by one clock for all of them. */
export const makeLimit: Effect.Effect<Limit, never, Scope.Scope> = Effect.gen(function* () {
  const { monotonic: now } = yield* clocks
  const limits = new TimeLimits()
  const earlier = yield* Latch.make()
  let wakesAt = Infinity
  yield* Effect.gen(function* () {
    for (;;) {
      yield* earlier.close
      for (const { over } of limits.take(now())) over()
      wakesAt = limits.next ?? Infinity
      const rung = wakesAt === Infinity ? Effect.never : Effect.sleep(Math.max(1, wakesAt - now()))
      yield* Effect.raceFirst(rung, earlier.await)
    }
  }).pipe(Effect.forkScoped)
  return (millis, over) => {
    const began = now()
    const takeBack = limits.add(began, millis, over)
    if (began + millis < wakesAt) earlier.openUnsafe()
    return takeBack
  }
})
