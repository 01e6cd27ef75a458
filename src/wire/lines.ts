/**
 * One JSON value per line: bytes in, lines of text out. Only 0x0A ends a line; a CR before it is JSON white space and
 * stays, so CRLF works and a lone CR is data. Blank lines are skipped. Plain Node, no Effect: the session-host and the
 * thin command-line client use it too.
 */
import { isUtf8 } from "node:buffer"

const NEWLINE = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Smaller pieces of an unfinished line are copied together: a line sent byte by byte must not cost an object for each. */
const SMALL_BYTES = 16 * 1024
const BLOCK_BYTES = 64 * 1024

export interface LineLimits {
  /** The longest line, in bytes, its newline excluded. */
  readonly lineBytes: number
  /** The deepest nesting of arrays and objects. */
  readonly depth: number
}

/** The defaults of hob's sockets: a message of 16 MiB and what stands around it, 64 levels. */
export const defaultLineLimits: LineLimits = { lineBytes: 16 * 1024 * 1024 + 64 * 1024, depth: 64 }

/** Why a line can't be handed on. The lines after it are not concerned, also after one that is too long. */
export class LineFault {
  readonly reason: "too-long" | "invalid-utf8" | "too-deep" | "byte-order-mark" | "unfinished"
  /** For people: what is wrong and where the limit lies. Never quotes the line. */
  readonly message: string

  constructor(reason: LineFault["reason"], message: string) {
    this.reason = reason
    this.message = message
  }
}

/**
 * Splits a byte stream into lines. `push` a chunk, then take lines with `next` until it answers `undefined`; at the end
 * of the stream `end` tells of an unfinished line. Work is linear in the bytes pushed, whatever the chunk sizes.
 */
export class LineReader {
  readonly #limits: LineLimits
  /** The line that was unfinished before this chunk, or what is wrong with it. */
  #first: string | LineFault | undefined
  /** Whole lines of this chunk, decoded at once. */
  #text = ""
  #textPosition = 0
  /** Whole lines of this chunk that must be looked at one by one: they aren't all UTF-8, or one may be too long. */
  #bytes: Buffer = EMPTY
  #bytesPosition = 0
  /** Found while holding what follows the last newline. */
  #last: LineFault | undefined

  #blocks: Array<Buffer> = []
  #tail: Buffer = EMPTY
  #tailUsed = 0
  #pendingBytes = 0
  /** The present line was too long and is reported; the rest of it is thrown away. */
  #skipping = false

  constructor(limits: LineLimits = defaultLineLimits) {
    this.#limits = limits
  }

  /** Bytes held of a line that isn't finished. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Adds what was read. The chunk is the reader's from then on: memory of its own may be given back to the system as
   * soon as it is done with. Take all lines with `next` before pushing again.
   */
  push(chunk: Buffer): void {
    const last = chunk.lastIndexOf(NEWLINE)
    if (last === -1) return this.#hold(chunk)
    let start = 0
    if (this.#skipping || this.#pendingBytes > 0) {
      const end = chunk.indexOf(NEWLINE)
      start = end + 1
      if (this.#skipping) this.#skipping = false
      else this.#first = this.#finish(chunk.subarray(0, end))
    }
    if (start <= last) {
      const whole = chunk.subarray(start, last + 1)
      if (whole.length <= this.#limits.lineBytes && isUtf8(whole)) this.#text = whole.toString()
      else this.#bytes = whole
    }
    if (last + 1 < chunk.length) this.#hold(chunk.subarray(last + 1))
  }

  /** The next whole line, or what is wrong with it; `undefined` when more bytes are needed. */
  next(): string | LineFault | undefined {
    if (this.#first !== undefined) {
      const first = this.#first
      this.#first = undefined
      return first
    }
    while (this.#textPosition < this.#text.length) {
      const start = this.#textPosition
      const end = this.#text.indexOf("\n", start)
      this.#textPosition = end + 1
      const line = this.#check(this.#text.slice(start, end))
      if (line !== undefined) return line
    }
    this.#text = ""
    this.#textPosition = 0
    while (this.#bytesPosition < this.#bytes.length) {
      const start = this.#bytesPosition
      const end = this.#bytes.indexOf(NEWLINE, start)
      this.#bytesPosition = end + 1
      const line = this.#decode(this.#bytes.subarray(start, end))
      if (line !== undefined) return line
    }
    this.#bytes = EMPTY
    this.#bytesPosition = 0
    const last = this.#last
    this.#last = undefined
    return last
  }

  /** The stream has ended: tells of a line without its newline. */
  end(): LineFault | undefined {
    const unfinished = this.#pendingBytes > 0
    this.#release()
    return unfinished
      ? new LineFault("unfinished", "The stream ended inside a line: its newline is missing.")
      : undefined
  }

  #hold(part: Buffer): void {
    if (this.#skipping) return
    this.#pendingBytes += part.length
    if (this.#pendingBytes > this.#limits.lineBytes) {
      this.#release()
      this.#skipping = true
      this.#last = tooLong(this.#limits.lineBytes)
    } else if (part.length >= SMALL_BYTES) {
      this.#sealTail()
      this.#blocks.push(part)
    } else {
      if (part.length > this.#tail.length - this.#tailUsed) {
        this.#sealTail()
        this.#tail = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(256, part.length, this.#pendingBytes)))
      }
      this.#tailUsed += part.copy(this.#tail, this.#tailUsed)
    }
  }

  #finish(part: Buffer): string | LineFault | undefined {
    this.#sealTail()
    this.#blocks.push(part)
    const line = Buffer.concat(this.#blocks, this.#pendingBytes + part.length)
    this.#blocks.pop()
    this.#release()
    return this.#decode(line)
  }

  #sealTail(): void {
    if (this.#tailUsed > 0) this.#blocks.push(this.#tail.subarray(0, this.#tailUsed))
    this.#tail = EMPTY
    this.#tailUsed = 0
  }

  #release(): void {
    for (const block of this.#blocks) giveBack(block)
    this.#blocks = []
    this.#tail = EMPTY
    this.#tailUsed = 0
    this.#pendingBytes = 0
  }

  #decode(line: Buffer): string | LineFault | undefined {
    if (line.length > this.#limits.lineBytes) return tooLong(this.#limits.lineBytes)
    if (!isUtf8(line)) return new LineFault("invalid-utf8", "The line is not valid UTF-8.")
    return this.#check(line.toString())
  }

  #check(line: string): string | LineFault | undefined {
    if (isBlank(line)) return undefined
    if (line.charCodeAt(0) === 0xfeff) {
      return new LineFault("byte-order-mark", "The line begins with a byte order mark; send UTF-8 without one.")
    }
    const { depth } = this.#limits
    // A shorter line can't be JSON and too deep at once: every bracket that opens must close.
    return line.length > 2 * depth && deeperThan(line, depth)
      ? new LineFault("too-deep", `The line is nested more than ${depth} levels deep.`)
      : line
  }
}

const EMPTY = Buffer.alloc(0)

/**
 * Frees the memory of a read at once. Left to the garbage collector, the megabytes of a line that was refused would
 * stay for as long as little else is allocated. Does nothing to a buffer that shares its memory, or is small.
 */
export const giveBack = (chunk: Buffer): void => {
  const { buffer } = chunk
  if (chunk.length >= SMALL_BYTES && chunk.length === buffer.byteLength && buffer instanceof ArrayBuffer) {
    buffer.transfer(0)
  }
}

const tooLong = (limit: number): LineFault => new LineFault("too-long", `The line is longer than ${limit} bytes.`)

const isBlank = (line: string): boolean => {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (code !== 0x20 && code !== 0x0d && code !== 0x09) return false
  }
  return true
}

/**
 * Whether arrays and objects are nested deeper than `limit`, found without parsing: `JSON.parse` takes a million
 * levels, and what walks the value afterwards runs out of stack. Brackets inside strings don't count.
 */
export const deeperThan = (json: string, limit: number): boolean => {
  if (!hasMore(json, "{", limit / 2) && !hasMore(json, "[", limit / 2)) return false
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === QUOTE) {
      i = endOfString(json, i)
      if (i === -1) return false
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

const hasMore = (text: string, character: string, count: number): boolean => {
  let found = 0
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
    if (++found > count) return true
  }
  return false
}

/** Where the string that opens at `open` is closed; -1 where it isn't. */
export const endOfString = (json: string, open: number): number => {
  let close = open
  for (;;) {
    close = json.indexOf('"', close + 1)
    if (close === -1) return -1
    let backslashes = 0
    while (json.charCodeAt(close - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return close
  }
}
