/** Holding a lock, for programs: with Promises. {@link file://./withLock.ts} has the same for Effects. */
import { makePaths } from "../config/paths.ts"
import type { ConnectOptions } from "./HobClient.ts"
import { ensureDaemon } from "./start.ts"
import { open } from "./wire/bare.ts"
import * as wire from "./wire/holdLock.ts"

/** Where the daemon is, and how the lock is wanted. */
export interface LockOptions extends ConnectOptions {
  /** Default: `default`. */
  readonly namespace?: string
  /** Who holds it, for people who look. Whoever says the same shares the lock. Default: one that nobody else has. */
  readonly holder?: string
  /** How soon it is free when this process can't renew it any more, in milliseconds. Default: `locks.defaultTtlMillis`. */
  readonly ttlMillis?: number
  /** How long to wait for it, in milliseconds; Infinity for as long as it takes. Default 0: not at all. */
  readonly waitMillis?: number
  /** Gives up waiting: the call rejects with its reason. A lock that is held is not touched by it. */
  readonly signal?: AbortSignal
}

/** The lock is lost: somebody else may have it from now on. */
export class LockLost extends Error {
  readonly _tag = "LockLost"
  override readonly name = "LockLost"
}

/** A lock that this process holds. Give it back with `release`, or with `await using`. */
export interface HeldLock extends AsyncDisposable {
  readonly name: string
  readonly holder: string
  /** The fencing token: what the lock protects can refuse a smaller one than the greatest it has seen. */
  readonly token: number
  /** Aborted, with a {@link LockLost} that says why, once somebody else may have the lock. Never, if it is released first. */
  readonly signal: AbortSignal
  /** Gives the lock back. Does nothing when that has been done, or the lock is lost. */
  readonly release: () => Promise<void>
}

/**
 * Acquires a lock and keeps it until it is released or lost: renewed in time, and taken up again by itself when the
 * daemon was killed, restarted or replaced. When this process dies, it is free at once.
 *
 * Work that must not go on without the lock listens to `signal`; what can be fenced gets `token` too, for a process that
 * is stopped for longer than the ttl hears of it only when it goes on.
 *
 * Rejects with {@link NotRunning} or {@link StartFailed}, and with `CallError` when the daemon refuses it: its `data._tag`
 * is `LockHeld`, or `LockWaitTimedOut` after waiting.
 *
 * ```ts
 * await using lock = await holdLock("deploy:web", { waitMillis: 60_000 })
 * await deploy({ fence: lock.token, signal: lock.signal })
 * ```
 */
export const holdLock = async (name: string, options: LockOptions = {}): Promise<HeldLock> => {
  const { namespace, paths = makePaths(process.env), signal, start = true, ttlMillis, waitMillis = 0 } = options
  const holder = options.holder ?? wire.newHolder()
  signal?.throwIfAborted()
  const held = await wire.holdLock({ name, namespace, holder, ttlMillis, waitMillis, signal }, async () =>
    open((await ensureDaemon({ paths, start })).socket)
  )
  const over = new AbortController()
  void held.lost.then((why) => over.abort(new LockLost(`The lock "${name}" was lost: ${why}`)))
  return {
    name,
    holder,
    token: held.token,
    signal: over.signal,
    release: held.release,
    [Symbol.asyncDispose]: held.release
  }
}
