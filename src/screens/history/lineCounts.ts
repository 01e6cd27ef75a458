/**
 * How many lines end before each 4 KiB of a segment's text: behind the bits of its `.tri` file (trigrams.ts), 4 bytes
 * each, big-endian, and the CRC-32 of all of them. So what is found has its line's number without counting from the
 * beginning of its block. An index that has none is from before there were any: then it is counted.
 */
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { segmentFile } from "./format.ts"
import { readRange } from "./readText.ts"
import { TRIGRAM_FILE_BYTES } from "./trigrams.ts"

const STEP_BITS = 12
const STEP_BYTES = 1 << STEP_BITS
const MAX_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** Makes the counts of one segment, of one piece of its text after the other. */
export class LineCounts {
  readonly #counts: Array<number> = []
  #bytes = 0
  #lines = 0

  add(text: Buffer): void {
    const until = this.#bytes + text.length
    let end = text.indexOf(NEWLINE)
    for (; this.#counts.length * STEP_BYTES < until;) {
      const step = this.#counts.length * STEP_BYTES - this.#bytes
      for (; end >= 0 && end < step; end = text.indexOf(NEWLINE, end + 1)) this.#lines++
      this.#counts.push(this.#lines)
    }
    for (; end >= 0; end = text.indexOf(NEWLINE, end + 1)) this.#lines++
    this.#bytes = until
  }

  /** All of them, as they are in the file. */
  end(): Buffer {
    const counts = Buffer.alloc(this.#counts.length * 4 + 4)
    for (const [step, lines] of this.#counts.entries()) counts.writeUInt32BE(lines, step * 4)
    counts.writeUInt32BE(crc32(counts.subarray(0, -4)), this.#counts.length * 4)
    return counts
  }
}

/** The counts of a segment; null when there are none, or they are damaged. */
export const readLineCounts = (directory: string, firstLine: number): Buffer | null => {
  const from = TRIGRAM_FILE_BYTES
  const counts = readRange(join(directory, segmentFile(firstLine, "tri")), from, from + MAX_BYTES)
  if (counts === null || counts.length < 4) return null
  const of = counts.subarray(0, -4)
  return crc32(of) === counts.readUInt32BE(of.length) ? of : null
}

/**
 * Tells in which line of its segment a position in `text` is, counted from 0; asked in rising order. `text` begins at
 * `start` in the segment, with line `line`.
 */
export const lineCounter = (
  { line, start, text }: { readonly text: Buffer; readonly start: number; readonly line: number },
  counts: Buffer | null
): ((position: number) => number) => {
  let at = 0
  let lines = line
  return (position) => {
    const step = (start + position) >> STEP_BITS
    if (counts !== null && step * STEP_BYTES - start > at && step * 4 < counts.length) {
      at = step * STEP_BYTES - start
      lines = counts.readUInt32BE(step * 4)
    }
    for (let end = text.indexOf(NEWLINE, at); end >= 0 && end < position; end = text.indexOf(NEWLINE, at)) {
      lines++
      at = end + 1
    }
    return lines
  }
}
