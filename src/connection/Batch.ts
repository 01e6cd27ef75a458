/** The answers of a JSON-RPC batch: they go out as one array once the last one is known; none, if there is none. */
export class Batch {
  #left: number
  #replies: Array<string> = []
  readonly #send: (reply: string) => void

  constructor(size: number, send: (reply: string) => void) {
    this.#left = size
    this.#send = send
  }

  add(reply: string): void {
    this.#replies.push(reply)
    this.skip()
  }

  /** One of them gets no answer: a notification, or a control message. */
  skip(): void {
    this.#left--
    if (this.#left === 0 && this.#replies.length > 0) this.#send(`[${this.#replies.join(",")}]`)
  }
}
