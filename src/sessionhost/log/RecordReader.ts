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

/** How far the two streams of a log have been read: offsets after the last byte of each. */
export interface Position {
  readonly output: number
  readonly input: number
}

const BEGINNING: Position = { output: 0, input: 0 }

/**
 * Reads the log in the order in which it was written, input and output, from a position, or from the oldest record, to
 * the end that the log had when the reader was made. A damaged piece of input is a gap of no output bytes. A resize
 * that stands right at the position may be told once more.
 */
export class RecordReader {
  readonly #source: LogSource
  readonly #end: number
  readonly #entries: Generator<LogEntry, void>
  /** What the record of the last resize says. Each segment begins with one. */
  #size = 0
  readonly #from: Position

  /** `end`: where an earlier reader of the same log was to stop. */
  constructor(source: LogSource, from: Position = BEGINNING, end = source.end()) {
    this.#source = source
    this.#end = end
    this.#from = from
    this.#entries = this.#read()
  }

  /** The end that the log had. */
  get end(): number {
    return this.#end
  }

  /** Null after the last one. Throws `EMFILE` or `ENFILE` when no descriptor is left; the reader is of no use then. */
  next(): LogEntry | null {
    const step = this.#entries.next()
    return step.done === true ? null : step.value
  }

  close(): void {
    this.#entries.return()
  }

  *#read(): Generator<LogEntry, void> {
    // A segment deleted while we read is a gap like any other that was rotated away.
    const segments = this.#source.segments()
    const { input, output } = this.#from
    let at = Math.max(output, segments[0]?.output ?? 0)
    if (at > output) yield gap(output, at, "rotated")
    const first = segments.findLastIndex((start) => start.output <= output && start.input <= input)
    for (const [index, start] of segments.entries()) {
      if (index < first) continue
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
    // Whatever is before the one that has the last byte read, was written before it.
    const first = this.#from.output > segment.start.output ? segment.find(this.#from.output - 1) : 0
    for (let index = first; index < segment.records; index++) {
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
      if (record.kind === RecordKind.resize && record.size !== this.#size && record.outputOffset >= at) {
        yield this.#resized(record)
      }
      if (!isOutput(record.kind) && !isInput(record.kind)) continue
      const end = record.outputOffset + (isOutput(record.kind) ? record.size : 0)
      const known = isOutput(record.kind) ? at - record.outputOffset : this.#from.input - record.inputOffset
      if (known < record.size) yield entry(segment, record, end, Math.max(0, known))
      at = Math.max(at, end)
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

/** What a record describes, without the `known` bytes at its beginning. */
const entry = (segment: SegmentFile, record: IndexRecord, end: number, known: number): LogEntry => {
  const { dataCrc, kind, outputOffset, size, time } = record
  const offset = isOutput(kind) ? outputOffset : record.inputOffset
  const data = isOutput(kind) ? segment.output(offset, size) : segment.input(offset, size)
  return data === null || crc32(data) !== dataCrc
    ? gap(isOutput(kind) ? outputOffset + known : outputOffset, end, "corrupt")
    : { type: "record", offset: offset + known, time, direction: kind as Direction, data: data.subarray(known) }
}

const before = function* (segment: SegmentFile, from: number): Generator<LogEntry, void> {
  const hole = segment.record(1)
  const known = hole?.kind === RecordKind.hole && hole.outputOffset < segment.start.output
  if (!known) return yield gap(from, segment.start.output, "corrupt")
  if (from < hole.outputOffset) yield gap(from, hole.outputOffset, "corrupt")
  yield gap(Math.max(from, hole.outputOffset), segment.start.output, "log-lost")
}

const gap = (from: number, to: number, reason: GapFrame["reason"]): LogEntry => ({ type: "gap", from, to, reason })
