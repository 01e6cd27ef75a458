/** A conversation of one line each way: how programs speak that were written for one request per connection. */
import { Effect, Option } from "effect"
import type { Socket } from "node:net"
import { LineFault, LineReader } from "../wire/lines.ts"

export interface OneLineLimits {
  /** The longest line, in bytes, its end not counted. */
  readonly lineBytes: number
  /** The deepest nesting of its JSON. */
  readonly depth: number
  /** What may be held of unfinished lines, of all clients together; each may always have {@link SMALL_BYTES}. */
  readonly heldBytes: number
  /** How long a client may take to say it, and to take its answer. */
  readonly stallMillis: number
}

/** What a client said. */
export type FirstLine =
  /** A line, or what it said before it ended its side; it may be blank. */
  | { readonly type: "line"; readonly line: string }
  /** No line is to be had, and why: a sentence for it. */
  | { readonly type: "problem"; readonly problem: string; readonly reason?: LineFault["reason"] }
  /** It left, or ended its side, and has said nothing. */
  | { readonly type: "left" }

export interface OneLine {
  /** The first line that a client says; what follows is not looked at. */
  readonly read: (socket: Socket) => Effect.Effect<FirstLine>
  /** Sends the answer and ends; gives up on a client that doesn't take it. */
  readonly write: (socket: Socket, line: string) => Effect.Effect<void>
}

const NEWLINE = 0x0a
const NEWLINES = Buffer.from([NEWLINE])
const SMALL_BYTES = 16 * 1024
const FAREWELL = "1 second"

export const makeOneLine = (limits: OneLineLimits): OneLine => {
  let held = 0

  const firstLine = (socket: Socket): Effect.Effect<FirstLine> =>
    Effect.callback((resume) => {
      const reader = new LineReader(limits)
      let mine = 0
      const hold = (bytes: number): void => {
        held += bytes - mine
        mine = bytes
      }
      const done = (line: FirstLine): void => {
        stopReading()
        resume(Effect.succeed(line))
      }
      const take = (chunk: Buffer): void => {
        const end = chunk.indexOf(NEWLINE)
        reader.push(end === -1 ? chunk : chunk.subarray(0, end + 1))
        const line = reader.next()
        if (line !== undefined) return done(asFirstLine(line))
        if (end !== -1) return done({ type: "line", line: "" })
        hold(reader.pendingBytes)
        if (held > limits.heldBytes && mine > SMALL_BYTES) done(problem(tooMuch))
      }
      const onEnd = (): void => {
        if (mine === 0) done({ type: "left" })
        else take(NEWLINES)
      }
      const onClose = (): void => done({ type: "left" })
      const stopReading = (): void => {
        hold(0)
        socket.off("data", take).off("end", onEnd).off("close", onClose)
      }
      socket.on("data", take).on("end", onEnd).on("close", onClose)
      if (socket.destroyed) done({ type: "left" })
      return Effect.sync(stopReading)
    })

  return {
    read: (socket) =>
      firstLine(socket).pipe(
        Effect.timeoutOption(limits.stallMillis),
        Effect.map(Option.getOrElse(() => problem(tooSlow(limits.stallMillis))))
      ),
    write: (socket, line) => writeLine(socket, line, limits.stallMillis)
  }
}

const problem = (text: string): FirstLine => ({ type: "problem", problem: text })

const asFirstLine = (line: string | LineFault): FirstLine =>
  line instanceof LineFault ? { type: "problem", problem: line.message, reason: line.reason } : { type: "line", line }

const tooMuch = "The daemon holds too much of other clients' unfinished lines. Say it again later."

const tooSlow = (millis: number): string => `No whole line came within ${millis / 1000} seconds.`

const writeLine = (socket: Socket, line: string, stallMillis: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.on("close", () => resume(Effect.void))
    // What it still says is not for anybody, and would reset the connection under the answer.
    socket.resume()
    socket.end(`${line}\n`, () => resume(Effect.void))
  }).pipe(
    Effect.timeoutOption(stallMillis),
    Effect.andThen(Effect.timeoutOption(closed(socket), FAREWELL)),
    Effect.asVoid
  )

const closed = (socket: Socket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.destroyed) return resume(Effect.void)
    socket.on("close", () => resume(Effect.void))
  })
