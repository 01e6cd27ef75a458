/**
 * A lock that is held for as long as somebody works behind it: bound to a connection of its own, renewed, and taken up
 * again with its secret when the daemon was killed or restarted. Plain Node, for the library and the commands alike.
 */
import { randomBytes } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import type { Acquired, Lock, LockEvent } from "../../protocol/locks.ts"
import { type BareClient, CallError, ConnectionLost } from "./bare.ts"
import { isPassing } from "./passing.ts"

const FIRST_PAUSE_MILLIS = 50
const LAST_PAUSE_MILLIS = 1000
/** The longest that the daemon lets anybody wait in one request. */
export const LONGEST_WAIT_MILLIS = 24 * 3600 * 1000
/** How long a daemon that does not answer may hold up who has nothing more to do. */
const RELEASE_WITHIN_MILLIS = 5000

/** A holder that nobody else is: two that say the same would both have the lock. */
export const newHolder = (): string => `pid-${process.pid}-${randomBytes(4).toString("hex")}`

/** Which lock, and how it is wanted. */
export interface WantedLock {
  readonly name: string
  readonly namespace?: string | undefined
  /** Unique to this holder: who says the same shares the lock. */
  readonly holder: string
  /** Default: what the daemon gives. */
  readonly ttlMillis?: number | undefined
  /** Infinity: as long as it takes. */
  readonly waitMillis: number
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined
  /** Told of each connection that the lock is bound to from then on. */
  readonly bound?: ((client: BareClient) => void) | undefined
}

export interface HeldLock {
  readonly token: number
  readonly ttlMillis: number
  /** Resolves, with a sentence, when somebody else may have the lock from now on. Never, if it is released first. */
  readonly lost: Promise<string>
  /** Gives it back as well as can be: where there is no connection, it ends by itself. */
  readonly release: () => Promise<void>
}

/**
 * Acquires a lock and keeps it until it is released or lost. Throws what the daemon refuses it with, and what no waiting
 * mends. `open` makes a connection.
 */
export const holdLock = async (wanted: WantedLock, open: () => Promise<BareClient>): Promise<HeldLock> => {
  const { acquired, client, until } = await acquire(wanted, open)
  return new Held(wanted, open, client, acquired, until)
}

const whereOf = ({ name, namespace }: Pick<WantedLock, "name" | "namespace">) => ({
  ...(namespace === undefined ? {} : { namespace }),
  name
})

/** To ask twice is to renew: after a lost connection nobody knows whether the lock was given. */
const acquire = async (wanted: WantedLock, open: () => Promise<BareClient>) => {
  const { holder, signal, ttlMillis, waitMillis } = wanted
  const began = performance.now()
  let wasConnected = false
  for (let wait = FIRST_PAUSE_MILLIS; ; wait = Math.min(wait * 2, LAST_PAUSE_MILLIS)) {
    let client: BareClient | undefined
    const asked = performance.now()
    const left = Math.min(Math.max(0, Math.round(waitMillis - (asked - began))), LONGEST_WAIT_MILLIS)
    try {
      client = await open()
      wasConnected = true
      const params = {
        ...whereOf(wanted),
        holder,
        ...(ttlMillis === undefined ? {} : { ttlMillis }),
        waitMillis: left,
        bind: "connection"
      }
      const acquired = (await client.call("locks.acquire", params, signal === undefined ? {} : { signal })) as Acquired
      return { acquired, client, until: asked + acquired.waitedMillis + acquired.ttlMillis }
    } catch (error) {
      client?.close()
      if (left === LONGEST_WAIT_MILLIS && isTag(error, "LockWaitTimedOut")) continue
      const isOver = performance.now() - began > Math.max(waitMillis, 60_000)
      if (!wasConnected || isOver || !isPassing(error)) throw error
      await pause(wait, undefined, { signal })
    }
  }
}

const isTag = (error: unknown, ...tags: ReadonlyArray<string>): boolean =>
  error instanceof CallError && error.data !== undefined && tags.includes(error.data._tag)

const isNotOurs = (error: unknown): boolean =>
  isTag(error, "LockNotHeld", "LockHeldByAnother", "LockExpired", "LockTokenMismatch")

/** The lock is not ours any more; the message says why. */
class Gone extends Error {}

class Held implements HeldLock {
  readonly token: number
  readonly lost: Promise<string>
  readonly #wanted: WantedLock
  readonly #open: () => Promise<BareClient>
  readonly ttlMillis: number
  readonly #resumeMillis: number
  readonly #secret: string
  readonly #over = new AbortController()
  #client: BareClient | undefined
  #tell!: (sentence: string) => void
  #until = Infinity
  #deadline: NodeJS.Timeout | undefined
  /** What stands in the way of renewing it, for whom it is lost. */
  #trouble = "it was not renewed in time"

  constructor(
    wanted: WantedLock,
    open: () => Promise<BareClient>,
    client: BareClient,
    acquired: Acquired,
    until: number
  ) {
    this.#wanted = wanted
    this.#open = open
    this.#client = client
    this.token = acquired.token
    this.ttlMillis = acquired.ttlMillis
    this.#resumeMillis = acquired.resumeMillis ?? Infinity
    this.#secret = acquired.secret!
    this.lost = new Promise((resolve) => (this.#tell = resolve))
    this.#heldUntil(until)
    wanted.bound?.(client)
    void this.#keep(client)
  }

  readonly release = async (): Promise<void> => {
    if (this.#over.signal.aborted) return
    this.#end()
    const giveUpAt = performance.now() + RELEASE_WITHIN_MILLIS
    let client = this.#client
    this.#client = undefined
    // The daemon may have been killed a moment ago, or be dying now. Holder and token are all that the next one needs.
    for (let wait = FIRST_PAUSE_MILLIS; performance.now() < giveUpAt; wait *= 2) {
      if (client !== undefined && (await this.#releaseOn(client))) return
      client = await this.#open().catch(() => undefined)
      if (client === undefined) await pause(wait)
    }
    client?.close()
  }

  /** False where asking another connection may help. */
  async #releaseOn(client: BareClient): Promise<boolean> {
    const params = { ...whereOf(this.#wanted), holder: this.#wanted.holder, token: this.token }
    try {
      await client.call("locks.release", params, { timeoutMillis: RELEASE_WITHIN_MILLIS })
      return true
    } catch (error) {
      return !isPassing(error)
    } finally {
      client.close()
    }
  }

  #end(): void {
    clearTimeout(this.#deadline)
    this.#over.abort()
  }

  #lose(sentence: string): void {
    if (this.#over.signal.aborted) return
    this.#end()
    this.#client?.close()
    this.#client = undefined
    this.#tell(sentence)
  }

  /** Counted from when it was asked for: the daemon's own deadline is never earlier. */
  #heldUntil(instant: number): void {
    this.#until = instant
    clearTimeout(this.#deadline)
    if (this.#over.signal.aborted) return
    this.#deadline = setTimeout(() => this.#lose(this.#trouble), Math.max(0, instant - performance.now()))
  }

  async #keep(first: BareClient): Promise<void> {
    let client = first
    try {
      for (;;) {
        const both = new AbortController()
        const signal = AbortSignal.any([this.#over.signal, both.signal])
        try {
          await Promise.race([this.#renew(client, client !== first, signal), this.#watch(client, signal)])
        } catch (error) {
          if (error instanceof Gone || this.#over.signal.aborted) throw error
          this.#trouble = `the connection to the daemon was lost (${(error as Error).message}) and the lock could not be resumed in time`
          // So long the next daemon keeps it, and that one can't be there yet.
          this.#heldUntil(Math.min(this.#until, performance.now() + this.#resumeMillis))
        } finally {
          both.abort()
        }
        client.close()
        this.#client = undefined
        client = await this.#resume()
      }
    } catch (error) {
      this.#lose((error as Error).message)
    }
  }

  /** Goes on until the connection is lost, or the lock. */
  async #renew(client: BareClient, isResumed: boolean, signal: AbortSignal): Promise<never> {
    const { holder } = this.#wanted
    const third = this.ttlMillis / 3
    for (let isDue = isResumed; ; isDue = false) {
      if (!isDue) await pause(third, undefined, { signal })
      const asked = performance.now()
      try {
        const params = { ...whereOf(this.#wanted), holder, token: this.token, ttlMillis: this.ttlMillis }
        await client.call("locks.renew", params, { signal, timeoutMillis: Math.max(third, LAST_PAUSE_MILLIS) })
        this.#heldUntil(asked + this.ttlMillis)
      } catch (error) {
        if (isNotOurs(error)) throw new Gone((error as Error).message)
        if (isPassing(error)) throw error
        // A full disk, or a daemon that is busy: it may do next time.
        this.#trouble = `it could not be renewed: ${(error as Error).message}`
      }
    }
  }

  /** Tells at once what renewing would tell later. */
  async #watch(client: BareClient, signal: AbortSignal): Promise<never> {
    for await (const item of client.subscribe("locks.watch", whereOf(this.#wanted), { signal })) {
      const { event, token } = item as LockEvent
      if (event !== "acquired" && token === this.token)
        throw new Gone(`it ${event === "expired" ? event : "was released by somebody else"}`)
    }
    throw new ConnectionLost("the daemon is ending")
  }

  async #resume(): Promise<BareClient> {
    for (let wait = FIRST_PAUSE_MILLIS; ; wait = Math.min(wait * 2, LAST_PAUSE_MILLIS)) {
      if (this.#over.signal.aborted) throw new Gone(this.#trouble)
      let client: BareClient | undefined
      try {
        client = await this.#open()
        const asked = performance.now()
        const { locks } = (await client.call("locks.resume", { secret: this.#secret })) as {
          readonly locks: ReadonlyArray<Lock>
        }
        const own = locks.find(({ token }) => token === this.token)
        if (own === undefined) throw new Gone("the daemon was away, and it could not be resumed")
        if (this.#over.signal.aborted) throw new Gone(this.#trouble)
        this.#heldUntil(asked + own.expiresInMillis)
        this.#client = client
        this.#wanted.bound?.(client)
        return client
      } catch (error) {
        client?.close()
        if (error instanceof Gone) throw error
        await pause(wait, undefined, { signal: this.#over.signal })
      }
    }
  }
}
