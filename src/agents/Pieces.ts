/** Smaller pieces are copied together: an agent that writes byte by byte must not cost an object for each. */
const SMALL_BYTES = 16 * 1024
const BLOCK_BYTES = 64 * 1024

/** The pieces of a line that is not whole, up to so many bytes; of a longer one only its length is kept. */
export class Pieces {
  readonly #limit: number
  #blocks: Array<Buffer> = []
  #tail: Buffer = EMPTY
  #tailUsed = 0
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How long the line is so far, also where it is not kept. */
  get bytes(): number {
    return this.#bytes
  }

  /** In how many parts it is held. */
  get blocks(): number {
    return this.#blocks.length + (this.#tail.length > 0 ? 1 : 0)
  }

  add(piece: Buffer): void {
    if (piece.length === 0) return
    this.#bytes += piece.length
    if (this.#bytes > this.#limit) return this.#release()
    if (piece.length >= SMALL_BYTES) {
      this.#seal()
      this.#blocks.push(piece)
      return
    }
    if (piece.length > this.#tail.length - this.#tailUsed) {
      this.#seal()
      this.#tail = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, Math.max(256, piece.length, this.#bytes)))
    }
    this.#tailUsed += piece.copy(this.#tail, this.#tailUsed)
  }

  /** The line, which ends with `last`, and how long it is; undefined in place of one that is too long. The next one begins. */
  end(last: Buffer): { readonly line: Buffer | undefined; readonly bytes: number } {
    const bytes = this.#bytes + last.length
    let line: Buffer | undefined
    if (bytes <= this.#limit) {
      this.#seal()
      line = this.#blocks.length === 0 ? last : Buffer.concat([...this.#blocks, last], bytes)
    }
    this.forget()
    return { line, bytes }
  }

  forget(): void {
    this.#release()
    this.#bytes = 0
  }

  #seal(): void {
    if (this.#tailUsed > 0) this.#blocks.push(this.#tail.subarray(0, this.#tailUsed))
    this.#tail = EMPTY
    this.#tailUsed = 0
  }

  #release(): void {
    this.#blocks = []
    this.#tail = EMPTY
    this.#tailUsed = 0
  }
}

const EMPTY = Buffer.alloc(0)
