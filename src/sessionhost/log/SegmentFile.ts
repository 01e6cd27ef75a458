import { join } from "node:path"
import {
  decodeRecord,
  type IndexRecord,
  MAX_RECORD_DATA_BYTES,
  RECORD_BYTES,
  segmentName,
  type SegmentStart
} from "./format.ts"
import type { LogFs } from "./LogFs.ts"

const INDEX_WINDOW_RECORDS = 1024
const NOTHING = Buffer.alloc(0)

/** A stretch of a raw file in memory. There is one buffer for it: what was got is good until something else has to be read. */
class Window {
  readonly #fs: LogFs
  readonly #fd: number
  #at = 0
  #bytes: Buffer = NOTHING
  #memory: Buffer = NOTHING

  constructor(fs: LogFs, fd: number) {
    this.#fs = fs
    this.#fd = fd
  }

  has(position: number, size: number): boolean {
    return position >= this.#at && position + size <= this.#at + this.#bytes.length
  }

  /** Null when the file doesn't have, or doesn't give, all of it. */
  get(position: number, size: number, fileBytes: number): Buffer | null {
    if (position < 0 || size > MAX_RECORD_DATA_BYTES || position + size > fileBytes) return null
    if (!this.has(position, size)) {
      const wanted = Math.min(MAX_RECORD_DATA_BYTES, fileBytes - position)
      if (this.#memory.length < wanted) this.#memory = Buffer.allocUnsafeSlow(wanted)
      const bytes = this.#memory.subarray(0, wanted)
      this.#bytes = bytes.subarray(0, readFully(this.#fs, this.#fd, bytes, position))
      this.#at = position
      if (!this.has(position, size)) return null
    }
    return this.#bytes.subarray(position - this.#at, position - this.#at + size)
  }

  close(): void {
    quietly(() => this.#fs.close(this.#fd))
  }
}

/**
 * A segment opened for reading: its records and its raw bytes, by absolute offset. Bytes are good until the next ones
 * are asked for. Read errors look like damage.
 */
export class SegmentFile {
  readonly start: SegmentStart
  readonly #directory: string
  readonly #fs: LogFs
  readonly #out: Window
  readonly #outFd: number
  readonly #idxFd: number | null
  #in: Window | null | undefined
  #outBytes = 0
  #records = 0
  #index: Buffer = NOTHING
  #indexAt = 0

  private constructor(directory: string, fs: LogFs, start: SegmentStart, outFd: number, idxFd: number | null) {
    this.start = start
    this.#directory = directory
    this.#fs = fs
    this.#outFd = outFd
    this.#out = new Window(fs, outFd)
    this.#idxFd = idxFd
  }

  /** `end`: where the next segment begins, if there is one. Null when the segment can't be read; throws `EMFILE`, `ENFILE`. */
  static open(
    { directory, fs }: { readonly directory: string; readonly fs: LogFs },
    start: SegmentStart,
    end: number | undefined
  ): SegmentFile | null {
    const outFd = openOrNull(fs, join(directory, segmentName(start, "out")))
    if (outFd === null) return null
    let idxFd: number | null
    try {
      idxFd = openOrNull(fs, join(directory, segmentName(start, "idx")))
    } catch (error) {
      quietly(() => fs.close(outFd))
      throw error
    }
    const segment = new SegmentFile(directory, fs, start, outFd, idxFd)
    segment.refresh(end)
    return segment
  }

  isAt(start: SegmentStart): boolean {
    return start.output === this.start.output && start.input === this.start.input
  }

  /** Looks again how far the files go. */
  refresh(end: number | undefined): void {
    this.#outBytes = this.#sizeOf(this.#outFd)
    if (end !== undefined) this.#outBytes = Math.min(this.#outBytes, end - this.start.output)
    this.#records = this.#idxFd === null ? 0 : Math.floor(this.#sizeOf(this.#idxFd) / RECORD_BYTES)
  }

  /** Records in the index, good or damaged; a last one that is only half there isn't counted. */
  get records(): number {
    return this.#records
  }

  /** The offset after the last raw byte of output. */
  get outputEnd(): number {
    return this.start.output + this.#outBytes
  }

  /** Null when it fails its checksum. */
  record(index: number): IndexRecord | null {
    if (this.#idxFd === null || index < 0 || index >= this.#records) return null
    if (index < this.#indexAt || (index - this.#indexAt + 1) * RECORD_BYTES > this.#index.length) {
      const count = Math.min(INDEX_WINDOW_RECORDS, this.#records - index)
      const bytes = Buffer.allocUnsafe(count * RECORD_BYTES)
      this.#index = bytes.subarray(0, readFully(this.#fs, this.#idxFd, bytes, index * RECORD_BYTES))
      this.#indexAt = index
    }
    return decodeRecord(this.#index, (index - this.#indexAt) * RECORD_BYTES)
  }

  /** The last good record that begins at `outputOffset` or before it; 0 when there is none. */
  find(outputOffset: number): number {
    let low = 0
    let high = this.#records
    while (high - low > 1) {
      const middle = (low + high) >>> 1
      let probe = middle
      let record: IndexRecord | null = null
      while (probe < high && (record = this.#recordAlone(probe)) === null) probe++
      if (record === null || record.outputOffset > outputOffset) high = middle
      else low = probe
    }
    return low
  }

  /** Whether these bytes are at hand without reading. */
  isBuffered(offset: number, size: number): boolean {
    return this.#out.has(offset - this.start.output, size)
  }

  /** Raw output, at most `MAX_RECORD_DATA_BYTES`; null when not all of it is there. */
  output(offset: number, size: number): Buffer | null {
    return this.#out.get(offset - this.start.output, size, this.#outBytes)
  }

  /** Raw input. */
  input(offset: number, size: number): Buffer | null {
    if (this.#in === undefined) {
      const fd = openOrNull(this.#fs, join(this.#directory, segmentName(this.start, "in")))
      this.#in = fd === null ? null : new Window(this.#fs, fd)
    }
    return this.#in?.get(offset - this.start.input, size, Number.MAX_SAFE_INTEGER) ?? null
  }

  close(): void {
    this.#out.close()
    this.#in?.close()
    const idxFd = this.#idxFd
    if (idxFd !== null) quietly(() => this.#fs.close(idxFd))
  }

  // A search jumps: it must not read a whole window of the index at each step.
  #recordAlone(index: number): IndexRecord | null {
    const bytes = Buffer.allocUnsafe(RECORD_BYTES)
    return readFully(this.#fs, this.#idxFd!, bytes, index * RECORD_BYTES) === RECORD_BYTES
      ? decodeRecord(bytes, 0)
      : null
  }

  #sizeOf(fd: number): number {
    try {
      return this.#fs.size(fd)
    } catch {
      return 0
    }
  }
}

const openOrNull = (fs: LogFs, path: string): number | null => {
  try {
    return fs.openToRead(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === "EMFILE" || code === "ENFILE") throw error
    return null
  }
}

const readFully = (fs: LogFs, fd: number, into: Buffer, position: number): number => {
  let done = 0
  try {
    while (done < into.length) {
      const count = fs.read(fd, done === 0 ? into : into.subarray(done), position + done)
      if (count === 0) break
      done += count
    }
  } catch {
    // EIO: what was read before it counts.
  }
  return done
}

const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // A descriptor that can't be closed is gone as well.
  }
}
