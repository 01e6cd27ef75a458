/** JSON objects that come one after another, with nothing that parts them: how gitify-prompt's clients speak. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const NEWLINE = 0x0a
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE

/** What was read: the text of an object, or why there is none. */
export type Value = { readonly text: string } | { readonly problem: string }

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** Each byte is looked at once. What is no object ends with its line, or with what came at once. */
export class JsonValues {
  readonly #limit: number
  #chunks: Array<Buffer> = []
  #bytes = 0
  #depth = 0
  #inString = false
  #escaped = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes of an object that has not ended. */
  get pendingBytes(): number {
    return this.#bytes
  }

  /** What has ended with this chunk. */
  push(chunk: Buffer): ReadonlyArray<Value> {
    const values: Array<Value> = []
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (this.#depth === 0) {
        if (isSpace(byte)) {
          start = at + 1
          continue
        }
        if (byte === OPEN) this.#depth = 1
        else {
          const end = chunk.indexOf(NEWLINE, at)
          at = end < 0 ? chunk.length : end
          values.push({ problem: "Unexpected token: a JSON object is expected" })
          start = at + 1
        }
        continue
      }
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
      } else if (byte === QUOTE) this.#inString = true
      else if (byte === OPEN || byte === OPEN_LIST) this.#depth++
      else if ((byte === CLOSE || byte === CLOSE_LIST) && --this.#depth === 0) {
        values.push(this.#end(chunk.subarray(start, at + 1)))
        start = at + 1
      }
    }
    if (this.#depth > 0) {
      // Copied: the chunk is a part of a larger buffer.
      const rest = Buffer.from(chunk.subarray(start))
      this.#chunks.push(rest)
      this.#bytes += rest.length
    }
    return values
  }

  get isTooLong(): boolean {
    return this.#bytes > this.#limit
  }

  #end(last: Buffer): Value {
    const bytes = this.#chunks.length === 0 ? last : Buffer.concat([...this.#chunks, last])
    this.#chunks = []
    this.#bytes = 0
    try {
      return { text: utf8.decode(bytes) }
    } catch {
      return { problem: "Unexpected token: this is not UTF-8" }
    }
  }
}
