/** A session's log in claude-sessions' format: one JSON object for each piece. Pure. */
import { Schema } from "effect"
import { Direction } from "../../../protocol/sessionFrames.ts"
import type { LogPiece } from "../../../sessions/hostStream.ts"
import { LogEntry } from "../messages.ts"
import { rfc3339 } from "../translate.ts"

/** How much of a session's log is in the file: offsets after the last byte of each stream. */
export interface Position {
  readonly output: number
  readonly input: number
}

/** Its program reads a terminal in pieces of this size, and writes a line for each. */
const PIECE_BYTES = 8192

const streams: Readonly<Partial<Record<Direction, LogEntry["direction"]>>> = {
  [Direction.output]: "output",
  [Direction.stdout]: "output",
  [Direction.stderr]: "output",
  [Direction.input]: "input",
  [Direction.stdin]: "input"
}

/**
 * The lines for a piece of the log, as far as it lies behind `position`, and the position behind it. The lines are null
 * for output that can't be had: this format has no word for it.
 */
export const linesFor = (
  sessionId: string,
  position: Position,
  piece: LogPiece
): { readonly lines: string | null; readonly position: Position } => {
  if (piece.type === "gap") {
    const isKnown = piece.to <= position.output
    return { lines: isKnown ? "" : null, position: isKnown ? position : { ...position, output: piece.to } }
  }
  const stream = streams[piece.direction]
  if (stream === undefined) return { lines: "", position }
  const known = Math.max(0, position[stream] - piece.offset)
  const timestamp = rfc3339(new Date(piece.time).toISOString())
  let lines = ""
  for (let at = known; at < piece.data.length; at += PIECE_BYTES) {
    const data = piece.data.subarray(at, at + PIECE_BYTES)
    const entry: LogEntry = {
      timestamp,
      session_id: sessionId,
      direction: stream,
      data: data.toString("base64"),
      size: data.length
    }
    lines += `${JSON.stringify(entry)}\n`
  }
  return { lines, position: { ...position, [stream]: Math.max(position[stream], piece.offset + piece.data.length) } }
}

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(LogEntry))

/** The position behind a line of the file; null when it is not one of ours. */
export const positionAfter = (position: Position, line: string): Position | null => {
  try {
    const { direction, size } = decode(line)
    return { ...position, [direction]: position[direction] + size }
  } catch {
    return null
  }
}
