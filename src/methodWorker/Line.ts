import { Socket } from "node:net"
import { LineReader } from "../wire/lines.ts"

/**
 * The line to the daemon. What is said in one turn goes out in one write: a system call for each answer would be most of
 * what a small method costs.
 */
export class Line {
  readonly #socket: Socket
  // The daemon bounds what it sends.
  readonly #reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
  #said = ""

  constructor(fd: number, hear: (message: never) => void, onEnd: () => void) {
    this.#socket = new Socket({ fd, readable: true, writable: true })
    this.#socket.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
        if (typeof line === "string") hear(JSON.parse(line) as never)
      }
    })
    this.#socket.on("error", onEnd)
    this.#socket.on("close", onEnd)
  }

  /** `message` is one JSON value, without line ends. */
  say(message: string): void {
    if (this.#said === "") setImmediate(this.#flush)
    this.#said += `${message}\n`
  }

  /** Says a last thing; `done` once the daemon can have it. */
  end(message: string | undefined, done: () => void): void {
    if (message !== undefined) this.#said += `${message}\n`
    const last = this.#said
    this.#said = ""
    this.#socket.end(last, done)
  }

  readonly #flush = (): void => {
    const said = this.#said
    this.#said = ""
    if (said !== "" && this.#socket.writable) this.#socket.write(said)
  }
}
