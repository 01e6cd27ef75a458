import { join } from "node:path"
import {
  crcOf,
  encodeRecord,
  FORMAT_VERSION,
  isOutput,
  packSize,
  RECORD_BYTES,
  RecordKind,
  segmentName,
  type SegmentStart
} from "./format.ts"
import type { Direction, LogLimits } from "../../protocol/sessionHost.ts"
import type { LogState } from "../upgrade/state.ts"
import { findSizes } from "./findSizes.ts"
import type { LogSource } from "./LogReader.ts"
import { type LogFs, nodeLogFs } from "./LogFs.ts"
import { Sizes } from "./Sizes.ts"

const FIRST_RETRY_MILLIS = 100
const LAST_RETRY_MILLIS = 10_000

/** What is said once each time the log stops being complete, and once when it works again. */
export interface LogListener {
  readonly lost: (error: Error) => void
  readonly restored: () => void
}

export interface LogWriterOptions {
  readonly directory: string
  readonly limits: LogLimits
  readonly listener: LogListener
  /** Of a session under a terminal: its size at the beginning. */
  readonly size?: { readonly cols: number; readonly rows: number }
  readonly fs?: LogFs
  /** Where a predecessor of this process stood in the same log; it is gone on with there. */
  readonly held?: LogState
  /** Milliseconds on a clock that never goes back, for the back-off. */
  readonly monotonicMillis?: () => number
}

interface Segment {
  readonly start: SegmentStart
  outBytes: number
  inBytes: number
  idxBytes: number
}

interface OpenSegment extends Segment {
  readonly outFd: number
  readonly idxFd: number
  /** Made with the first input of the segment. */
  inFd: number | null
}

/** What one call of `append` brings. */
interface Chunk {
  readonly direction: Direction
  readonly output: boolean
  readonly pieces: ReadonlyArray<Buffer>
  readonly bytes: number
  readonly time: number
}

/** The log can't be written; set from the first byte that was not. */
interface Lost {
  readonly from: number
  retryAt: number
  retryDelay: number
}

/**
 * The only writer of a session's log. `append` never throws and never waits: what can't be written is counted as lost,
 * and the log begins a new segment when writing works again, which is tried with back-off and only when there is
 * something to write, so that an idle session does nothing.
 */
export class LogWriter implements LogSource {
  readonly directory: string
  readonly fs: LogFs
  readonly #segmentBytes: number
  readonly maxBytes: number
  readonly #listener: LogListener
  readonly #now: () => number
  readonly #segments: Array<Segment> = []
  readonly #sizes: Sizes | null
  #open: OpenSegment | null
  #lost: Lost | null = null
  #outputEnd = 0
  #inputEnd = 0
  #lostBytes = 0
  #rotateAgainAt = 0

  /** Begins the log in an empty directory, or goes on with one; throws when its first files can't be made. */
  constructor(options: LogWriterOptions) {
    this.directory = options.directory
    this.fs = options.fs ?? nodeLogFs
    this.maxBytes = options.limits.maxBytes
    // Two at least, or there would be no oldest one to delete.
    this.#segmentBytes = Math.min(options.limits.segmentBytes, Math.floor(options.limits.maxBytes / 2))
    this.#listener = options.listener
    this.#now = options.monotonicMillis ?? (() => performance.now())
    if (options.held === undefined) {
      this.#sizes = options.size === undefined ? null : new Sizes(options.size)
      this.#open = this.#begin(null, Date.now())
      return
    }
    const { held } = options
    for (const { idxBytes, inBytes, input, outBytes, output } of held.segments) {
      this.#segments.push({ start: { output, input }, outBytes, inBytes, idxBytes })
    }
    this.#sizes = options.size === undefined ? null : findSizes(this, this.segments(), options.size)
    this.#outputEnd = held.outputEnd
    this.#inputEnd = held.inputEnd
    this.#lostBytes = held.lostBytes
    this.#open = null
    if (held.lostFrom !== null) this.#lost = { from: held.lostFrom, retryAt: 0, retryDelay: FIRST_RETRY_MILLIS }
    else if (held.open) this.#reopen()
  }

  /** The first byte that is still in the log. */
  get oldest(): number {
    return this.#segments[0]?.start.output ?? this.#outputEnd
  }

  /** Output bytes that are not in the log because it could not be written. */
  get lostBytes(): number {
    return this.#lostBytes
  }

  get isLost(): boolean {
    return this.#lost !== null
  }

  readonly segments = (): ReadonlyArray<SegmentStart> => this.#segments.map(({ start }) => start)
  readonly end = (): number => this.#outputEnd
  readonly endReason = (): "log-lost" => "log-lost"
  readonly sizes = (): Sizes | null => this.#sizes

  /**
   * Appends one record: `pieces` together, at most `MAX_RECORD_DATA_BYTES`. `time` is in milliseconds since 1970.
   * Bytes of input count in the input's own offsets.
   */
  append(direction: Direction, pieces: ReadonlyArray<Buffer>, time: number): void {
    const output = isOutput(direction)
    let bytes = 0
    for (const piece of pieces) bytes += piece.length
    if (bytes === 0) return
    const chunk: Chunk = { direction, output, pieces, bytes, time }
    const written = this.#lost === null ? this.#appendTo(this.#ready(chunk), chunk) : this.#restore(this.#lost, chunk)
    if (output) {
      this.#outputEnd += bytes
      this.#lostBytes += bytes - written
    } else this.#inputEnd += bytes
  }

  /** Records that from the next byte of output on the terminal has this size. */
  resize(cols: number, rows: number, time: number): void {
    if (this.#sizes?.add({ offset: this.#outputEnd, cols, rows }) !== true) return
    const segment = this.#open
    // While nothing can be written it is remembered: each new segment begins with the size.
    if (segment === null) return
    try {
      this.#writeSize(segment, time)
    } catch (error) {
      this.#lose(segment, this.#outputEnd, error as Error)
    }
  }

  /** What a successor of this process needs to go on. */
  handOver(): LogState {
    return {
      segments: this.#segments.map(({ idxBytes, inBytes, outBytes, start }) => ({
        ...start,
        outBytes,
        inBytes,
        idxBytes
      })),
      open: this.#open !== null,
      lostFrom: this.#lost?.from ?? null,
      outputEnd: this.#outputEnd,
      inputEnd: this.#inputEnd,
      lostBytes: this.#lostBytes
    }
  }

  /** Opens the files of the last segment, written by a predecessor. */
  #reopen(): void {
    const last = this.#segments.at(-1)
    if (last === undefined) return
    const opened: Array<number> = []
    const open = (extension: "out" | "in" | "idx") => {
      const fd = this.fs.openToWrite(this.#path(last.start, extension))
      opened.push(fd)
      return fd
    }
    try {
      const inFd = last.inBytes > 0 ? open("in") : null
      this.#open = Object.assign(last, { outFd: open("out"), idxFd: open("idx"), inFd })
    } catch (error) {
      for (const fd of opened) this.#quietly(() => this.fs.close(fd))
      this.#lost = { from: this.#outputEnd, retryAt: 0, retryDelay: FIRST_RETRY_MILLIS }
      this.#listener.lost(error as Error)
    }
  }

  /** No byte follows. */
  close(): void {
    if (this.#lost !== null && this.#open === null) {
      // So that the hole is on record and not only in the count.
      this.#quietly(() => (this.#open = this.#begin(this.#lost!.from, Date.now())))
    }
    if (this.#open !== null) this.#closeFiles(this.#open)
    this.#open = null
  }

  /** The segment to write to: the present one, or a new one when it is full. */
  #ready(chunk: Chunk): OpenSegment {
    const current = this.#open!
    if (current.outBytes + current.inBytes === 0) return current
    if (sizeOf(current) + chunk.bytes <= this.#segmentBytes || this.#now() < this.#rotateAgainAt) return current
    try {
      this.#open = this.#begin(null, chunk.time)
    } catch {
      // No descriptor or no room for another file: better a segment that is too long than output that is lost.
      this.#rotateAgainAt = this.#now() + FIRST_RETRY_MILLIS
      return current
    }
    this.#closeFiles(current)
    this.#deleteOldest()
    return this.#open
  }

  #appendTo(segment: OpenSegment, chunk: Chunk): number {
    const { failure, written } = this.#write(segment, chunk)
    if (failure !== null) this.#lose(segment, this.#outputEnd + (chunk.output ? written : 0), failure)
    return written
  }

  #lose(segment: OpenSegment, from: number, failure: Error): void {
    this.#closeFiles(segment)
    this.#open = null
    this.#lost = { from, retryAt: this.#now() + FIRST_RETRY_MILLIS, retryDelay: FIRST_RETRY_MILLIS }
    this.#listener.lost(failure)
  }

  /** Tries again when it is time, with a new segment; it counts as restored when it holds the whole chunk. */
  #restore(lost: Lost, chunk: Chunk): number {
    if (this.#now() < lost.retryAt) return 0
    try {
      const segment = this.#begin(lost.from, chunk.time)
      const { failure } = this.#write(segment, chunk)
      if (failure === null) {
        this.#open = segment
        this.#lost = null
        this.#deleteOldest()
        this.#listener.restored()
        return chunk.bytes
      }
      this.#closeFiles(segment)
      this.#segments.pop()
      this.#unlink(segment.start)
    } catch {
      // Not yet.
    }
    lost.retryDelay = Math.min(lost.retryDelay * 2, LAST_RETRY_MILLIS)
    lost.retryAt = this.#now() + lost.retryDelay
    return 0
  }

  /** `written` bytes are in the raw file, whatever `failure` says. */
  #write(segment: OpenSegment, chunk: Chunk): { readonly written: number; readonly failure: Error | null } {
    let written = 0
    let failure: Error | null = null
    try {
      const { bytes, output, pieces } = chunk
      const fd = output ? segment.outFd : (segment.inFd ??= this.fs.create(this.#path(segment.start, "in")))
      const position = output ? segment.outBytes : segment.inBytes
      let rest = pieces
      while (written < bytes) {
        const count = this.#writePieces(fd, rest, position + written)
        if (count === 0) throw new Error("nothing could be written")
        written += count
        rest = dropBytes(rest, count)
      }
    } catch (error) {
      failure = error as Error
    }
    if (chunk.output) segment.outBytes += written
    else segment.inBytes += written
    if (written === 0) return { written, failure }
    try {
      const crc = crcOf(written === chunk.bytes ? chunk.pieces : takeBytes(chunk.pieces, written))
      this.#writeRecord(segment, chunk.direction, written, crc, chunk.time, this.#outputEnd, this.#inputEnd)
    } catch (error) {
      // No loss: the bytes are in the raw file, and readers take from there what has no record.
      failure ??= error as Error
    }
    return { written, failure }
  }

  #writePieces(fd: number, pieces: ReadonlyArray<Buffer>, position: number): number {
    return pieces.length === 1 ? this.fs.write(fd, pieces[0]!, position) : this.fs.writev(fd, pieces, position)
  }

  #writeRecord(
    segment: OpenSegment,
    kind: RecordKind,
    size: number,
    dataCrc: number,
    time: number,
    outputOffset: number,
    inputOffset: number
  ): void {
    const record = encodeRecord({ kind, size, outputOffset, inputOffset, time, dataCrc })
    // A record in parts is written again from its beginning, so the file's good length stays a multiple of it.
    if (this.fs.write(segment.idxFd, record, segment.idxBytes) !== RECORD_BYTES) {
      throw new Error("the index could not be written")
    }
    segment.idxBytes += RECORD_BYTES
  }

  #writeSize(segment: OpenSegment, time: number): void {
    if (this.#sizes === null) return
    const { cols, rows } = this.#sizes.last
    this.#writeRecord(segment, RecordKind.resize, packSize(cols, rows), 0, time, this.#outputEnd, this.#inputEnd)
  }

  /** Makes the files of a segment at the present offsets; leaves none behind when it throws. */
  #begin(holeFrom: number | null, time: number): OpenSegment {
    const start = { output: this.#outputEnd, input: this.#inputEnd }
    const outFd = this.fs.create(this.#path(start, "out"))
    let idxFd: number | null = null
    try {
      idxFd = this.fs.create(this.#path(start, "idx"))
      const segment: OpenSegment = { start, outBytes: 0, inBytes: 0, idxBytes: 0, outFd, idxFd, inFd: null }
      this.#writeRecord(segment, RecordKind.start, FORMAT_VERSION, 0, time, start.output, start.input)
      if (holeFrom !== null) {
        const size = Math.min(start.output - holeFrom, 0xffff_ffff)
        this.#writeRecord(segment, RecordKind.hole, size, 0, time, holeFrom, start.input)
      }
      if (this.#segments.length > 0) this.#writeSize(segment, time)
      this.#segments.push(segment)
      return segment
    } catch (error) {
      this.#quietly(() => this.fs.close(outFd))
      if (idxFd !== null) this.#quietly(() => this.fs.close(idxFd!))
      this.#unlink(start)
      throw error
    }
  }

  #deleteOldest(): void {
    let total = 0
    for (const segment of this.#segments) total += sizeOf(segment)
    while (total > this.maxBytes && this.#segments.length > 1) {
      const oldest = this.#segments[0]!
      try {
        this.fs.unlink(this.#path(oldest.start, "out"))
      } catch (error) {
        // Gone already is as good; anything else is tried again with the next segment.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") return
      }
      this.#unlink(oldest.start)
      this.#segments.shift()
      total -= sizeOf(oldest)
    }
    this.#sizes?.trim(this.oldest)
  }

  #unlink(start: SegmentStart): void {
    for (const extension of ["out", "in", "idx"] as const) {
      this.#quietly(() => this.fs.unlink(this.#path(start, extension)))
    }
  }

  #closeFiles(segment: OpenSegment): void {
    for (const fd of [segment.outFd, segment.idxFd, segment.inFd]) {
      if (fd !== null) this.#quietly(() => this.fs.close(fd))
    }
  }

  #path(start: SegmentStart, extension: "out" | "in" | "idx"): string {
    return join(this.directory, segmentName(start, extension))
  }

  #quietly(act: () => void): void {
    try {
      act()
    } catch {
      // Best effort: what is left behind is ignored by readers and deleted with the session.
    }
  }
}

const sizeOf = (segment: Segment): number => segment.outBytes + segment.inBytes + segment.idxBytes

const dropBytes = (pieces: ReadonlyArray<Buffer>, count: number): ReadonlyArray<Buffer> => {
  if (count === 0) return pieces
  const rest: Array<Buffer> = []
  for (const piece of pieces) {
    if (count >= piece.length) count -= piece.length
    else {
      rest.push(count === 0 ? piece : piece.subarray(count))
      count = 0
    }
  }
  return rest
}

const takeBytes = (pieces: ReadonlyArray<Buffer>, count: number): ReadonlyArray<Buffer> => {
  const taken: Array<Buffer> = []
  for (const piece of pieces) {
    if (count <= 0) break
    taken.push(piece.length <= count ? piece : piece.subarray(0, count))
    count -= piece.length
  }
  return taken
}
