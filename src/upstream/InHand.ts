import { Effect } from "effect"
import type { Limit } from "../actors/TimeLimits.ts"
import { UpstreamTimedOut } from "../protocol/upstream.ts"
import type { Out } from "./Out.ts"
import type { FairSemaphore } from "./FairSemaphore.ts"

type WaitedFor = UpstreamTimedOut["waitedFor"]

export interface InHandOptions {
  readonly which: { readonly upstream: string; readonly method: string }
  readonly semaphore: FairSemaphore
  readonly limit: Limit
  /** 0: no limit. */
  readonly timeoutMillis: number
}

/**
 * A call on its way: what it waits for, one thing at a time, and what it has to give back. Thousands of calls are waited
 * for at once, so their time is watched by one clock for all; a race of each with a timer of its own would cost more than
 * all the rest of it.
 */
export class InHand {
  readonly #options: InHandOptions
  readonly #stopClock: () => void
  #isOver = false
  /** Fails the wait there is. */
  #expire: (() => void) | undefined
  #holdsPermit = false
  #out: Out | undefined

  constructor(options: InHandOptions) {
    const { limit, timeoutMillis } = options
    this.#options = options
    this.#stopClock = timeoutMillis === 0 ? () => {} : limit(timeoutMillis, () => this.#runOut())
  }

  get out(): Out | undefined {
    return this.#out
  }

  /** Waits for what `start` calls back with, or for the end of its time. `start` gives what takes the wait back. */
  wait<A, E>(
    waitedFor: WaitedFor,
    start: (done: (effect: Effect.Effect<A, E>) => void) => () => void
  ): Effect.Effect<A, E | UpstreamTimedOut> {
    return Effect.callback((resume) => {
      if (this.#isOver) return resume(Effect.fail(this.#timedOut(waitedFor)))
      let takeBack: (() => void) | undefined
      this.#expire = () => {
        takeBack?.()
        resume(Effect.fail(this.#timedOut(waitedFor)))
      }
      takeBack = start((effect) => {
        this.#expire = undefined
        resume(effect)
      })
      return Effect.sync(() => {
        this.#expire = undefined
        takeBack?.()
      })
    })
  }

  /** The same for what is rarely waited for, and is an effect. */
  within<A, E>(waitedFor: WaitedFor, effect: Effect.Effect<A, E>): Effect.Effect<A, E | UpstreamTimedOut> {
    return Effect.raceFirst(
      effect,
      this.wait<never, never>(waitedFor, () => () => {})
    )
  }

  /** Waits for a permit, which it then holds. */
  get permit(): Effect.Effect<void, UpstreamTimedOut> {
    return this.wait("permit", (done) =>
      this.#options.semaphore.take(() => {
        this.#holdsPermit = true
        done(Effect.void)
      })
    )
  }

  /** Others may go on. */
  release(): void {
    if (!this.#holdsPermit) return
    this.#holdsPermit = false
    this.#options.semaphore.release()
  }

  /** It is out, in the place of an earlier one that was not carried out. */
  use(out: Out): void {
    this.#out?.leave()
    this.#out = out
  }

  /** Its time no longer matters: it has been answered, or it is a job that has begun. */
  begun(): void {
    this.#stopClock()
  }

  /** Whatever has become of it: gives back what it has. */
  end(): void {
    this.#stopClock()
    this.#out?.leave()
    this.release()
  }

  #runOut(): void {
    this.#isOver = true
    const expire = this.#expire
    this.#expire = undefined
    expire?.()
  }

  #timedOut(waitedFor: WaitedFor): UpstreamTimedOut {
    const { timeoutMillis, which } = this.#options
    return new UpstreamTimedOut({ ...which, timeoutMillis, waitedFor })
  }
}
