/** The byte channel of the session-host as RPC streams, for clients that can't speak its binary frames. */
import { Schema, Stream } from "effect"
import {
  type DataTicket,
  type LogLine,
  type OutputChunk,
  SessionHostUnavailable,
  type SessionId
} from "../protocol/index.ts"
import { Direction, ErrorFrame, FrameType, GapFrame, MAX_FRAME_BYTES, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { connect } from "../wire/unixSocket.ts"

interface Frame {
  readonly type: number
  readonly payload: Buffer
}

/** Opens a session's bytes as any client would: what came together is together. Reads the socket only as fast as it is iterated. */
async function* frameBatches(ticket: DataTicket): AsyncGenerator<ReadonlyArray<Frame>> {
  const socket = await connect(ticket.path)
  const complete: Array<Frame> = []
  const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => void complete.push({ type, payload }))
  socket.write(encodeJsonFrame(FrameType.open, { ticket: ticket.ticket }))
  try {
    for await (const chunk of socket) {
      reader.push(chunk as Buffer)
      const batch = complete.splice(0)
      const last = batch.findIndex(({ type }) => type === FrameType.end || type === FrameType.error)
      if (last !== 0 && batch.length > 0) yield last === -1 ? batch : batch.slice(0, last)
      const end = batch[last]
      if (end?.type === FrameType.end) return
      if (end !== undefined) throw new Error(decodeError(end.payload).message)
    }
    throw new Error("the connection closed before the end")
  } finally {
    socket.destroy()
  }
}

/** One at a time: each is a chunk of its own to who gets the stream. */
async function* frames(ticket: DataTicket): AsyncGenerator<Frame> {
  for await (const batch of frameBatches(ticket)) yield* batch
}

const stream = <A>(iterate: () => AsyncIterable<A>): Stream.Stream<A, SessionHostUnavailable> =>
  Stream.suspend(() =>
    Stream.fromAsyncIterable(
      iterate(),
      (error) => new SessionHostUnavailable({ detail: error instanceof Error ? error.message : String(error) })
    )
  )

const frameStream = (ticket: DataTicket) => stream(() => frames(ticket))

const decodeJson = <A, I>(schema: Schema.Codec<A, I>) => {
  const decode = Schema.decodeUnknownSync(Schema.fromJsonString(schema))
  return (payload: Buffer) => decode(payload.toString("utf8"))
}
const decodeError = decodeJson(ErrorFrame)
const decodeGap = decodeJson(GapFrame)
const decodeOpened = decodeJson(OpenedFrame)

/** Output chunks. The first is empty and tells the offset; bytes that are not there to send are an empty chunk with a `gap`. */
export const outputChunks = (ticket: DataTicket): Stream.Stream<OutputChunk, SessionHostUnavailable> =>
  frameStream(ticket).pipe(
    Stream.map(({ payload, type }): OutputChunk | null => {
      switch (type) {
        case FrameType.opened:
          return { offset: decodeOpened(payload).offset, data: "", gap: 0 }
        case FrameType.gap: {
          const { from, to } = decodeGap(payload)
          return { offset: to, data: "", gap: to - from }
        }
        case FrameType.output:
          return { offset: Number(payload.readBigUInt64BE(0)), data: payload.toString("base64", 8), gap: 0 }
        default:
          return null
      }
    }),
    Stream.filter((chunk) => chunk !== null)
  )

const directionNames = Object.fromEntries(Object.entries(Direction).map(([name, code]) => [code, name])) as Record<
  number,
  LogLine["direction"]
>

/** The log as lines; `ticket` must be of mode `records`. */
export const logLines = (ticket: DataTicket): Stream.Stream<LogLine, SessionHostUnavailable> =>
  frameStream(ticket).pipe(
    Stream.filter((frame) => frame.type === FrameType.record),
    Stream.map((frame) => logLine(ticket.session.id, frame.payload))
  )

/** A `record` frame's payload as a line: 8 bytes offset, 8 bytes float time, 1 byte direction, the bytes. */
export const logLine = (id: SessionId, payload: Buffer): LogLine => ({
  timestamp: new Date(payload.readDoubleBE(8)).toISOString(),
  session_id: id,
  direction: directionNames[payload[16]!] ?? "output",
  data: payload.toString("base64", 17),
  size: payload.length - 17
})

/** One piece of a log with its bytes, or output that can't be had. `offset` is that of the direction's own stream. */
export type LogPiece =
  | {
      readonly type: "record"
      readonly offset: number
      /** Milliseconds since 1970. */
      readonly time: number
      readonly direction: Direction
      readonly data: Buffer
    }
  | ({ readonly type: "gap" } & GapFrame)

/** The log as pieces, those that came together in one list; `ticket` must be of mode `records`. Ends where the log does. */
export const logPieces = (ticket: DataTicket): Stream.Stream<ReadonlyArray<LogPiece>, SessionHostUnavailable> =>
  Stream.map(
    stream(() => frameBatches(ticket)),
    (batch) =>
      batch.flatMap(({ payload, type }): ReadonlyArray<LogPiece> => {
        if (type === FrameType.gap) return [{ type: "gap", ...decodeGap(payload) }]
        if (type !== FrameType.record) return []
        const offset = Number(payload.readBigUInt64BE(0))
        const direction = payload[16] as Direction
        return [{ type: "record", offset, time: payload.readDoubleBE(8), direction, data: payload.subarray(17) }]
      })
  )
