import { randomUUID } from "node:crypto"
import { type BareClient, ConnectionLost, open } from "../client/wire/bare.ts"
import { holdLock } from "../client/wire/holdLock.ts"
import type { HeldLock, Sessions } from "./types.ts"

/** Requests of this process that are under way at once; others wait. The daemon takes no more than `socket.inFlight`. */
const UNDER_WAY = 128

/** A connection that is not used is closed after so long: a daemon that may stop when nobody is connected is to see that. */
const IDLE_MILLIS = 5000

/** Methods of `sessions.*` that answer with a stream. */
export const STREAMS: ReadonlySet<string> = new Set(["output", "export", "events"])

interface Request {
  readonly method: string
  readonly params: unknown
  readonly signal: AbortSignal | undefined
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/**
 * The rest of hob for this process: a client of the daemon's socket like any other, connected while it is needed. What
 * programs may do there, with which limits and errors, holds for methods too. Requests go out in the order in which they
 * are made.
 */
export class Hob {
  readonly #socket: string
  readonly #namespace: string
  #client: BareClient | undefined
  #connecting: Promise<BareClient> | undefined
  #idle: NodeJS.Timeout | undefined
  #underWay = 0
  #waiting: Array<Request> = []
  /** How many of those that wait have gone out. */
  #gone = 0

  constructor(socket: string, namespace: string) {
    this.#socket = socket
    this.#namespace = namespace
  }

  /** The result of a method of the daemon's. Rejects with `CallError`, whose `data` is the protocol's typed error. */
  call(method: string, params: unknown, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ method, params, signal, resolve, reject })
      this.#pump()
    })
  }

  #pump(): void {
    const client = this.#client
    if (client === undefined) {
      if (this.#gone === this.#waiting.length) return
      this.#connected().then(
        () => this.#pump(),
        (error: unknown) => {
          const requests = this.#waiting.slice(this.#gone)
          this.#waiting = []
          this.#gone = 0
          for (const { reject } of requests) reject(error)
        }
      )
      return
    }
    while (this.#underWay < UNDER_WAY && this.#gone < this.#waiting.length) {
      const { method, params, reject, resolve, signal } = this.#waiting[this.#gone++]!
      this.#begin()
      client
        .call(method, params, signal === undefined ? {} : { signal })
        .then(resolve, (error: unknown) => {
          // The next request finds another one, or the end.
          if (error instanceof ConnectionLost && this.#client === client) this.#client = undefined
          reject(error)
        })
        .finally(() => {
          this.#end()
          this.#pump()
        })
    }
    if (this.#gone === this.#waiting.length) {
      this.#waiting = []
      this.#gone = 0
    }
  }

  #begin(): void {
    this.#underWay++
    clearTimeout(this.#idle)
  }

  #end(): void {
    this.#underWay--
    if (this.#underWay > 0) return
    this.#idle = setTimeout(() => {
      this.#client?.close()
      this.#client = undefined
    }, IDLE_MILLIS).unref()
  }

  #connected(): Promise<BareClient> {
    if (this.#client !== undefined) return Promise.resolve(this.#client)
    return (this.#connecting ??= open(this.#socket)
      .then((client) => (this.#client = client))
      .finally(() => (this.#connecting = undefined)))
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
    this.#begin()
    try {
      yield* (await this.#connected()).subscribe(method, params ?? {}, { signal })
    } finally {
      this.#end()
    }
  }
}
