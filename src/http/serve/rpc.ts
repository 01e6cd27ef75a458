/** `POST /rpc`: a request of the native protocol as a body, and its answer as another. */
import type { ServerResponse } from "node:http"
import { answerBytes } from "./answers.ts"
import { joined, LineSocket } from "./LineSocket.ts"

const CHUNK = Buffer.from('{"jsonrpc":"2.0","chunk":true')

const startsWith = (line: Buffer, head: Buffer): boolean =>
  line.length >= head.length && line.compare(head, 0, head.length, 0, head.length) === 0

interface Asked {
  readonly id?: unknown
}

/** Whether anything is to be answered, and the ids of what may stream. */
const askedOf = (text: string): { readonly isAnswered: boolean } => {
  try {
    const value = JSON.parse(text) as Asked | ReadonlyArray<Asked>
    // What is no request is told so.
    if (Array.isArray(value)) return { isAnswered: value.length === 0 || value.some((each) => isAnswered(each)) }
    return { isAnswered: isAnswered(value) }
  } catch {
    return { isAnswered: true }
  }
}

const isAnswered = (value: unknown): boolean =>
  typeof value !== "object" || value === null || Object.hasOwn(value, "id") || !Object.hasOwn(value, "method")

export interface RpcExchangeOptions {
  readonly body: Buffer
  readonly response: ServerResponse
  readonly headers: Readonly<Record<string, string>>
  readonly closed: () => void
}

/**
 * One body of requests on a connection of its own. A method that streams is answered line by line, its chunks
 * acknowledged as they are written; everything else as one JSON value. What its reader leaves unread stops it.
 */
export class RpcExchange {
  readonly line: LineSocket
  readonly #options: RpcExchangeOptions
  #streams = false
  #isAnswered = false

  constructor(options: RpcExchangeOptions) {
    this.#options = options
    const { body, response } = options
    this.line = new LineSocket({
      take: (line, done) => this.#take(line, done),
      ended: () => this.line.destroy(),
      closed: () => this.#closed()
    })
    const { socket } = response.req
    const probe = () => this.#probe()
    socket.once("end", probe)
    response.on("close", () => {
      socket.off("end", probe)
      this.line.destroy()
      options.closed()
    })
    const text = body.toString("utf8")
    this.line.say(text)
    if (!askedOf(text).isAnswered) this.line.sayEnd()
  }

  ping(): void {
    if (this.#options.response.req.socket.readableEnded) this.#probe()
  }

  /** An answer that is owed is given before hob is silent; one without an end breaks off. */
  end(isClosing = false): void {
    if (!isClosing || this.#streams) this.#options.response.destroy()
  }

  /**
   * Who has closed its side may wait for the answer, or be gone: who is resets what it is sent, and the second write
   * says so. What is sent means nothing: white space before the next line, or that the answer is still to come.
   */
  #probe(): void {
    const { response } = this.#options
    const write = (done: () => void): void => {
      if (response.destroyed || response.writableEnded) return
      if (this.#streams) response.write(" ", done)
      else if (!response.headersSent && response.req.httpVersion === "1.1") response.writeContinue(done)
    }
    write(() => write(() => {}))
  }

  #take(parts: ReadonlyArray<Buffer>, done: () => void): void {
    const line = joined(parts)
    const { headers, response } = this.#options
    if (response.destroyed) return done()
    if (startsWith(line, CHUNK)) {
      if (!this.#streams) response.writeHead(200, { ...headers, "content-type": "application/x-ndjson" })
      this.#streams = true
      const id = (JSON.parse(line.toString("utf8")) as { readonly id: unknown }).id
      response.write(Buffer.concat([line, NEWLINE]), () => {
        this.line.say(JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: { requestId: id } }))
        done()
      })
      return
    }
    this.#isAnswered = true
    if (this.#streams) response.write(Buffer.concat([line, NEWLINE]), () => done())
    else {
      answerBytes(response, 200, { ...headers, "content-type": "application/json" }, line)
      done()
    }
    // One answer, of a request or of a whole batch, and nothing after it.
    this.line.sayEnd()
  }

  #closed(): void {
    const { headers, response } = this.#options
    if (this.#streams) response.end()
    else if (!this.#isAnswered && !response.headersSent && !response.destroyed) {
      response.writeHead(204, headers)
      response.end()
    }
  }
}

const NEWLINE = Buffer.from("\n")
