/**
 * For how long one turn of the loop is held. What may take long by being much, a thousand requests in one read or the
 * answers of a large transaction, looks after each piece whether this turn has been long enough, and waits for one of its
 * own: first come, first served, so that nobody who is busy keeps others from going on.
 */
import { Clock, Effect } from "effect"

/** So long what goes in pieces may hold a turn, all of it together, and as long as its last piece takes. */
const TURN_MILLIS = 5
/** Time of turns before this one counts as this one's up to here: a quiet loop need not be told of each. */
const UNCOUNTED_MILLIS = 1

/** Turns of the loop, by one clock: under TestClock none takes any time. */
class Turns {
  readonly #clock: Clock.Clock
  readonly #waiting = new Set<() => void>()
  #spent = 0
  #isAwaited = false

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** Milliseconds, when a piece of work begins: for {@link isLong} and {@link leave}. */
  enter(): number {
    return Number(this.#clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** Whether this turn has been long enough, with what has been done since then. */
  isLong(since: number): boolean {
    return this.#spent + this.enter() - since >= TURN_MILLIS
  }

  /** Whether what begins now should wait for its turn: this one has been long enough, or others have waited longer. */
  get isTaken(): boolean {
    return this.#waiting.size > 0 || this.#spent >= TURN_MILLIS
  }

  /** What has been done since then is over for this turn. */
  leave(since: number): void {
    this.#spent += this.enter() - since
    if (this.#spent > UNCOUNTED_MILLIS) this.#await()
  }

  /** Waits for a turn of the loop in which there is room. */
  readonly next: Effect.Effect<void> = Effect.callback((resume) => {
    const go = () => resume(Effect.void)
    this.#waiting.add(go)
    this.#await()
    return Effect.sync(() => void this.#waiting.delete(go))
  })

  #await(): void {
    if (this.#isAwaited) return
    this.#isAwaited = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isAwaited = false
    this.#spent = 0
    try {
      for (const go of this.#waiting) {
        if (this.#spent >= TURN_MILLIS) break
        const before = this.#spent
        const began = this.enter()
        this.#waiting.delete(go)
        go()
        // It may have told of it itself.
        this.#spent = Math.max(this.#spent, before + this.enter() - began)
      }
    } finally {
      if (this.#waiting.size > 0) this.#await()
    }
  }
}

export type { Turns }

const known = new WeakMap<Clock.Clock, Turns>()

/** The turns of this thread's loop: all who ask under one clock share them. */
export const turnsOfLoop: Effect.Effect<Turns> = Effect.map(Clock.Clock, (clock) => {
  const turns = known.get(clock) ?? new Turns(clock)
  known.set(clock, turns)
  return turns
})
