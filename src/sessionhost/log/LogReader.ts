import { crc32 } from "node:zlib"
import { isOutput, RecordKind, type SegmentStart } from "./format.ts"
import type { LogFs } from "./LogFs.ts"
import type { GapFrame } from "../../protocol/sessionHost.ts"
import { SegmentFile } from "./SegmentFile.ts"
import type { Sizes } from "./Sizes.ts"

/** A log to read: a live one (its writer) or one found on disk. */
export interface LogSource {
  readonly directory: string
  readonly fs: LogFs
  /** Oldest first. */
  readonly segments: () => ReadonlyArray<SegmentStart>
  /** The offset after the last byte of output, in the log or lost to it. */
  readonly end: () => number
  /** Why bytes before `end` and after the last segment's are missing. */
  readonly endReason: () => "log-lost" | "corrupt"
  /** The terminal's sizes; null on pipes. */
  readonly sizes: () => Sizes | null
}

/** Output bytes in the log, good until the next read, or the range of some that can't be had. */
export type Piece =
  | { readonly type: "bytes"; readonly offset: number; readonly data: Buffer }
  | ({ readonly type: "gap" } & GapFrame)

/**
 * Reads output from any offset on, a window at a time. What fails its checksum is never returned but named as a gap,
 * and reading goes on after it. Holds open the segment it is in; `close` when done.
 */
export class LogReader {
  readonly #source: LogSource
  #segment: SegmentFile | null = null
  /** Where the next read probably begins: the offset after the last piece, and the record there. */
  #hint = { offset: -1, record: 0 }

  constructor(source: LogSource) {
    this.#source = source
  }

  /**
   * The next piece at `from`, at most 256 KiB; null at the end of the log. Throws only when the system has no
   * descriptor left (`EMFILE`, `ENFILE`): try again later.
   */
  read(from: number): Piece | null {
    const segments = this.#source.segments()
    const first = segments[0]
    if (first !== undefined && from < first.output) return gap(from, first.output, "rotated")
    // Several may begin at the same output; only the last of them can have any.
    const index = segments.findLastIndex((segment) => segment.output <= from)
    const start = segments[index]
    const next = segments[index + 1]
    const segment = start === undefined ? null : this.#openSegment(start, next?.output)
    const piece = segment === null ? null : this.#readIn(segment, from)
    if (piece !== null) return piece
    if (next !== undefined) return this.#between(from, next, segments[index + 2]?.output)
    const end = this.#source.end()
    return from < end ? gap(from, end, this.#source.endReason()) : null
  }

  close(): void {
    this.#segment?.close()
    this.#segment = null
  }

  #openSegment(start: SegmentStart, end: number | undefined): SegmentFile | null {
    if (this.#segment?.isAt(start) === true) {
      this.#segment.refresh(end)
      return this.#segment
    }
    this.close()
    this.#hint = { offset: -1, record: 0 }
    return (this.#segment = SegmentFile.open(this.#source, start, end))
  }

  /** Bytes or a gap inside a segment; null after its last byte. */
  #readIn(segment: SegmentFile, from: number): Piece | null {
    let index = this.#hint.offset === from ? this.#hint.record : segment.find(from)
    let end = from
    /** The record after the last one taken: damaged ones behind it must be met again. */
    let resume = index
    let damaged = false
    const pieces: Array<Buffer> = []
    const bytes = (): Piece => {
      this.#hint = { offset: end, record: resume }
      return { type: "bytes", offset: from, data: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) }
    }
    for (; index < segment.records; index++) {
      const record = segment.record(index)
      if (record === null) {
        damaged = true
        continue
      }
      if (record.outputOffset > end) {
        if (end > from) return bytes()
        return gap(from, record.outputOffset, "corrupt")
      }
      if (!isOutput(record.kind)) continue
      const recordEnd = record.outputOffset + record.size
      if (recordEnd <= end) continue
      if (end > from && !segment.isBuffered(record.outputOffset, record.size)) return bytes()
      const data = segment.output(record.outputOffset, record.size)
      if (data === null || crc32(data) !== record.dataCrc) {
        if (end > from) return bytes()
        return gap(from, recordEnd, "corrupt")
      }
      extend(pieces, data.subarray(end - record.outputOffset))
      end = recordEnd
      resume = index + 1
      damaged = false
    }
    if (end > from) return bytes()
    if (from >= segment.outputEnd) return null
    if (damaged) return gap(from, segment.outputEnd, "corrupt")
    // Written just before a crash, and its record was not.
    const data = segment.output(from, Math.min(segment.outputEnd - from, MAX_PIECE_BYTES))
    return data === null ? gap(from, segment.outputEnd, "corrupt") : { type: "bytes", offset: from, data }
  }

  /** The gap before a segment that begins after `from`. */
  #between(from: number, next: SegmentStart, nextEnd: number | undefined): Piece {
    const segment = this.#openSegment(next, nextEnd)
    const hole = segment?.record(1)
    if (hole?.kind !== RecordKind.hole || hole.outputOffset >= next.output) return gap(from, next.output, "corrupt")
    return from < hole.outputOffset ? gap(from, hole.outputOffset, "corrupt") : gap(from, next.output, "log-lost")
  }
}

const MAX_PIECE_BYTES = 256 * 1024

const gap = (from: number, to: number, reason: GapFrame["reason"]): Piece => ({ type: "gap", from, to, reason })

/** Adds `data`, as one slice with the last piece where both lie side by side in the same window. */
const extend = (pieces: Array<Buffer>, data: Buffer): void => {
  const last = pieces.at(-1)
  if (last !== undefined && last.buffer === data.buffer && last.byteOffset + last.length === data.byteOffset) {
    pieces[pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + data.length)
  } else pieces.push(data)
}
