/** Server-sent events, made of a native method's stream. A reader that is slow is cut off alone. */
import type { ServerResponse } from "node:http"
import { failureReply } from "./answers.ts"
import { NativeCall } from "./NativeCall.ts"
import type { Reply } from "../../wire/http/messages.ts"

/** One event as its reader hears it. */
export interface SentEvent {
  readonly id: string | undefined
  readonly type: string
  readonly data: unknown
}

export interface EventStreamOptions {
  readonly method: string
  readonly params: unknown
  /** Undefined: nothing to tell. */
  readonly toEvent: (value: any) => SentEvent | undefined
  readonly response: ServerResponse
  readonly headers: Readonly<Record<string, string>>
  /** It could not be begun. */
  readonly refuse: (reply: Reply) => void
  readonly closed: () => void
}

const RETRY_MILLIS = 2000

const eventText = ({ data, id, type }: SentEvent): string =>
  // JSON has no line ends: one line of data.
  `${id === undefined ? "" : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`

/** One stream of events to one reader, until either ends it. */
export class EventStream {
  readonly call: NativeCall
  readonly #options: EventStreamOptions
  #isOpen = false

  constructor(options: EventStreamOptions) {
    this.#options = options
    const { response } = options
    this.call = new NativeCall(options.method, options.params, {
      values: (values, done) => {
        this.#open()
        let text = ""
        for (const value of values) {
          const event = options.toEvent(value)
          if (event !== undefined) text += eventText(event)
        }
        if (text === "" || response.destroyed) done()
        else response.write(text, () => done())
      },
      ended: (failure) => {
        if (failure !== null && !this.#isOpen) return options.refuse(failureReply(failure))
        this.#open()
        if (failure !== null) {
          const { code: _code, error, message } = failure
          response.write(
            eventText({ id: undefined, type: "error", data: { error: message, tag: error?._tag ?? null } })
          )
        }
        response.end()
      }
    })
    response.on("close", () => {
      this.call.cancel()
      options.closed()
    })
  }

  /** So that a connection that nobody reads any more is noticed, and no proxy thinks that it is idle. */
  ping(): void {
    // It has not been refused by now: there is nothing to tell yet.
    this.#open()
    this.#options.response.write(":\n\n")
  }

  /** hob stops, or the token is no good any more. */
  end(): void {
    this.call.cancel()
    if (this.#isOpen) this.#options.response.end()
    else this.#options.response.destroy()
  }

  #open(): void {
    if (this.#isOpen) return
    this.#isOpen = true
    const { headers, response } = this.#options
    response.writeHead(200, { ...headers, "content-type": "text/event-stream; charset=utf-8" })
    response.write(`retry: ${RETRY_MILLIS}\n\n`)
  }
}
