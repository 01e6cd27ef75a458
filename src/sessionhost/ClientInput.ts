import type { Socket } from "node:net"
import type { Session, Typist } from "./Session.ts"

const PIECE_BYTES = 64 * 1024

/**
 * What a client types, on its way into a session. When the session's input queue is full, the client's socket is not
 * read until there is room, so that the client feels what the program doesn't read, and nothing piles up here.
 */
export class ClientInput implements Typist {
  readonly #socket: Socket
  readonly #session: Session | null
  /** Null stands for the end of the program's standard input. */
  readonly #waiting: Array<Buffer | null> = []

  /** `session` is null for one that has ended: input is then ignored, as a terminal's is after the last program. */
  constructor(socket: Socket, session: Session | null) {
    this.#socket = socket
    this.#session = session
  }

  /** Types `data`; none at all is the end of standard input. */
  type(data: Buffer): void {
    if (this.#session === null) return
    // Small enough to be accepted once the queue has drained, which it says below half of its limit.
    const size = Math.max(1, Math.min(PIECE_BYTES, Math.floor(this.#session.inputLimitBytes / 2)))
    if (data.length === 0) this.#waiting.push(null)
    for (let at = 0; at < data.length; at += size) this.#waiting.push(data.subarray(at, at + size))
    this.#pass(this.#session)
  }

  resize(cols: number, rows: number): void {
    this.#session?.resize(cols, rows)
  }

  onInputDrained(): void {
    if (this.#session !== null) this.#pass(this.#session)
  }

  close(): void {
    this.#waiting.length = 0
    this.#session?.forget(this)
  }

  #pass(session: Session): void {
    let passed = 0
    for (; passed < this.#waiting.length; passed++) {
      const data = this.#waiting[passed]!
      const answer = data === null ? session.endInput() : session.type(data)
      if (answer === "full") break
      if (answer === "ended") passed = this.#waiting.length
    }
    this.#waiting.splice(0, passed)
    if (this.#waiting.length === 0) return void this.#socket.resume()
    this.#socket.pause()
    session.whenInputDrained(this)
  }
}
