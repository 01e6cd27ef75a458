/**
 * The log of a session on disk. A segment is up to three files named by the absolute offsets at which it begins, in
 * output and in input, so that their names alone are in order and `cat *.out` is the retained output:
 *
 *     0000000000065536-0000000000000120.out   output, raw
 *     0000000000065536-0000000000000120.in    input, raw; only when input is logged and there was some
 *     0000000000065536-0000000000000120.idx   records of 40 bytes: what was written when, and its checksum
 *
 * The raw bytes are written before their record, so a crash between the two leaves bytes without a record (which are
 * served) and never a record without bytes.
 */
import { crc32 } from "node:zlib"
import { Direction } from "../../protocol/sessionFrames.ts"

export const RECORD_BYTES = 40

/** The most bytes that one record describes. What is read at once is at most this. */
export const MAX_RECORD_DATA_BYTES = 256 * 1024

/** Kinds of a record: the {@link Direction}s, and these. */
export const RecordKind = {
  ...Direction,
  /** First of every segment; `size` is the version of this format. */
  start: 0x80,
  /** `size` bytes of output, from `outputOffset`, could not be written. */
  hole: 0x81
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

export const FORMAT_VERSION = 1

/** One record of an index, as a plain value. */
export interface IndexRecord {
  readonly kind: RecordKind
  readonly size: number
  /** Where the output stood: for output the offset of the first byte, for input that of the next output byte. */
  readonly outputOffset: number
  /** The same for input. */
  readonly inputOffset: number
  /** Milliseconds since 1970. */
  readonly time: number
  /** CRC-32 of the data. */
  readonly dataCrc: number
}

export const isOutput = (kind: RecordKind): boolean =>
  kind === RecordKind.output || kind === RecordKind.stdout || kind === RecordKind.stderr

/** A terminal's size as the `size` field of its record, which has no data: columns in the upper half, rows in the lower. */
export const packSize = (cols: number, rows: number): number => cols * 0x1_0000 + rows

export const unpackSize = (size: number): { readonly cols: number; readonly rows: number } => ({
  cols: size >>> 16,
  rows: size & 0xffff
})

export const isInput = (kind: RecordKind): boolean => kind === RecordKind.input || kind === RecordKind.stdin

const MAGIC = 0x68_6f_62 // "hob"

/** Encodes a record; its last four bytes are the CRC-32 of the others. */
export const encodeRecord = (record: IndexRecord): Buffer => {
  const bytes = Buffer.allocUnsafe(RECORD_BYTES)
  bytes[0] = record.kind
  bytes.writeUIntBE(MAGIC, 1, 3)
  bytes.writeUInt32BE(record.size, 4)
  bytes.writeBigUInt64BE(BigInt(record.outputOffset), 8)
  bytes.writeBigUInt64BE(BigInt(record.inputOffset), 16)
  bytes.writeDoubleBE(record.time, 24)
  bytes.writeUInt32BE(record.dataCrc, 32)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, RECORD_BYTES - 4)), RECORD_BYTES - 4)
  return bytes
}

/** Decodes the record at `position`; null when its checksum says that it isn't what was written. */
export const decodeRecord = (bytes: Buffer, position: number): IndexRecord | null => {
  if (position + RECORD_BYTES > bytes.length) return null
  const crcAt = position + RECORD_BYTES - 4
  if (crc32(bytes.subarray(position, crcAt)) !== bytes.readUInt32BE(crcAt)) return null
  if (bytes.readUIntBE(position + 1, 3) !== MAGIC) return null
  return {
    kind: bytes[position] as RecordKind,
    size: bytes.readUInt32BE(position + 4),
    outputOffset: Number(bytes.readBigUInt64BE(position + 8)),
    inputOffset: Number(bytes.readBigUInt64BE(position + 16)),
    time: bytes.readDoubleBE(position + 24),
    dataCrc: bytes.readUInt32BE(position + 32)
  }
}

/** CRC-32 over several pieces as one. */
export const crcOf = (pieces: ReadonlyArray<Buffer>): number => {
  let crc = 0
  for (const piece of pieces) crc = crc32(piece, crc)
  return crc
}

/** Where a segment begins. Its files are named by it. */
export interface SegmentStart {
  readonly output: number
  readonly input: number
}

const digits = (offset: number): string => String(offset).padStart(16, "0")

export const segmentName = (start: SegmentStart, extension: "out" | "in" | "idx"): string =>
  `${digits(start.output)}-${digits(start.input)}.${extension}`

/** The segments among a directory's file names, oldest first. A segment is there when its raw output is. */
export const segmentsIn = (names: ReadonlyArray<string>): Array<SegmentStart> =>
  names
    .map((name) => /^(\d{16})-(\d{16})\.out$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => ({ output: Number(match[1]), input: Number(match[2]) }))
    .sort((a, b) => a.output - b.output || a.input - b.input)
