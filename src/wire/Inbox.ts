import { Effect } from "effect"
import type { Socket } from "node:net"

/** What one client sends, a read at a time. While nobody takes, at most one read waits here and the socket is paused. */
export class Inbox {
  readonly #socket: Socket
  #chunks: Array<Buffer> = []
  #ended: boolean
  #closed = false
  #taker: ((chunk: Effect.Effect<Buffer | undefined>) => void) | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.#ended = socket.closed
    socket.on("data", (chunk: Buffer) => {
      if (this.#closed) return
      const taker = this.#taker
      if (taker !== undefined) {
        this.#taker = undefined
        taker(Effect.succeed(chunk))
      } else {
        this.#chunks.push(chunk)
        socket.pause()
      }
    })
    socket.on("end", this.#end)
    socket.on("close", this.#end)
  }

  /** From now on there is nothing to take, and what still comes is thrown away. */
  close(): void {
    this.#closed = true
    this.#chunks = []
    this.#end()
    this.#socket.resume()
  }

  readonly #end = (): void => {
    this.#ended = true
    const taker = this.#taker
    this.#taker = undefined
    taker?.(Effect.succeed(undefined))
  }

  /** The next read; `undefined` once the client has ended its side. */
  readonly take: Effect.Effect<Buffer | undefined> = Effect.callback<Buffer | undefined>((resume) => {
    const chunk = this.#chunks.shift()
    if (chunk !== undefined || this.#ended) return resume(Effect.succeed(chunk))
    this.#taker = resume
    if (this.#socket.isPaused()) this.#socket.resume()
    return Effect.sync(() => {
      this.#taker = undefined
    })
  })
}
