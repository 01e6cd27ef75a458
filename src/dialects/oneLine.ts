/** A conversation of one line each way: how programs speak that were written for one request per connection. */
import { Effect, Option } from "effect"
import type { Socket } from "node:net"

export interface OneLineLimits {
  /** The longest line, in bytes, its end not counted. */
  readonly lineBytes: number
  /** How long a client may take to say it, and to take its answer. */
  readonly stallMillis: number
}

const NEWLINE = 0x0a
const FAREWELL = "1 second"

/**
 * The first line that a client says, or what it said before it ended its side; what follows is not looked at. Null when
 * there is none to be had: it left, was too slow, said too much, or said what is not UTF-8.
 */
export const readOneLine = (socket: Socket, limits: OneLineLimits): Effect.Effect<string | null> =>
  firstLine(socket, limits.lineBytes).pipe(
    Effect.timeoutOption(limits.stallMillis),
    Effect.map((bytes) => decodeUtf8(Option.getOrNull(bytes)))
  )

const firstLine = (socket: Socket, lineBytes: number): Effect.Effect<Buffer | null> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    const done = (line: Buffer | null): void => {
      stopReading()
      resume(Effect.succeed(line))
    }
    const onData = (chunk: Buffer): void => {
      const end = chunk.indexOf(NEWLINE)
      const part = end === -1 ? chunk : chunk.subarray(0, end)
      bytes += part.length
      if (bytes > lineBytes) return done(null)
      chunks.push(part)
      if (end !== -1) done(Buffer.concat(chunks))
    }
    const onEnd = (): void => done(bytes === 0 ? null : Buffer.concat(chunks))
    const onClose = (): void => done(null)
    const stopReading = (): void => {
      socket.off("data", onData).off("end", onEnd).off("close", onClose)
    }
    socket.on("data", onData).on("end", onEnd).on("close", onClose)
    if (socket.destroyed) done(null)
    return Effect.sync(stopReading)
  })

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const decodeUtf8 = (bytes: Buffer | null): string | null => {
  try {
    return bytes === null ? null : decoder.decode(bytes)
  } catch {
    return null
  }
}

/** Sends the answer and ends; gives up on a client that doesn't take it. */
export const writeOneLine = (socket: Socket, line: string, limits: OneLineLimits): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.on("close", () => resume(Effect.void))
    // What it still says is not for anybody, and would reset the connection under the answer.
    socket.resume()
    socket.end(`${line}\n`, () => resume(Effect.void))
  }).pipe(
    Effect.timeoutOption(limits.stallMillis),
    Effect.andThen(Effect.timeoutOption(closed(socket), FAREWELL)),
    Effect.asVoid
  )

const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.on("close", () => resume(Effect.void))
  })
