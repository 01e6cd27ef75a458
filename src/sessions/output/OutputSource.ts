import type { Socket } from "node:net"
import { Schema } from "effect"
import type { DataTicket } from "../../protocol/index.ts"
import { ErrorFrame, FrameType, GapFrame, MAX_FRAME_BYTES, OpenedFrame } from "../../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../../wire/frames.ts"
import { connect } from "../../wire/unixSocket.ts"

export interface OutputListener {
  /** The offset of the first byte that will come. */
  opened(offset: number): void
  output(offset: number, bytes: Buffer): void
  gap(from: number, to: number): void
  /** All that came together has been told. */
  told(): void
  /** There is no more; `problem` where that is not the end of the session's output. */
  ended(problem: string | undefined): void
}

const decodeJson = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownSync(Schema.fromJsonString(schema))
  return (payload: Buffer) => decode(payload.toString("utf8"))
}
const decodeError = decodeJson(ErrorFrame)
const decodeGap = decodeJson(GapFrame)
const decodeOpened = decodeJson(OpenedFrame)

/** A session's bytes from the session-host, as they come; read only while it is not paused. */
export class OutputSource {
  readonly #listener: OutputListener
  readonly #reader: FrameReader
  #socket: Socket | undefined
  #isPaused = false
  #isOver = false

  constructor(ticket: DataTicket, listener: OutputListener) {
    this.#listener = listener
    this.#reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => this.#frame(type, payload))
    connect(ticket.path).then(
      (socket) => this.#connected(socket, ticket.ticket),
      (error: Error) => this.#end(error.message)
    )
  }

  pause(): void {
    this.#isPaused = true
    this.#socket?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket?.resume()
  }

  /** Nobody wants more. */
  close(): void {
    this.#isOver = true
    this.#socket?.destroy()
  }

  #connected(socket: Socket, ticket: string): void {
    if (this.#isOver) return void socket.destroy()
    this.#socket = socket
    socket.on("error", () => {})
    socket.on("close", () => this.#end("the connection closed before the end"))
    socket.on("data", (chunk: Buffer) => {
      if (this.#isOver) return
      this.#reader.push(chunk)
      if (!this.#isOver) this.#listener.told()
    })
    if (this.#isPaused) socket.pause()
    socket.write(encodeJsonFrame(FrameType.open, { ticket }))
  }

  #frame(type: number, payload: Buffer): void {
    if (this.#isOver) return
    switch (type) {
      case FrameType.opened:
        return this.#listener.opened(decodeOpened(payload).offset)
      case FrameType.output:
        return this.#listener.output(Number(payload.readBigUInt64BE(0)), payload.subarray(8))
      case FrameType.gap: {
        const { from, to } = decodeGap(payload)
        return this.#listener.gap(from, to)
      }
      case FrameType.end:
        this.#listener.told()
        return this.#end(undefined)
      case FrameType.error:
        return this.#end(decodeError(payload).message)
    }
  }

  #end(problem: string | undefined): void {
    if (this.#isOver) return
    this.close()
    this.#listener.ended(problem)
  }
}
