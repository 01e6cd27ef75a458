import type { Socket } from "node:net"

export { descriptorOf } from "../../wire/atOnce.ts"

/** The part of libuv's stream that Node keeps behind a socket and has no public name for. */
interface StreamHandle {
  /** Bytes ever handed to libuv. */
  readonly bytesWritten: number
  /** Of those, bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number
}

const handleOf = (owner: object): StreamHandle | null =>
  (owner as { readonly _handle?: StreamHandle | null })._handle ?? null

/** Remembers what was written to a socket for as long as the kernel has not taken it, so that a successor can write it. */
export class Unsent {
  readonly #socket: Socket
  readonly #pieces: Array<Buffer> = []
  #bytes = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** To be called after each write with what was written. */
  wrote(...pieces: ReadonlyArray<Buffer>): void {
    for (const piece of pieces) this.#bytes += piece.length
    this.#pieces.push(...pieces)
    const waiting = this.#socket.writableLength
    let done = 0
    while (done < this.#pieces.length && this.#bytes - this.#pieces[done]!.length >= waiting) {
      this.#bytes -= this.#pieces[done++]!.length
    }
    this.#pieces.splice(0, done)
  }

  /** The bytes, in order, that the kernel has not taken yet. */
  bytes(): Buffer {
    const handle = handleOf(this.#socket)
    if (handle === null || this.#socket.writableLength === 0) return Buffer.alloc(0)
    const waiting = this.#socket.bytesWritten - handle.bytesWritten + handle.writeQueueSize
    const all = Buffer.concat(this.#pieces)
    return all.subarray(Math.max(0, all.length - waiting))
  }
}

const unsentOf = new WeakMap<Socket, Unsent>()

/** Says what was just written to a socket that a successor may have to go on writing. */
export const wrote = (socket: Socket, ...pieces: ReadonlyArray<Buffer>): void => {
  if (socket.writableLength === 0) return void unsentOf.delete(socket)
  let unsent = unsentOf.get(socket)
  if (unsent === undefined) unsentOf.set(socket, (unsent = new Unsent(socket)))
  unsent.wrote(...pieces)
}

/** Writes to such a socket. */
export const send = (socket: Socket, data: Buffer): void => {
  socket.write(data)
  wrote(socket, data)
}

/** Writes the last bytes to such a socket and ends it; `sent` is called when they are with the kernel. */
export const sendLast = (socket: Socket, data: Buffer, sent?: () => void): void => {
  send(socket, data)
  socket.end(sent)
}

/** What {@link wrote} was told of and the kernel has not taken yet. */
export const unsentBytes = (socket: Socket): Buffer => unsentOf.get(socket)?.bytes() ?? Buffer.alloc(0)
