import { joined, LineSocket } from "./LineSocket.ts"

/** What a method answers with that could not be called, or failed. */
export interface CallFailure {
  readonly code: number
  readonly message: string
  /** The typed error, where it is one. */
  readonly error: { readonly _tag?: string } | undefined
}

export interface CallListener {
  /** A piece of a stream: its values; `done` once they are with whoever wants them. */
  values(values: ReadonlyArray<any>, done: () => void): void
  /** How it ended; null: well. */
  ended(failure: CallFailure | null): void
}

interface Answer {
  readonly chunk?: boolean
  readonly result?: unknown
  readonly error?: {
    readonly code: number
    readonly message: string
    readonly data?: ReadonlyArray<{ readonly _tag: string; readonly error?: { readonly _tag?: string } }>
  }
}

/** A call of one native method for a client that speaks something else: a connection of its own, for as long as it takes. */
export class NativeCall {
  readonly line: LineSocket
  readonly #listener: CallListener
  #isOver = false

  constructor(method: string, params: unknown, listener: CallListener) {
    this.#listener = listener
    this.line = new LineSocket({
      take: (line, done) => this.#take(line, done),
      ended: () => this.line.destroy(),
      closed: () => this.#end({ code: 0, message: "The call was cut off.", error: undefined })
    })
    this.line.say(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }))
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#isOver = true
    this.line.destroy()
  }

  #take(line: ReadonlyArray<Buffer>, done: () => void): void {
    if (this.#isOver) return done()
    const { chunk, error, result } = JSON.parse(joined(line).toString("utf8")) as Answer
    if (chunk === true) {
      return this.#listener.values(result as ReadonlyArray<unknown>, () => {
        if (!this.#isOver) this.line.say(ACK)
        done()
      })
    }
    done()
    this.#end(
      error === undefined
        ? null
        : {
            code: error.code,
            message: error.message,
            error: error.data?.find(({ _tag }) => _tag === "Fail")?.error
          }
    )
    this.line.destroy()
  }

  #end(failure: CallFailure | null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#listener.ended(failure)
  }
}

const ACK = JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: { requestId: 1 } })
