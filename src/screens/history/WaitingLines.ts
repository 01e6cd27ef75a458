const FIRST_BYTES = 4 * 1024
const NEWLINE = 0x0a
const SHORT = 64

/** Lines on their way to a file, as its bytes: each UTF-8 and ended by LF. Kept in one piece of memory, filled again and again. */
export class WaitingLines {
  #bytes = Buffer.alloc(0)
  #length = 0
  #count = 0

  /** Bytes that wait. */
  get length(): number {
    return this.#length
  }

  /** Lines that wait. */
  get count(): number {
    return this.#count
  }

  /** Adds a line, without its end. One of more than `mostBytes`, its end among them, is cut off at a character. */
  add(line: string, mostBytes = Infinity): void {
    // Three bytes of UTF-8 for each UTF-16 unit at most.
    const needed = this.#length + line.length * 3 + 1
    if (needed > this.#bytes.length) this.#grow(needed)
    const start = this.#length
    let end = start + write(this.#bytes, line, start)
    if (end - start >= mostBytes) {
      end = start + mostBytes - 1
      while ((this.#bytes[end]! & 0xc0) === 0x80) end--
    }
    this.#bytes[end] = NEWLINE
    this.#length = end + 1
    this.#count++
  }

  /** What waits; valid until the next line is added. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = this.#count = 0
  }

  #grow(needed: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, this.#bytes.length * 2))
    this.#bytes.copy(bytes, 0, 0, this.#length)
    this.#bytes = bytes
  }
}

/** Most lines are short and ASCII: that is done before a call of the system's own has begun. */
const write = (bytes: Buffer, line: string, start: number): number => {
  const { length } = line
  if (length > SHORT) return bytes.write(line, start)
  for (let at = 0; at < length; at++) {
    const code = line.charCodeAt(at)
    if (code > 0x7f) return bytes.write(line, start)
    bytes[start + at] = code
  }
  return length
}
