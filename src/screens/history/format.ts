/**
 * What a session has said as plain text, on disk: the rendered lines that scrolled out of its emulator for good, in
 * segments named by the number of their first line, counted from 0 since the session began.
 *
 *     text-000000000000.txt   lines, UTF-8, each ended by LF; wrapped rows are one line
 *     text-000000000000.idx   one record of 40 bytes for each block: a run of whole lines of about 64 KiB
 *     text-000000000000.tri   which block can hold which three letters; and how many lines
 *                           are before each 4 KiB; only of a segment that is complete
 *
 * All of it follows from the log: what is damaged or missing is made again, never trusted.
 */
import { crc32 } from "node:zlib"

/** A segment is complete with the block that makes it this long. */
export const SEGMENT_BYTES = 4 * 1024 * 1024
/** A block is complete with the line that makes it this long. */
export const BLOCK_BYTES = 64 * 1024
/** A block of a segment is one bit of 64; longer blocks make fewer. */
export const BLOCKS_PER_SEGMENT = 64
/** What is longer is cut: a program that never ends its line must not make one without end. */
export const LINE_BYTES = 64 * 1024

export const RECORD_BYTES = 40

/** Where a block is, and when and where in the session's output its first line was about. */
export interface Block {
  /** Number of its first line. */
  readonly line: number
  /** Where it begins in the segment's text, in bytes. */
  readonly position: number
  /** How many bytes of output the session had when its first line was written down. */
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly time: number
}

export const encodeBlock = (block: Block): Buffer => {
  const bytes = Buffer.alloc(RECORD_BYTES)
  bytes.writeDoubleBE(block.line, 0)
  bytes.writeDoubleBE(block.offset, 8)
  bytes.writeDoubleBE(block.time, 16)
  bytes.writeUInt32BE(block.position, 24)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4)
  return bytes
}

/** Null when the checksum says that it isn't what was written. */
export const decodeBlock = (bytes: Buffer, at: number): Block | null => {
  if (at + RECORD_BYTES > bytes.length) return null
  const crcAt = at + RECORD_BYTES - 4
  if (crc32(bytes.subarray(at, crcAt)) !== bytes.readUInt32BE(crcAt)) return null
  return {
    line: bytes.readDoubleBE(at),
    offset: bytes.readDoubleBE(at + 8),
    time: bytes.readDoubleBE(at + 16),
    position: bytes.readUInt32BE(at + 24)
  }
}

export const segmentFile = (firstLine: number, extension: "txt" | "idx" | "tri"): string =>
  `text-${String(firstLine).padStart(12, "0")}.${extension}`

/** The first lines of the segments among a directory's file names, oldest first. */
export const segmentsAmong = (names: ReadonlyArray<string>): Array<number> =>
  names
    .map((name) => /^text-(\d{12})\.txt$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
