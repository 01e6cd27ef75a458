/**
 * A JSON-RPC client on `node:net` alone, for commands that must start at once: no effect, no schemas. It speaks the
 * native socket's envelope (docs/protocol); answers are what came over the wire, unchecked.
 */
import type { Socket } from "node:net"
import { LineReader } from "../../wire/lines.ts"
import { connect, SocketConnectError } from "../../wire/unixSocket.ts"
import { abortReason, type Chunk, Chunks } from "./chunks.ts"

export { SocketConnectError }

/** The daemon answered with an error. */
export class CallError extends Error {
  readonly _tag = "CallError"
  override readonly name = "CallError"
  /** One of protocol/errors.ts. */
  readonly code: number
  /** The method's own error, such as `{ _tag: "SessionNotFound", session }`; undefined when it is not one of those. */
  readonly data: { readonly _tag: string; readonly [field: string]: unknown } | undefined

  constructor(code: number, message: string, data: CallError["data"]) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** The connection ended before the answer came. Whether the request took effect is not known. */
export class ConnectionLost extends Error {
  readonly _tag = "ConnectionLost"
  override readonly name = "ConnectionLost"
  /** Where the daemon has said why it hangs up: one of `RpcErrorCode`. */
  readonly code: number | undefined

  constructor(message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** No answer within the time allowed. The call was cancelled. */
export class CallTimedOut extends Error {
  readonly _tag = "CallTimedOut"
  override readonly name = "CallTimedOut"
}

export interface CallOptions {
  /** Default: as long as it takes. */
  readonly timeoutMillis?: number
  /** Cancels the call. */
  readonly signal?: AbortSignal
}

/** One connection, for several calls. */
export interface BareClient {
  readonly call: (method: string, params?: unknown, options?: CallOptions) => Promise<unknown>
  /** A method whose answer is a stream. Leaving the loop cancels it; the daemon sends no faster than it is read. */
  readonly subscribe: (method: string, params?: unknown, options?: { readonly signal?: AbortSignal }) => AsyncGenerator
  /**
   * A stream of a direct method, which the socket alone holds back: while it isn't read, nothing on this connection is.
   * For a connection that has nothing else to do.
   */
  readonly subscribeDirect: (
    method: string,
    params?: unknown,
    options?: { readonly signal?: AbortSignal }
  ) => AsyncGenerator<Chunk>
  readonly close: () => void
  /** For who hands the connection on to another process, which keeps it open. */
  readonly socket: Socket
}

/** JSON that goes to the daemon as it is written, in place of parameters. Has no line ends. */
export class JsonText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

interface Pending {
  readonly chunk: (chunk: Chunk) => void
  readonly end: (error: Error | undefined, result: unknown) => void
}

/** Connects to the daemon's socket. Rejects with {@link SocketConnectError}. */
export const open = async (path: string): Promise<BareClient> => new Client(await connect(path))

/**
 * One call on a connection of its own. Rejects with {@link SocketConnectError}, {@link CallError},
 * {@link ConnectionLost} or {@link CallTimedOut}.
 */
export const call = async (path: string, method: string, params?: unknown, options?: CallOptions): Promise<unknown> => {
  const client = await open(path)
  try {
    return await client.call(method, params, options)
  } finally {
    client.close()
  }
}

/** One stream on a connection of its own. */
export async function* subscribe(
  path: string,
  method: string,
  params?: unknown,
  options?: { readonly signal?: AbortSignal }
): AsyncGenerator {
  const client = await open(path)
  try {
    yield* client.subscribe(method, params, options)
  } finally {
    client.close()
  }
}

class Client implements BareClient {
  readonly socket: Socket
  readonly #pending = new Map<number, Pending>()
  // The daemon bounds what it sends; a client that trusts it needs no limit of its own.
  readonly #reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
  #lastId = 0
  #outgoing = ""
  #lost: Error | undefined

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("data", (chunk: Buffer) => this.#read(chunk))
    socket.on("error", (error) => this.#lose(`the connection failed: ${error.message}`))
    socket.on("close", () => this.#lose("the daemon closed the connection before it answered"))
  }

  readonly call = (method: string, params?: unknown, options?: CallOptions): Promise<unknown> =>
    new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined
      const cancel = (error: Error) => {
        this.#cancel(id)
        finish()
        reject(error)
      }
      const abort = () => cancel(abortReason(options?.signal))
      const finish = () => {
        clearTimeout(timer)
        options?.signal?.removeEventListener("abort", abort)
      }
      const id = this.#request(method, params, {
        chunk: () => this.#control("Ack", id),
        end: (error, result) => {
          finish()
          if (error === undefined) resolve(result)
          else reject(error)
        }
      })
      const timeoutMillis = options?.timeoutMillis
      if (timeoutMillis !== undefined && timeoutMillis !== Infinity) {
        timer = setTimeout(() => cancel(new CallTimedOut(`${method}: no answer in ${timeoutMillis} ms`)), timeoutMillis)
      }
      if (options?.signal?.aborted) abort()
      else options?.signal?.addEventListener("abort", abort)
    })

  readonly subscribe = async function* (
    this: Client,
    method: string,
    params?: unknown,
    options?: { readonly signal?: AbortSignal }
  ): AsyncGenerator {
    const chunks = new Chunks(options?.signal)
    const id = this.#request(method, params, chunks)
    try {
      for await (const { values } of chunks.all()) {
        yield* values
        this.#control("Ack", id)
      }
    } finally {
      this.#cancel(id)
    }
  }.bind(this)

  readonly subscribeDirect = async function* (
    this: Client,
    method: string,
    params?: unknown,
    options?: { readonly signal?: AbortSignal }
  ): AsyncGenerator<Chunk> {
    const chunks = new Chunks(options?.signal)
    let unread = 0
    const id = this.#request(method, params, {
      chunk: (chunk) => {
        chunks.chunk(chunk)
        unread += chunk.line.length
        if (unread > UNREAD_UNITS) this.socket.pause()
      },
      end: chunks.end
    })
    try {
      for await (const chunk of chunks.all()) {
        yield chunk
        unread -= chunk.line.length
        if (unread <= UNREAD_UNITS && this.socket.isPaused()) this.socket.resume()
      }
    } finally {
      this.#cancel(id)
    }
  }.bind(this)

  readonly close = (): void => {
    this.#flush()
    this.#lose("the connection was closed")
    this.socket.end()
    this.socket.destroySoon()
  }

  #request(method: string, params: unknown, pending: Pending): number {
    const id = ++this.#lastId
    if (this.#lost !== undefined) {
      const lost = this.#lost
      queueMicrotask(() => pending.end(lost, undefined))
      return id
    }
    this.#pending.set(id, pending)
    if (params instanceof JsonText)
      this.#send(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params.text}}`)
    else this.#send(JSON.stringify({ jsonrpc: "2.0", id, method, params: params ?? {} }))
    return id
  }

  #control(type: "Ack" | "Interrupt", requestId: number): void {
    if (!this.#pending.has(requestId)) return
    this.#send(JSON.stringify({ jsonrpc: "2.0", method: `@effect/rpc/${type}`, params: { requestId } }))
  }

  #cancel(id: number): void {
    this.#control("Interrupt", id)
    this.#pending.delete(id)
  }

  // What is asked for in one turn goes out in one write.
  #send(line: string): void {
    if (this.#outgoing === "") queueMicrotask(() => this.#flush())
    this.#outgoing += `${line}\n`
  }

  #flush(): void {
    const text = this.#outgoing
    this.#outgoing = ""
    if (text !== "" && this.socket.writable) this.socket.write(text)
  }

  #read(chunk: Buffer): void {
    this.#reader.push(chunk)
    for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
      const answer = typeof line === "string" ? parse(line) : undefined
      if (answer === undefined) {
        this.#lose("the daemon sent something that is not JSON")
        this.socket.destroy()
        return
      }
      this.#answer(answer, line as string)
    }
  }

  #answer(answer: Answer, line: string): void {
    const pending = this.#pending.get(answer.id as number)
    if (pending === undefined) {
      // About no request in particular: the daemon turns this client away, and closes.
      if (answer.id === null && answer.error !== undefined) this.#lose(answer.error.message, answer.error.code)
    } else if (answer.chunk === true) {
      pending.chunk({ values: answer.result as ReadonlyArray<unknown>, line })
    } else {
      this.#pending.delete(answer.id as number)
      if (answer.error === undefined) pending.end(undefined, answer.result)
      else pending.end(callError(answer.error), undefined)
    }
  }

  #lose(reason: string, code?: number): void {
    this.#lost ??= new ConnectionLost(reason, code)
    const pending = [...this.#pending.values()]
    this.#pending.clear()
    for (const call of pending) call.end(this.#lost, undefined)
  }
}

/** What a stream may bring, in characters, before its connection is not read any more. */
const UNREAD_UNITS = 256 * 1024

interface Answer {
  readonly id?: unknown
  readonly chunk?: boolean
  readonly result?: unknown
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

const parse = (line: string): Answer | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === "object" && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const callError = (error: NonNullable<Answer["error"]>): CallError => {
  const reasons: ReadonlyArray<{ readonly _tag?: string; readonly error?: CallError["data"] }> = Array.isArray(
    error.data
  )
    ? error.data
    : []
  return new CallError(error.code, error.message, reasons.find((reason) => reason._tag === "Fail")?.error)
}
