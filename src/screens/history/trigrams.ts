/**
 * Which blocks of a segment can hold a text: for each of 32,768 hashes of three letters, one bit for each block. The
 * bits of one hash lie together, so that a question reads eight bytes for each three letters of what is looked for,
 * and not the whole index, which is a sixteenth of the text.
 */
import { BLOCKS_PER_SEGMENT } from "./format.ts"

const HASHES = 32_768
const ROW_BYTES = BLOCKS_PER_SEGMENT / 8
export const TRIGRAM_FILE_BYTES = HASHES * ROW_BYTES

/** Letters of the Latin alphabet without their case, so that one index answers both ways of searching. */
const folded = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)
const hash = (a: number, b: number, c: number): number => (a * 0x2f_93 + b * 0x1d_47 + c * 0x0b_35) & (HASHES - 1)

/** Makes the index of one segment, of one block after the other. */
export class Trigrams {
  readonly rows = Buffer.alloc(TRIGRAM_FILE_BYTES)

  /** `text`: all of the block with that number. */
  add(block: number, text: Buffer): void {
    const { rows } = this
    const byte = block >> 3
    const bit = 1 << (block & 7)
    let a = folded(text[0] ?? 0)
    let b = folded(text[1] ?? 0)
    for (let at = 2; at < text.length; at++) {
      const c = folded(text[at]!)
      rows[hash(a, b, c) * ROW_BYTES + byte]! |= bit
      a = b
      b = c
    }
  }
}

/** The rows that all have to have a block's bit for `needle` to be in it; none when it is too short to tell. */
export const rowsOf = (needle: Buffer): ReadonlyArray<number> => {
  const rows = new Set<number>()
  for (let at = 0; at + 2 < needle.length; at++) {
    rows.add(hash(folded(needle[at]!), folded(needle[at + 1]!), folded(needle[at + 2]!)) * ROW_BYTES)
  }
  return [...rows]
}

/**
 * The blocks that may hold what `rows` were made of, as 64 bits in two halves; `read` gives the eight bytes of a row.
 * Never wrong about a block that does hold it.
 */
export const candidates = (
  rows: ReadonlyArray<number>,
  read: (position: number) => Buffer
): ((block: number) => boolean) => {
  const bits = new Uint8Array(ROW_BYTES).fill(0xff)
  for (const row of rows) {
    const bytes = read(row)
    let any = 0
    for (let at = 0; at < ROW_BYTES; at++) any |= bits[at]! &= bytes[at]!
    if (any === 0) break
  }
  return (block) => (bits[block >> 3]! & (1 << (block & 7))) !== 0
}
