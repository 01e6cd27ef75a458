/** Holding a lock, for Effects. {@link file://./lock.ts} has the same with Promises. */
import { Effect } from "effect"
import { type HeldLock, holdLock, type LockLost, type LockOptions } from "./lock.ts"
import { asFailure, type SubscribeFailure } from "./subscribeStream.ts"

/** Why a lock can't be held. */
export type LockFailure = SubscribeFailure

/**
 * Runs an effect while holding a lock: see {@link holdLock}. When the lock is lost, the effect is interrupted and this
 * fails with {@link LockLost}. It may be interrupted while it waits for the lock.
 *
 * ```ts
 * withLock("deploy:web", { waitMillis: 60_000 }, ({ token }) => deploy(token))
 * ```
 */
export const withLock = <A, E, R>(
  name: string,
  options: Omit<LockOptions, "signal">,
  use: (lock: HeldLock) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | LockFailure | LockLost, R> =>
  Effect.suspend(() => {
    const ended = new AbortController()
    const holding = holdLock(name, { ...options, signal: ended.signal })
    // Also of one that is given just as this is interrupted.
    const giveBack = async () => {
      ended.abort()
      await holding.then(
        (lock) => lock.release(),
        () => {}
      )
    }
    return Effect.tryPromise({ try: () => holding, catch: asFailure }).pipe(
      Effect.flatMap((lock) => Effect.raceFirst(use(lock), lostOf(lock))),
      Effect.ensuring(Effect.promise(giveBack))
    )
  })

const lostOf = ({ signal }: HeldLock): Effect.Effect<never, LockLost> =>
  Effect.callback((resume) => {
    const lost = () => resume(Effect.fail(signal.reason as LockLost))
    if (signal.aborted) return lost()
    signal.addEventListener("abort", lost)
    return Effect.sync(() => signal.removeEventListener("abort", lost))
  })
