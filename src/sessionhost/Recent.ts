const FIRST_BLOCK_BYTES = 4 * 1024
const LARGEST_BLOCK_BYTES = 256 * 1024
/** How far a replay looks for a line to begin with. */
const LINE_SEARCH_BYTES = 4 * 1024

/** The most memory of blocks that wait for their slices to come back, or to be filled again. */
const SPARE_BYTES = 512 * 1024

interface Block {
  readonly start: number
  readonly bytes: Buffer
  used: number
}

/**
 * The most recent output of a session, in memory. A block is filled once and then stays as it is, so slices of it can
 * be handed to sockets and to the log without a copy. Blocks are filled again only when nobody uses them: new ones for
 * all of a fast program's output would have the garbage collector run all the time. Nothing is allocated before the
 * first byte.
 */
export class Recent {
  readonly #limitBytes: number
  readonly #largestBlock: number
  readonly #blocks: Array<Block> = []
  /** Blocks let go of, oldest first. */
  readonly #spare: Array<{ readonly bytes: Buffer; readonly end: number }> = []
  #inUseFrom = Infinity
  #end = 0

  /** Keeps `limitBytes` once there were as many, and at most one block more. The first byte has the offset `start`. */
  constructor(limitBytes: number, start = 0) {
    this.#limitBytes = limitBytes
    this.#end = start
    this.#largestBlock = Math.min(LARGEST_BLOCK_BYTES, Math.max(FIRST_BLOCK_BYTES, Math.floor(limitBytes / 4)))
  }

  /** Copies `chunk`. */
  append(chunk: Buffer): void {
    let done = 0
    while (done < chunk.length) {
      const block = this.#blockWithRoom(chunk.length - done)
      const count = chunk.copy(block.bytes, block.used, done)
      block.used += count
      done += count
      this.#end += count
    }
  }

  /**
   * Lets go of what is older than asked for. Apart from `append`: what was appended must first be handed on. Slices from
   * `inUseFrom` on may still be in somebody's hands.
   */
  trim(inUseFrom: number): void {
    this.#inUseFrom = inUseFrom
    while (this.#blocks.length > 1 && this.#end - this.#blocks[1]!.start >= this.#limitBytes) {
      const { bytes } = this.#blocks.shift()!
      if (bytes.length !== this.#largestBlock) continue
      this.#spare.push({ bytes, end: this.#blocks[0]!.start })
      if (this.#spare.length * this.#largestBlock > SPARE_BYTES) this.#spare.shift()
    }
  }

  get oldest(): number {
    return this.#blocks[0]?.start ?? this.#end
  }

  get end(): number {
    return this.#end
  }

  /** The bytes from `from` up to `to`, as slices that stay as they are while {@link trim} is told of them; `from` must not be before `oldest`. */
  slices(from: number, to: number): Array<Buffer> {
    const slices: Array<Buffer> = []
    for (let index = this.#blockAt(from); index < this.#blocks.length; index++) {
      const block = this.#blocks[index]!
      if (block.start >= to) break
      const begin = Math.max(0, from - block.start)
      const end = Math.min(block.used, to - block.start)
      if (end > begin) slices.push(block.bytes.subarray(begin, end))
    }
    return slices
  }

  /**
   * Where a terminal can begin to read: `from`, or somewhat later, after the end of a line when one is near, and never
   * inside a UTF-8 character.
   */
  safeStart(from: number): number {
    const start = Math.max(from, this.oldest)
    if (start === 0) return 0
    const ahead = Buffer.concat(this.slices(start, Math.min(this.#end, start + LINE_SEARCH_BYTES)))
    return start + safeStart(ahead)
  }

  // The last blocks are the ones asked for.
  #blockAt(offset: number): number {
    let index = this.#blocks.length - 1
    while (index > 0 && this.#blocks[index]!.start > offset) index--
    return Math.max(index, 0)
  }

  #blockWithRoom(wanted: number): Block {
    const last = this.#blocks.at(-1)
    if (last !== undefined && last.used < last.bytes.length) return last
    const doubled = last === undefined ? FIRST_BLOCK_BYTES : last.bytes.length * 2
    const size = Math.min(this.#largestBlock, Math.max(doubled, wanted))
    const spare = this.#spare[0]
    const free = size === this.#largestBlock && spare !== undefined && spare.end <= this.#inUseFrom
    if (free) this.#spare.shift()
    const block = { start: this.#end, bytes: free ? spare.bytes : Buffer.allocUnsafeSlow(size), used: 0 }
    this.#blocks.push(block)
    return block
  }
}

const NEWLINE = 0x0a

/** How many bytes to skip so that a terminal can begin to read `ahead`: to the next line, else to the next character. */
export const safeStart = (ahead: Buffer): number => {
  const newline = ahead.indexOf(NEWLINE)
  if (newline !== -1) return newline + 1
  let skip = 0
  while (skip < 3 && skip < ahead.length && (ahead[skip]! & 0xc0) === 0x80) skip++
  return skip
}
