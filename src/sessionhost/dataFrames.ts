import { FrameType } from "../protocol/sessionFrames.ts"
import type { Snapshot } from "./ExactScreens.ts"
import type { LogEntry } from "./log/RecordReader.ts"
import type { SizeChange } from "./log/Sizes.ts"

/** Everything of an `output` frame before its bytes, so that they need not be copied. */
export const outputHead = (offset: number, bytes: number): Buffer => {
  const head = Buffer.allocUnsafe(13)
  head.writeUInt32BE(bytes + 9, 0)
  head[4] = FrameType.output
  // Two halves: a BigInt for each chunk is garbage for each chunk.
  head.writeUInt32BE(Math.floor(offset / 0x1_0000_0000), 5)
  head.writeUInt32BE(offset % 0x1_0000_0000, 9)
  return head
}

/** A whole `resized` frame: the terminal's size from the byte at `offset` on. */
export const resizedFrame = ({ cols, offset, rows }: SizeChange): Buffer => {
  const frame = Buffer.allocUnsafe(17)
  frame.writeUInt32BE(13, 0)
  frame[4] = FrameType.resized
  frame.writeBigUInt64BE(BigInt(offset), 5)
  frame.writeUInt16BE(cols, 13)
  frame.writeUInt16BE(rows, 15)
  return frame
}

const SCREEN_PIECE_BYTES = 256 * 1024

/** The `screen` frames of a snapshot, each as what comes before its bytes and the bytes; the last one has none. */
export const screenFrames = function* ({ bytes, cols, offset, rows }: Snapshot) {
  for (let at = 0; ; at += SCREEN_PIECE_BYTES) {
    const piece = bytes.subarray(at, at + SCREEN_PIECE_BYTES)
    const head = Buffer.allocUnsafe(17)
    head.writeUInt32BE(piece.length + 13, 0)
    head[4] = FrameType.screen
    head.writeBigUInt64BE(BigInt(offset), 5)
    head.writeUInt16BE(cols, 13)
    head.writeUInt16BE(rows, 15)
    yield { head, bytes: piece }
    if (piece.length === 0) return
  }
}

/** Everything of a `record` frame before its bytes. */
export const recordHead = (record: Extract<LogEntry, { type: "record" }>): Buffer => {
  const head = Buffer.allocUnsafe(22)
  head.writeUInt32BE(record.data.length + 18, 0)
  head[4] = FrameType.record
  head.writeBigUInt64BE(BigInt(record.offset), 5)
  head.writeDoubleBE(record.time, 13)
  head[21] = record.direction
  return head
}
