import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import {
  type Block,
  BLOCK_BYTES,
  BLOCKS_PER_SEGMENT,
  decodeBlock,
  encodeBlock,
  LINE_BYTES,
  RECORD_BYTES,
  SEGMENT_BYTES,
  segmentFile,
  segmentsAmong
} from "./format.ts"
import { LineCounts } from "./lineCounts.ts"
import { Trigrams } from "./trigrams.ts"
import { WaitingLines } from "./WaitingLines.ts"

export interface TextHistoryOptions {
  /** The session's directory. */
  readonly directory: string
  /** The oldest segments are deleted when all together are longer. */
  readonly maxBytes: number
}

/** The segment that is written to. */
interface Open {
  readonly firstLine: number
  readonly txt: number
  readonly idx: number
  bytes: number
  readonly blocks: Array<Block>
}

const FLUSH_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * The only writer of a session's text history. Lines are kept back until {@link flush} or 64 KiB of them; what was not
 * flushed is given again by whoever feeds it, from where its checkpoint says. Throws the system's errors: a history that
 * can't be written is begun anew later, from the log.
 */
export class TextHistory {
  readonly #directory: string
  readonly #maxBytes: number
  /** Numbers of first lines, oldest first, the open one's too. */
  readonly #segments: Array<number>
  #open: Open | null = null
  #nextLine: number
  readonly #waiting = new WaitingLines()

  /** Goes on behind the last whole line that is there. */
  constructor({ directory, maxBytes }: TextHistoryOptions) {
    this.#directory = directory
    this.#maxBytes = maxBytes
    this.#segments = segmentsAmong(readdirSync(directory))
    this.#nextLine = 0
    const last = this.#segments.at(-1)
    if (last !== undefined) this.#resume(last, Infinity)
  }

  /** The first line that is kept. */
  get oldest(): number {
    return this.#segments[0] ?? this.#nextLine
  }

  /** The number that the next line will have. */
  get nextLine(): number {
    return this.#nextLine
  }

  /** Adds a line, without its end. `offset`: how much output the session had by then; `time` in milliseconds since 1970. */
  append(text: string, offset: number, time: number): void {
    const open = (this.#open ??= this.#begin())
    const position = open.bytes + this.#waiting.length
    const block = open.blocks.at(-1)
    if (block === undefined || position - block.position >= BLOCK_BYTES) {
      if (position >= SEGMENT_BYTES || open.blocks.length === BLOCKS_PER_SEGMENT) {
        this.#complete(open)
        return this.append(text, offset, time)
      }
      open.blocks.push({ line: this.#nextLine, position, offset, time })
    }
    this.#waiting.add(text.includes("\n") ? text.replaceAll("\n", " ") : text, LINE_BYTES)
    this.#nextLine++
    if (this.#waiting.length >= FLUSH_BYTES) this.flush()
  }

  /** Hands what is kept back to the system. */
  flush(): void {
    const open = this.#open
    if (open === null || this.#waiting.length === 0) return
    writeAll(open.txt, this.#waiting.bytes, open.bytes)
    open.bytes += this.#waiting.length
    this.#waiting.clear()
    const written = fstatSync(open.idx).size / RECORD_BYTES
    const records = open.blocks.slice(written).map(encodeBlock)
    if (records.length > 0) writeAll(open.idx, Buffer.concat(records), written * RECORD_BYTES)
  }

  /** Forgets every line from `line` on. Lines that are not there can't be had by it. */
  truncateTo(line: number): void {
    if (line >= this.#nextLine) return
    this.#waiting.clear()
    this.#closeFiles()
    while (this.#segments.length > 0 && this.#segments.at(-1)! >= line) this.#delete(this.#segments.pop()!)
    const last = this.#segments.at(-1)
    if (last === undefined) this.#nextLine = line
    else this.#resume(last, line)
  }

  close(): void {
    this.flush()
    this.#closeFiles()
  }

  #begin(): Open {
    const firstLine = this.#nextLine
    const txt = openSync(this.#path(firstLine, "txt"), "w+", 0o600)
    try {
      const idx = openSync(this.#path(firstLine, "idx"), "w+", 0o600)
      this.#segments.push(firstLine)
      return { firstLine, txt, idx, bytes: 0, blocks: [] }
    } catch (error) {
      closeSync(txt)
      throw error
    }
  }

  /** Opens the last segment to write on, with at most the lines before `end`, and only whole ones. */
  #resume(firstLine: number, end: number): void {
    const text = readFileSync(this.#path(firstLine, "txt"))
    let bytes = 0
    let line = firstLine
    for (let at = text.indexOf(NEWLINE); at >= 0 && line < end; at = text.indexOf(NEWLINE, bytes)) {
      bytes = at + 1
      line++
    }
    const txt = openSync(this.#path(firstLine, "txt"), "r+", 0o600)
    ftruncateSync(txt, bytes)
    const index = this.#path(firstLine, "idx")
    const idx = openSync(index, constants.O_RDWR | constants.O_CREAT, 0o600)
    const blocks = readBlocks(readFileSync(index)).filter((block) => block.position < bytes)
    // Without its beginning an index is of no use: the text so far is one block then.
    if (blocks[0]?.position !== 0) {
      blocks.length = 0
      if (bytes > 0) blocks.push({ line: firstLine, position: 0, offset: 0, time: 0 })
    }
    ftruncateSync(idx, 0)
    if (blocks.length > 0) writeAll(idx, Buffer.concat(blocks.map(encodeBlock)), 0)
    rmSync(this.#path(firstLine, "tri"), { force: true })
    this.#open = { firstLine, txt, idx, bytes, blocks }
    this.#nextLine = line
  }

  #complete(open: Open): void {
    this.flush()
    const tri = openSync(this.#path(open.firstLine, "tri"), "w", 0o600)
    try {
      writeAll(tri, indexOf(open), 0)
    } finally {
      closeSync(tri)
    }
    this.#closeFiles()
    this.#deleteOldest()
  }

  /** By count: every segment is about as long, the one that comes next too. */
  #deleteOldest(): void {
    while (this.#segments.length > 1 && (this.#segments.length + 1) * SEGMENT_BYTES > this.#maxBytes) {
      this.#delete(this.#segments.shift()!)
    }
  }

  #delete(firstLine: number): void {
    for (const extension of ["tri", "idx", "txt"] as const) rmSync(this.#path(firstLine, extension), { force: true })
  }

  #closeFiles(): void {
    if (this.#open === null) return
    closeSync(this.#open.txt)
    closeSync(this.#open.idx)
    this.#open = null
  }

  #path(firstLine: number, extension: "txt" | "idx" | "tri"): string {
    return join(this.#directory, segmentFile(firstLine, extension))
  }
}

/** What a complete segment's `.tri` file has. Its text is read a block at a time: the whole of it would be garbage at once. */
const indexOf = ({ blocks, bytes, txt }: Open): Buffer => {
  const trigrams = new Trigrams()
  const counts = new LineCounts()
  let text = Buffer.alloc(0)
  for (const [block, { position }] of blocks.entries()) {
    const length = (blocks[block + 1]?.position ?? bytes) - position
    if (text.length < length) text = Buffer.allocUnsafe(Math.max(length, 2 * BLOCK_BYTES))
    const read = text.subarray(0, readSync(txt, text, 0, length, position))
    trigrams.add(block, read)
    counts.add(read)
  }
  return Buffer.concat([trigrams.rows, counts.end()])
}

/** The good records at the beginning of an index. */
export const readBlocks = (index: Buffer): Array<Block> => {
  const blocks: Array<Block> = []
  for (let at = 0; ; at += RECORD_BYTES) {
    const block = decodeBlock(index, at)
    if (block === null) return blocks
    blocks.push(block)
  }
}

const writeAll = (fd: number, data: Buffer, position: number): void => {
  for (let at = 0; at < data.length;) {
    const count = writeSync(fd, data, at, data.length - at, position + at)
    if (count === 0) throw new Error("nothing could be written")
    at += count
  }
}
