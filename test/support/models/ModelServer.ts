import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as after } from "node:timers/promises"

/** A piece of what the model answers, in order. */
export type Part =
  /** Text, a few characters at a time. */
  | { readonly say: string; readonly everyMillis?: number }
  | { readonly think: string; readonly everyMillis?: number }
  /** A tool that the agent is to run; its own names and inputs. */
  | { readonly call: string; readonly input: Readonly<Record<string, unknown>> }
  | { readonly pauseMillis: number }

/** What the model does about one request. */
export type Reply = ReadonlyArray<Part> | { readonly status: number; readonly error: string }

/** What a kind of API does with a request: which of them is the conversation, and how an answer is spelled. */
export interface Dialect {
  /** Null: not the agent's conversation but something beside it, to be answered with `aside`. */
  readonly conversation: (path: string, body: unknown) => boolean
  /** Answers what is not the conversation: lists of models, titles, counts. */
  readonly aside: (path: string, body: unknown, response: ServerResponse) => void
  readonly failure: (status: number, error: string) => unknown
  /** Writes one answer, from head to end; `wait` is done with early when the client hangs up. */
  readonly answer: (stream: EventStream, parts: ReadonlyArray<Part>, body: unknown) => Promise<void>
}

/** Server-sent events of one answer. */
export class EventStream {
  readonly #response: ServerResponse
  constructor(response: ServerResponse) {
    this.#response = response
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" })
  }
  get gone(): boolean {
    return this.#response.destroyed
  }
  send(data: unknown, event?: string): void {
    if (this.gone) return
    this.#response.write(`${event === undefined ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
  }
  end(): void {
    this.#response.end()
  }
  /** Calls `piece` with a few characters at a time. */
  async spell(text: string, everyMillis: number, piece: (text: string) => void): Promise<void> {
    for (const word of text.match(/\S*\s*/g) ?? []) {
      if (word === "" || this.gone) continue
      piece(word)
      if (everyMillis > 0) await after(everyMillis)
    }
  }
  pause(millis: number): Promise<void> {
    return after(millis)
  }
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString("utf8")
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/**
 * Stands in for a model's API on a port of this machine: answers the requests of a conversation with the replies it is
 * given, in order; when there are none left, with a short sentence.
 */
export class ModelServer implements AsyncDisposable {
  readonly #dialect: Dialect
  readonly #server = createServer((request, response) => void this.#serve(request, response))
  readonly #replies: Array<Reply | Promise<Reply>> = []
  readonly #waiting = new Set<() => void>()
  /** Requests of the conversation that have come, and those of them whose answer has been written to its end. */
  asked = 0
  answered = 0
  /** Path of every request, for whoever writes a new stand-in. */
  readonly paths: Array<string> = []

  private constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  static async start(dialect: Dialect): Promise<ModelServer> {
    const model = new ModelServer(dialect)
    await new Promise<void>((resolve) => model.#server.listen(0, "127.0.0.1", resolve))
    return model
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** What the next requests are answered with; one that is promised is waited for. */
  reply(...replies: ReadonlyArray<Reply | Promise<Reply>>): void {
    this.#replies.push(...replies)
  }

  /** Resolves when this many requests of the conversation have been asked (or answered). */
  async until(count: () => boolean): Promise<void> {
    while (!count()) await new Promise<void>((resolve) => this.#waiting.add(resolve))
  }

  #changed(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/"
    const body = await bodyOf(request)
    this.paths.push(`${request.method} ${path}`)
    if (!this.#dialect.conversation(path, body)) return this.#dialect.aside(path, body, response)
    this.asked += 1
    this.#changed()
    const reply = (await this.#replies.shift()) ?? [{ say: "All done." }]
    if ("status" in reply) {
      response.writeHead(reply.status, { "content-type": "application/json" })
      response.end(JSON.stringify(this.#dialect.failure(reply.status, reply.error)))
    } else {
      await this.#dialect.answer(new EventStream(response), reply, body)
    }
    this.answered += 1
    this.#changed()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(value))
}
