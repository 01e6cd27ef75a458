import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { WaitingLines } from "./history/WaitingLines.ts"

/** A file is complete with so many lines, or so many bytes. */
const FILE_LINES = 5_000
const FILE_BYTES = 4 * 1024 * 1024
/** Two that are complete and the one that is written: the newest 10,000 lines at least, unless they are very long. */
const FILES = 3
const FLUSH_BYTES = 64 * 1024
const NEWLINE = 0x0a

/**
 * The newest lines of the text history with their colours, to fill the scrollback of whoever attaches: files
 * `styled-<number of the first line>.sgr` in the session's directory, each line ended as a terminal wants it, by CR LF. Their numbers are those of the text
 * history. Lines wait in memory until {@link flush}.
 */
export class StyledLines {
  readonly #directory: string
  /** Numbers of the first lines, oldest first. */
  #files: Array<number>
  #fd: number | null = null
  #fileLines = 0
  #fileBytes = 0
  #nextLine: number
  readonly #waiting = new WaitingLines()

  /** Goes on with line `nextLine`; lines from there on that are there are forgotten. */
  constructor(directory: string, nextLine: number) {
    this.#directory = directory
    this.#nextLine = nextLine
    this.#files = filesIn(directory)
    while (this.#files.length > 0 && this.#files.at(-1)! >= nextLine) this.#delete(this.#files.pop()!)
    const last = this.#files.at(-1)
    if (last !== undefined) this.#resume(last)
  }

  append(styled: string): void {
    this.#waiting.add(`${styled}\r`)
    this.#nextLine++
    if (this.#waiting.length >= FLUSH_BYTES) this.flush()
  }

  flush(): void {
    const { bytes, count, length } = this.#waiting
    if (count === 0) return
    if (this.#fileLines >= FILE_LINES || this.#fileBytes >= FILE_BYTES) this.#closeFile()
    this.#fd ??= this.#begin(this.#nextLine - count)
    for (let at = 0; at < length;) at += writeSync(this.#fd, bytes, at, length - at, this.#fileBytes + at)
    this.#fileLines += count
    this.#fileBytes += length
    this.#waiting.clear()
  }

  /** Forgets all lines so far, and goes on with line `nextLine`. */
  clear(nextLine: number): void {
    this.#nextLine = nextLine
    this.#waiting.clear()
    this.#closeFile()
    for (const file of this.#files) this.#delete(file)
    this.#files = []
  }

  close(): void {
    this.flush()
    this.#closeFile()
  }

  #begin(firstLine: number): number {
    const fd = openSync(this.#path(firstLine), "w", 0o600)
    this.#files.push(firstLine)
    this.#fileLines = this.#fileBytes = 0
    while (this.#files.length > FILES) this.#delete(this.#files.shift()!)
    return fd
  }

  /** Opens the last file to write on, with its lines before the next one. */
  #resume(firstLine: number): void {
    const text = readFileSync(this.#path(firstLine))
    let bytes = 0
    let line = firstLine
    for (let at = text.indexOf(NEWLINE); at >= 0 && line < this.#nextLine; at = text.indexOf(NEWLINE, bytes)) {
      bytes = at + 1
      line++
    }
    // With a hole between, what is there is not what is above the screen.
    if (line < this.#nextLine) return this.clear(this.#nextLine)
    this.#fd = openSync(this.#path(firstLine), "r+", 0o600)
    ftruncateSync(this.#fd, bytes)
    this.#fileBytes = bytes
    this.#fileLines = line - firstLine
  }

  #closeFile(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  #delete(firstLine: number): void {
    rmSync(this.#path(firstLine), { force: true })
  }

  #path(firstLine: number): string {
    return join(this.#directory, fileName(firstLine))
  }
}

const fileName = (firstLine: number): string => `styled-${String(firstLine).padStart(12, "0")}.sgr`

const filesIn = (directory: string): Array<number> =>
  readdirSync(directory)
    .map((name) => /^styled-(\d{12})\.sgr$/.exec(name)?.[1])
    .filter((digits) => digits !== undefined)
    .map(Number)
    .sort((a, b) => a - b)

/**
 * The last `count` styled lines before line `end` that are on disk, as bytes for a terminal, each ended by CR LF, and how
 * many they are: fewer when there are fewer.
 */
export const readStyled = (
  directory: string,
  end: number,
  count: number
): { readonly count: number; readonly bytes: ReadonlyArray<Buffer> } => {
  const pieces: Array<Buffer> = []
  let found = 0
  let before = end
  for (const firstLine of filesIn(directory).toReversed()) {
    if (found >= count) break
    if (firstLine >= before) continue
    let text: Buffer
    try {
      text = readFileSync(join(directory, fileName(firstLine)))
    } catch {
      break
    }
    const ends = endsOfLines(text, before - firstLine)
    // With a hole between there is nothing more to be had.
    if (firstLine + ends.length < before) break
    const skipped = Math.max(0, ends.length - (count - found))
    pieces.push(text.subarray(skipped === 0 ? 0 : ends[skipped - 1], ends.at(-1)))
    found += ends.length - skipped
    before = firstLine
  }
  return { count: found, bytes: pieces.toReversed() }
}

/** Where the first `count` lines end, or as many as there are. */
const endsOfLines = (text: Buffer, count: number): ReadonlyArray<number> => {
  const ends: Array<number> = []
  for (let at = text.indexOf(NEWLINE); at >= 0 && ends.length < count; at = text.indexOf(NEWLINE, at + 1)) {
    ends.push(at + 1)
  }
  return ends
}
