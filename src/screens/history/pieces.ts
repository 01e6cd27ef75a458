import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import { type Block, segmentFile } from "./format.ts"
import { readRange } from "./readText.ts"
import { readBlocks } from "./TextHistory.ts"

/** Whole lines of a segment's text. */
export interface Piece {
  /** Good until the next piece of any segment is taken: all of them are read into the same memory. */
  readonly text: Buffer
  /** Where `text` begins in the segment. */
  readonly position: number
  /** The number of its first line. */
  readonly line: number
}

/** As much as a processor keeps at hand while it is looked through; larger pieces are slower. */
export const PIECE_BYTES = 256 * 1024
const memory = Buffer.allocUnsafeSlow(PIECE_BYTES)

/** A segment's blocks. Without an index that begins with the text, all of it is one of which nothing else is known. */
export const blocksOf = (directory: string, firstLine: number): ReadonlyArray<Block> => {
  const index = readRange(join(directory, segmentFile(firstLine, "idx")), 0, MAX_INDEX_BYTES)
  const blocks = index === null ? [] : readBlocks(index)
  return blocks[0]?.position === 0 ? blocks : [{ line: firstLine, position: 0, offset: 0, time: 0 }]
}

const MAX_INDEX_BYTES = 64 * 1024

/**
 * The text of those blocks that `may` tells, as runs of about `pieceBytes`, in order; none of a segment that was deleted
 * meanwhile.
 */
export function* piecesOf(
  directory: string,
  firstLine: number,
  blocks: ReadonlyArray<Block>,
  may: (block: number) => boolean,
  pieceBytes = PIECE_BYTES
): Generator<Piece, void> {
  let fd: number
  try {
    fd = openSync(join(directory, segmentFile(firstLine, "txt")), "r")
  } catch {
    return
  }
  try {
    const { size } = fstatSync(fd)
    const endOf = (block: number): number => blocks[block + 1]?.position ?? size
    for (let first = 0; first < blocks.length; first++) {
      if (!may(first)) continue
      const { line, position } = blocks[first]!
      let last = first
      while (last + 1 < blocks.length && may(last + 1) && endOf(last + 1) - position <= pieceBytes) last++
      const text = wholeLines(fd, position, endOf(last))
      if (text.length > 0) yield { text, position, line }
      first = last
    }
  } finally {
    closeSync(fd)
  }
}

const NEWLINE = 0x0a

const wholeLines = (fd: number, from: number, to: number): Buffer => {
  const length = Math.max(0, to - from)
  const bytes = length <= memory.length ? memory : Buffer.allocUnsafeSlow(length)
  const text = bytes.subarray(0, readSync(fd, bytes, 0, length, from))
  return text.subarray(0, text.lastIndexOf(NEWLINE) + 1)
}
