import { crc32 } from "node:zlib"
import { type IndexRecord, isInput, isOutput, MAX_RECORD_DATA_BYTES, RecordKind, unpackSize } from "./format.ts"
import { Direction, type GapFrame } from "../../protocol/sessionHost.ts"
import type { LogSource } from "./LogReader.ts"
import { SegmentFile } from "./SegmentFile.ts"

/** One piece of the log as it was written, or the range of output that can't be had. */
export type LogEntry =
  | {
      readonly type: "record"
      /** In the direction's own stream: of the output, or of the input. A resize is in the output. */
      readonly offset: number
      readonly time: number
      readonly direction: Direction
      /** Good until the next entry. */
      readonly data: Buffer
    }
  | ({ readonly type: "gap" } & GapFrame)

/**
 * Reads the whole log in the order in which it was written, input and output, from the oldest record to the end that
 * the log had when the reader was made. A damaged piece of input is a gap of no output bytes.
 */
export class RecordReader {
  readonly #source: LogSource
  readonly #end: number
  readonly #entries: Generator<LogEntry, void>
  /** What the record of the last resize says. Each segment begins with one. */
  #size = 0
  #given = 0

  /** `from` is the {@link RecordReader.position} of an earlier reader of the same log, to go on behind it. */
  constructor(source: LogSource, from?: { readonly end: number; readonly entries: number }) {
    this.#source = source
    this.#end = from?.end ?? source.end()
    this.#entries = this.#read()
    while (this.#given < (from?.entries ?? 0) && this.next() !== null);
  }

  /** Which end the log had, and how many entries were given. */
  get position(): { readonly end: number; readonly entries: number } {
    return { end: this.#end, entries: this.#given }
  }

  /** Null after the last one. Throws `EMFILE` or `ENFILE` when no descriptor is left; the reader is of no use then. */
  next(): LogEntry | null {
    const step = this.#entries.next()
    this.#given++
    return step.done === true ? null : step.value
  }

  close(): void {
    this.#entries.return()
  }

  *#read(): Generator<LogEntry, void> {
    // A segment deleted while we read is a gap like any other that was rotated away.
    const segments = this.#source.segments()
    let at = segments[0]?.output ?? 0
    if (at > 0) yield gap(0, at, "rotated")
    for (const [index, start] of segments.entries()) {
      const nextOutput = segments[index + 1]?.output
      const segment = SegmentFile.open(this.#source, start, nextOutput)
      if (segment === null) continue
      try {
        if (start.output > at) {
          yield* before(segment, at)
          at = start.output
        }
        at = yield* this.#readSegment(segment, at)
      } finally {
        segment.close()
      }
    }
    if (at < this.#end) yield gap(at, this.#end, this.#source.endReason())
  }

  *#readSegment(segment: SegmentFile, from: number): Generator<LogEntry, number> {
    let at = from
    let time = 0
    let damaged = false
    for (let index = 0; index < segment.records; index++) {
      const record = segment.record(index)
      if (record === null) {
        damaged = true
        continue
      }
      // What was appended since this reader was made.
      if (record.outputOffset > this.#end || (record.outputOffset === this.#end && isOutput(record.kind))) return at
      time = record.time
      if (record.outputOffset > at && record.kind !== RecordKind.hole) {
        yield gap(at, record.outputOffset, "corrupt")
        at = record.outputOffset
      } else if (damaged) yield gap(at, at, "corrupt")
      damaged = false
      if (record.kind === RecordKind.resize && record.size !== this.#size) yield this.#resized(record)
      if (!isOutput(record.kind) && !isInput(record.kind)) continue
      const end = record.outputOffset + (isOutput(record.kind) ? record.size : 0)
      yield entry(segment, record, end)
      at = end
    }
    const end = Math.min(segment.outputEnd, this.#end)
    if (damaged) {
      yield gap(at, Math.max(at, end), "corrupt")
      return Math.max(at, end)
    }
    // Written just before a crash, and its record was not.
    while (at < end) {
      const data = segment.output(at, Math.min(end - at, MAX_RECORD_DATA_BYTES))
      yield data === null
        ? gap(at, end, "corrupt")
        : { type: "record", offset: at, time, direction: RecordKind.output, data }
      at = data === null ? end : at + data.length
    }
    return at
  }

  #resized({ outputOffset, size, time }: IndexRecord): LogEntry {
    this.#size = size
    const { cols, rows } = unpackSize(size)
    const data = Buffer.from(`${cols}x${rows}`)
    return { type: "record", offset: outputOffset, time, direction: Direction.resize, data }
  }
}

const entry = (segment: SegmentFile, record: IndexRecord, end: number): LogEntry => {
  const offset = isOutput(record.kind) ? record.outputOffset : record.inputOffset
  const data = isOutput(record.kind) ? segment.output(offset, record.size) : segment.input(offset, record.size)
  return data === null || crc32(data) !== record.dataCrc
    ? gap(record.outputOffset, end, "corrupt")
    : { type: "record", offset, time: record.time, direction: record.kind as Direction, data }
}

const before = function* (segment: SegmentFile, from: number): Generator<LogEntry, void> {
  const hole = segment.record(1)
  const known = hole?.kind === RecordKind.hole && hole.outputOffset < segment.start.output
  if (!known) return yield gap(from, segment.start.output, "corrupt")
  if (from < hole.outputOffset) yield gap(from, hole.outputOffset, "corrupt")
  yield gap(Math.max(from, hole.outputOffset), segment.start.output, "log-lost")
}

const gap = (from: number, to: number, reason: GapFrame["reason"]): LogEntry => ({ type: "gap", from, to, reason })
