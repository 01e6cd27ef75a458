import { join } from "node:path"
import { decodeRecord, RECORD_BYTES, RecordKind, segmentName, type SegmentStart, unpackSize } from "./format.ts"
import type { LogFs } from "./LogFs.ts"
import { Sizes } from "./Sizes.ts"

const WINDOW_RECORDS = 4096

/** The sizes that the records of a log tell of. What can't be read is left out. */
export const findSizes = (
  { directory, fs }: { readonly directory: string; readonly fs: LogFs },
  segments: ReadonlyArray<SegmentStart>,
  initial: { readonly cols: number; readonly rows: number }
): Sizes => {
  const sizes = new Sizes(initial)
  for (const start of segments) {
    try {
      const fd = fs.openToRead(join(directory, segmentName(start, "idx")))
      try {
        addSizes(sizes, fs, fd)
      } finally {
        fs.close(fd)
      }
    } catch {
      // Then the next segment tells the size that this one ended with.
    }
  }
  return sizes
}

/** There can be hundreds of thousands of records: only those of interest are decoded. */
const addSizes = (sizes: Sizes, fs: LogFs, fd: number): void => {
  const window = Buffer.allocUnsafe(WINDOW_RECORDS * RECORD_BYTES)
  const end = Math.floor(fs.size(fd) / RECORD_BYTES) * RECORD_BYTES
  for (let position = 0; position < end;) {
    const read = fs.read(fd, window.subarray(0, Math.min(window.length, end - position)), position)
    const whole = Math.floor(read / RECORD_BYTES) * RECORD_BYTES
    if (whole === 0) return
    for (let at = 0; at < whole; at += RECORD_BYTES) {
      if (window[at] !== RecordKind.resize) continue
      const record = decodeRecord(window, at)
      if (record !== null) sizes.add({ offset: record.outputOffset, ...unpackSize(record.size) })
    }
    position += whole
  }
}
