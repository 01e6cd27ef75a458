import { setTimeout as sleep } from "node:timers/promises"
import type { WebSocket } from "ws"
import { callError, notAuthenticated, RpcError } from "./errors.ts"
import type { Middleware } from "./Middleware.ts"
import { members, parseLeniently } from "./raw.ts"
import type { ScramExchange } from "./scram.ts"

/** A request under way. */
export interface Call {
  readonly connection: Connection
  readonly method: string
  /** As the request has it. */
  readonly id: unknown
  readonly params: ReadonlyArray<unknown>
  /** The characters of its params. */
  readonly paramsText: string
  /** Aborted when the connection ends. */
  readonly signal: AbortSignal
}

/** Gives the JSON text of the result; {@link NO_ANSWER} leaves the caller without one. */
export type Method = (call: Call) => Promise<string | typeof NO_ANSWER> | string | typeof NO_ANSWER
export const NO_ANSWER = Symbol("no answer")

export interface Session {
  readonly user: string
  readonly mechanism: string
}

const BEFORE_LOGIN_BYTES = 8 * 1024
const AFTER_LOGIN_BYTES = 64 * 1024
const AT_ONCE = 10
const IN_FLIGHT = 20

/** One client of the stand-in. */
export class Connection {
  readonly socket: WebSocket
  readonly middleware: Middleware
  /** Who may be told apart by the rate limit; null on the Unix socket, which has none. */
  readonly address: string | null
  /** A certificate stands behind it: what channel binding is about. */
  readonly endPoint: Buffer | undefined
  session: Session | null
  scram: ScramExchange | null = null
  /** Who has given a password and is asked for the one-time one. */
  otp: { readonly user: string; tries: number } | null = null
  options = { legacy_jobs: true, private_methods: false, py_exceptions: false }
  /** Subscription id to collection. */
  readonly subscriptions = new Map<string, string>()
  inFlight = 0
  /** The most at once so far. */
  mostInFlight = 0
  #running = 0
  #frozen = false
  readonly #queue: Array<() => void> = []
  readonly #gone = new AbortController()

  constructor(
    socket: WebSocket,
    middleware: Middleware,
    where: { readonly address: string | null; readonly endPoint?: Buffer; readonly session: Session | null }
  ) {
    this.socket = socket
    this.middleware = middleware
    this.address = where.address
    this.endPoint = where.endPoint
    this.session = where.session
    socket.on("message", (data: Buffer, isBinary) => this.#receive(data, isBinary))
    socket.on("error", () => undefined)
    socket.on("close", () => this.#gone.abort())
  }

  /** Sends a text as it is. */
  send(text: string): void {
    if (!this.#frozen && this.socket.readyState === this.socket.OPEN) this.socket.send(text)
  }

  sendBinary(bytes: Buffer): void {
    this.socket.send(bytes, { binary: true })
  }

  notify(method: string, params: unknown): void {
    this.send(JSON.stringify({ jsonrpc: "2.0", method, params }))
  }

  /** Whether it is told of a collection's events. */
  hears(collection: string): boolean {
    return [...this.subscriptions.values()].some((name) => name === collection || name === "*")
  }

  /** Half open: from now on it neither says nor hears anything, and doesn't end. */
  freeze(): void {
    this.#frozen = true
    this.socket.pause()
  }

  /** Waits until the client has had everything that was sent to it, or is gone. */
  async taken(): Promise<void> {
    const { socket } = this
    if (socket.readyState !== socket.OPEN) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off("pong", done).off("close", done)
        resolve()
      }
      socket.on("pong", done).on("close", done)
      socket.ping()
    })
  }

  close(code: number, reason = ""): void {
    this.socket.close(code, reason)
  }

  /** Cut off, without a word. */
  terminate(): void {
    this.socket.terminate()
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#frozen) return
    if (isBinary) return this.close(1003)
    if (this.session === null && data.length > BEFORE_LOGIN_BYTES) {
      return this.close(1007, "Anonymous connection max message length is 8 kB")
    }
    if (data.length > AFTER_LOGIN_BYTES) return this.close(1009, "Max message length is 64 kB")
    const text = data.toString("utf8")
    let message: unknown
    try {
      message = parseLeniently(text)
    } catch (error) {
      return this.#fail(null, new RpcError(-32700, (error as Error).message))
    }
    if (Array.isArray(message)) return this.#fail(null, new RpcError(-32700, "Batch messages are not supported"))
    const { id = null, method, params = [] } = (message ?? {}) as Record<string, unknown>
    if ((message as { jsonrpc?: unknown } | null)?.jsonrpc !== "2.0" || typeof method !== "string") {
      return this.#fail(id, new RpcError(-32600, "'method' member must be of type string"))
    }
    if (!Array.isArray(params)) return this.#fail(id, new RpcError(-32600, "'params' member must be of type array"))
    const paramsText = members(text).get("params") ?? "[]"
    this.middleware.noteRequest(method, paramsText)
    void this.#answer({ connection: this, method, id, params, paramsText, signal: this.#gone.signal })
  }

  async #answer(call: Call): Promise<void> {
    try {
      const run = this.middleware.methods.get(call.method)
      if (run === undefined) throw new RpcError(-32601, "Method does not exist")
      if (this.session === null) await this.#admit(call.method)
      const result = await this.#inTurn(() => run(call))
      if (result === NO_ANSWER) return
      this.send(`{"jsonrpc": "2.0", "result": ${result}, "id": ${JSON.stringify(call.id)}}`)
    } catch (error) {
      if (this.#gone.signal.aborted) return
      this.#fail(call.id, error instanceof RpcError ? error : new RpcError(-32603, String(error)))
    }
  }

  /** Who is not logged in may call little, and not often. */
  async #admit(method: string): Promise<void> {
    if (!this.middleware.openMethods.has(method)) throw notAuthenticated()
    if (this.address === null || method === "core.set_options") return
    if (this.middleware.rateLimit.take(`${method} ${this.address}`)) return
    this.middleware.counts.rateLimited++
    await sleep(this.middleware.options.rateLimitDelayMillis, undefined, { signal: this.#gone.signal })
    throw callError("Rate Limit Exceeded", "EBUSY")
  }

  async #inTurn<A>(run: () => A | Promise<A>): Promise<A> {
    if (this.inFlight >= IN_FLIGHT) {
      this.middleware.counts.refused++
      throw new RpcError(-32000, `Maximum number of concurrent calls (${IN_FLIGHT}) has exceeded`)
    }
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight)
    try {
      if (this.#running >= AT_ONCE) await new Promise<void>((go) => this.#queue.push(go))
      this.#running++
      return await run()
    } finally {
      this.#running--
      this.inFlight--
      this.#queue.shift()?.()
    }
  }

  #fail(id: unknown, { code, data, message }: RpcError): void {
    const error = data === undefined ? { code, message } : { code, message, data }
    this.send(JSON.stringify({ jsonrpc: "2.0", error, id }))
  }
}
