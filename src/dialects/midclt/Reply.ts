import { Effect, Option } from "effect"
import type { Socket } from "node:net"
import type { JobProgress } from "../../protocol/upstream.ts"
import { Outbox } from "../../wire/Outbox.ts"
import { progress } from "./translate.ts"

/** What may wait for a client before its progress is held back. Bytes. */
const BUFFER_BYTES = 64 * 1024
/** How long a client may take nothing of what waits for it. */
const STALL = "30 seconds"
const FAREWELL = "1 second"
/** midclt's client gives up on an answer of which it has heard nothing for five minutes. An empty line is nothing, and heard. */
const PATIENCE = "1 minute"

/** The lines that one request is answered with: progress as long as it is news, and one that is the last. */
export class Reply {
  readonly #socket: Socket
  readonly #outbox: Outbox
  /** Of a client that reads too slowly: what it will hear of it all. */
  #latest: JobProgress | undefined
  #waits = false

  constructor(socket: Socket, fork: (effect: Effect.Effect<void>) => unknown) {
    this.#socket = socket
    this.#outbox = new Outbox(socket, {
      limitBytes: BUFFER_BYTES,
      stallAfter: STALL,
      onStalled: () => socket.destroy(),
      fork
    })
  }

  /** One that has not been read yet is replaced by a later one. */
  progress(news: JobProgress): void {
    if (!this.#outbox.blocked) return this.#outbox.add(progress(news))
    this.#latest = news
    if (this.#waits) return
    this.#waits = true
    this.#outbox.whenWritable(() => {
      this.#waits = false
      this.#catchUp()
    })
  }

  /** Says the last line and ends. Waits until the client has it, or takes nothing of it any more. */
  last(line: string): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      this.#catchUp()
      this.#outbox.add(line)
      this.#outbox.end()
      for (let before = -1; before !== this.#outbox.piecesWritten;) {
        before = this.#outbox.piecesWritten
        if (Option.isSome(yield* Effect.timeoutOption(finished(this.#socket), STALL))) {
          return yield* Effect.asVoid(Effect.timeoutOption(closed(this.#socket), FAREWELL))
        }
      }
      this.#socket.destroy()
    })
  }

  /**
   * Waits until the client is gone. One that has only ended its side is asked by an empty line, which clients skip: to one
   * that is gone it can't be written.
   */
  readonly left: Effect.Effect<void> = Effect.callback((resume) => {
    const socket = this.#socket
    const onEnd = (): void => void (socket.writable && socket.write("\n"))
    const onClose = (): void => resume(Effect.void)
    socket.on("close", onClose)
    if (socket.destroyed) onClose()
    else if (socket.readableEnded) onEnd()
    else socket.on("end", onEnd)
    // What it still says is not for anybody, and would keep its end from being seen.
    socket.resume()
    return Effect.sync(() => void socket.off("end", onEnd).off("close", onClose))
  })

  /** Keeps the client waiting, however long nothing is to be said. */
  readonly patience: Effect.Effect<never> = Effect.forever(
    Effect.andThen(
      Effect.sleep(PATIENCE),
      Effect.sync(() => void (this.#outbox.blocked || this.#outbox.add("")))
    )
  )

  #catchUp(): void {
    const latest = this.#latest
    this.#latest = undefined
    if (latest !== undefined) this.#outbox.add(progress(latest))
  }
}

const finished = (socket: Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = (): void => resume(Effect.void)
    if (socket.writableFinished || socket.destroyed) return done()
    socket.once("finish", done).once("close", done)
    return Effect.sync(() => void socket.off("finish", done).off("close", done))
  })

const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const done = (): void => resume(Effect.void)
    if (socket.destroyed) return done()
    socket.once("close", done)
    return Effect.sync(() => void socket.off("close", done))
  })
