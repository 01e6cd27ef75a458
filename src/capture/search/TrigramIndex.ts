/** In which blocks of entries a text may stand: what is told is never too little. In memory alone, made from the store. */

/** Entries of one block. */
export const BLOCK = 64
/** Bits of one block, a power of two. */
const BITS = 32_768
const MASK = BITS - 1
/** Beyond so many, blocks are not indexed, and always looked through. */
const MOST_BLOCKS = 16_384

/** A unit whatever its case. Of letters beyond ASCII case depends on what stands around: all of them are one. */
const unit = (code: number): number => (code >= 128 ? 1 : code >= 65 && code <= 90 ? code + 32 : code)

/** Of three units in a row. */
const hash = (a: number, b: number, c: number): number => {
  const mixed = Math.imul(Math.imul(Math.imul(a, 31) + b, 31) + c, 0x9e3779b1)
  return (mixed >>> 15) & MASK
}

export class TrigramIndex {
  readonly #blocks = new Map<number, Uint32Array>()
  /** Entries up to this number are in it. */
  through = 0

  add(number: number, text: string): void {
    this.through = Math.max(this.through, number)
    const block = Math.floor(number / BLOCK)
    let bits = this.#blocks.get(block)
    if (bits === undefined) {
      if (this.#blocks.size >= MOST_BLOCKS) return
      this.#blocks.set(block, (bits = new Uint32Array(BITS / 32)))
    }
    let [a, b] = [unit(text.charCodeAt(0)), unit(text.charCodeAt(1))]
    for (let at = 2; at < text.length; at++) {
      const c = unit(text.charCodeAt(at))
      const bit = hash(a, b, c)
      bits[bit >>> 5]! |= 1 << (bit & 31)
      a = b
      b = c
    }
  }

  /** Whether the text may stand in a block. */
  mayHold(block: number, trigrams: ReadonlyArray<number>): boolean {
    const bits = this.#blocks.get(block)
    if (bits === undefined) return true
    for (const bit of trigrams) if ((bits[bit >>> 5]! & (1 << (bit & 31))) === 0) return false
    return true
  }
}

/** What {@link TrigramIndex.mayHold} looks for; empty of a text of less than three units, which may stand anywhere. */
export const trigramsOf = (text: string): ReadonlyArray<number> => {
  const found = new Set<number>()
  for (let at = 2; at < text.length; at++) {
    found.add(hash(unit(text.charCodeAt(at - 2)), unit(text.charCodeAt(at - 1)), unit(text.charCodeAt(at))))
  }
  return [...found]
}
