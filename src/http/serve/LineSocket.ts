import type { Socket } from "node:net"
import { Duplex } from "node:stream"

const NEWLINE = 0x0a

/** Whoever a client of another door is: takes its lines, one at a time. */
export interface LineTaker {
  /** Takes a line, in the pieces that it came in; calls `done` once there is room for more. */
  take(line: ReadonlyArray<Buffer>, done: () => void): void
  /** Nothing more will come. */
  ended(): void
  /** It is over, for whatever reason. */
  closed(): void
}

/**
 * A client of the native socket that came through another door: messages for lines. The door behind it reads and writes
 * it as any of its sockets, so limits and endings are the same.
 */
export class LineSocket extends Duplex {
  readonly #taker: LineTaker
  #pending: Array<Buffer> = []
  #wantsMore: (() => void) | undefined

  constructor(taker: LineTaker) {
    super({ allowHalfOpen: true, decodeStrings: true })
    this.#taker = taker
    this.on("error", () => {})
    this.on("close", () => taker.closed())
  }

  /** For those who ask for one: it is one in all that a door does with it. */
  get socket(): Socket {
    return this as unknown as Socket
  }

  /** The client says something: one message. Line ends within it are white space to JSON. False: wait for `onRoom`. */
  say(message: string): boolean {
    const line = message.includes("\n") ? message.replaceAll("\n", " ") : message
    return this.push(`${line}\n`)
  }

  /** The client will say nothing more. */
  sayEnd(): void {
    this.push(null)
  }

  /** Calls back each time that more may be said. */
  onRoom(go: () => void): void {
    this.#wantsMore = go
  }

  /** As sockets have it: ends it once all is written. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy()
    else {
      this.once("finish", () => this.destroy())
      if (!this.writableEnded) this.end()
    }
  }

  override _read(): void {
    this.#wantsMore?.()
  }

  override _write(data: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    const last = data.lastIndexOf(NEWLINE)
    if (last === -1) {
      this.#pending.push(data)
      return callback()
    }
    let at = 0
    for (;;) {
      const end = data.indexOf(NEWLINE, at)
      const line = this.#whole(data.subarray(at, end))
      at = end + 1
      if (end === last) {
        if (at < data.length) this.#pending.push(data.subarray(at))
        return this.#taker.take(line, callback)
      }
      this.#taker.take(line, nothing)
    }
  }

  override _final(callback: () => void): void {
    this.#taker.ended()
    callback()
  }

  #whole(rest: Buffer): ReadonlyArray<Buffer> {
    const line = this.#pending
    this.#pending = []
    if (rest.length > 0 || line.length === 0) line.push(rest)
    return line
  }
}

const nothing = (): void => {}

/** A line in one piece. */
export const joined = (line: ReadonlyArray<Buffer>): Buffer => (line.length === 1 ? line[0]! : Buffer.concat(line))
