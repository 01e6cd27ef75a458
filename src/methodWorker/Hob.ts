import { randomUUID } from "node:crypto"
import { type BareClient, open } from "../client/wire/bare.ts"
import { holdLock, LONGEST_WAIT_MILLIS } from "../client/wire/holdLock.ts"
import type { HeldLock, Sessions } from "./types.ts"

/** Requests of this process that are under way at once; others wait. The daemon takes no more than `socket.inFlight`. */
const UNDER_WAY = 128

/** Methods of `sessions.*` that answer with a stream. */
export const STREAMS: ReadonlySet<string> = new Set(["output", "export", "events"])

/**
 * The rest of hob for this process: a client of the daemon's socket like any other, connected when it is first needed.
 * What programs may do there, with which limits and errors, holds for methods too.
 */
export class Hob {
  readonly #socket: string
  readonly #namespace: string
  #client: Promise<BareClient> | undefined
  #underWay = 0
  readonly #waiting: Array<() => void> = []

  constructor(socket: string, namespace: string) {
    this.#socket = socket
    this.#namespace = namespace
  }

  /** The result of a method of the daemon's. Rejects with `CallError`, whose `data` is the protocol's typed error. */
  async call(method: string, params: unknown, signal?: AbortSignal): Promise<unknown> {
    if (this.#underWay >= UNDER_WAY) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#underWay++
    try {
      const client = await this.#connected()
      return await client.call(method, params, signal === undefined ? {} : { signal })
    } finally {
      this.#underWay--
      this.#waiting.shift()?.()
    }
  }

  publish(channel: string, message: unknown): Promise<{ readonly id: string; readonly receivers: number }> {
    const params = { namespace: this.#namespace, channel, message: message === undefined ? null : message }
    return this.call("channels.publish", params) as Promise<{ readonly id: string; readonly receivers: number }>
  }

  /** On a connection of its own: should this process die, the lock is free at once. */
  async lock<A>(
    name: string,
    work: (lock: HeldLock) => A | PromiseLike<A>,
    options: {
      readonly waitMillis?: number
      readonly ttlMillis?: number
      readonly holder: string
      readonly signal: AbortSignal
    }
  ): Promise<A> {
    const { holder, signal, ttlMillis, waitMillis = Infinity } = options
    signal.throwIfAborted()
    const ended = new AbortController()
    const held = await this.#acquire(
      { name, namespace: this.#namespace, holder: `${holder} ${randomUUID()}`, ttlMillis, waitMillis },
      signal
    )
    const lost = held.lost.then((sentence) => {
      const error = new Error(`The lock "${name}" was lost: ${sentence}`)
      ended.abort(error)
      throw error
    })
    // Whoever waits for the work hears it; nobody may be waiting any more.
    lost.catch(() => undefined)
    try {
      const working = (async () => work({ token: held.token, signal: AbortSignal.any([signal, ended.signal]) }))()
      return await Promise.race([working, lost])
    } finally {
      await held.release()
    }
  }

  /** Nobody may hold a lock for a call that is over: the connection that waits for it is closed then. */
  async #acquire(wanted: Parameters<typeof holdLock>[0], signal: AbortSignal) {
    const clients = new Set<BareClient>()
    const abort = () => {
      for (const client of clients) client.close()
    }
    signal.addEventListener("abort", abort)
    try {
      const held = await holdLock(wanted, async () => {
        signal.throwIfAborted()
        const client = await open(this.#socket)
        clients.add(client)
        return client
      })
      if (signal.aborted) {
        await held.release()
        signal.throwIfAborted()
      }
      return held
    } finally {
      signal.removeEventListener("abort", abort)
    }
  }

  /** `sessions.*` of one call, whose end ends its waits and streams. */
  sessions(signal: AbortSignal): Sessions {
    return new Proxy({} as Sessions, {
      get: (_, verb) => {
        if (typeof verb !== "string" || verb === "then") return undefined
        return STREAMS.has(verb)
          ? (params: unknown) => this.#stream(`sessions.${verb}`, params, signal)
          : (params: unknown = {}) => this.call(`sessions.${verb}`, params, signal)
      }
    })
  }

  async *#stream(method: string, params: unknown, signal: AbortSignal): AsyncGenerator {
    yield* (await this.#connected()).subscribe(method, params ?? {}, { signal })
  }

  #connected(): Promise<BareClient> {
    const connected = (this.#client ??= open(this.#socket))
    connected.catch(() => {
      // The next call tries anew.
      if (this.#client === connected) this.#client = undefined
    })
    return connected
  }
}

export { LONGEST_WAIT_MILLIS }
