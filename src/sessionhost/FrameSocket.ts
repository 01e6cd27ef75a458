import type { Socket } from "node:net"
import { descriptorOf, writeAtOnce } from "../wire/atOnce.ts"
import { encodeJsonFrame } from "../wire/frames.ts"
import { wrote } from "./upgrade/sockets.ts"

/** Up to here it is cheaper to copy a frame into one buffer than to hand the kernel two. */
const COPY_BYTES = 4 * 1024

/**
 * A socket that knows whether the kernel took everything. `write`'s own answer and `drain` speak of a buffer's size;
 * here nothing may wait at all before the next piece is fetched, so that a client that doesn't read costs one piece.
 */
export class FrameSocket {
  readonly #socket: Socket
  readonly #onFree: () => void
  #blocked = false

  /** `onFree` is called once everything written before has been taken, if the socket was blocked. */
  constructor(socket: Socket, onFree: () => void) {
    this.#socket = socket
    this.#onFree = onFree
  }

  /** Something is still waiting for the kernel. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Writes a frame in parts. */
  write(head: Buffer, rest: ReadonlyArray<Buffer>, restBytes: number): void {
    const socket = this.#socket
    if (restBytes <= COPY_BYTES) {
      const frame = rest.length === 0 ? head : Buffer.concat([head, ...rest])
      const done = socket.writableLength === 0 ? writeAtOnce(descriptorOf(socket), frame) : 0
      if (done === frame.length) return
      const left = frame.subarray(done)
      socket.write(left, this.#onWritten)
      wrote(socket, left)
    } else {
      socket.cork()
      socket.write(head)
      for (let index = 0; index < rest.length - 1; index++) socket.write(rest[index]!)
      socket.write(rest.at(-1)!, this.#onWritten)
      socket.uncork()
      wrote(socket, head, ...rest)
    }
    this.#blocked = socket.writableLength > 0
  }

  writeJson(type: number, value: unknown): void {
    this.write(encodeJsonFrame(type, value), [], 0)
  }

  readonly #onWritten = (): void => {
    if (!this.#blocked || this.#socket.writableLength > 0) return
    this.#blocked = false
    this.#onFree()
  }
}
