import { readFileSync } from "node:fs"
import { join } from "node:path"
import { segmentFile } from "./format.ts"
import { readRange, segmentsOf } from "./readText.ts"
import { readBlocks } from "./TextHistory.ts"

const PIECE = 1024 * 1024
const NEWLINE = 0x0a

/**
 * The number of the line after the last whole one of a session's text history. Its index is used, so that little of the
 * text has to be read.
 */
export const historyEnd = (directory: string): number => {
  const firstLine = segmentsOf(directory).at(-1)
  if (firstLine === undefined) return 0
  const path = join(directory, segmentFile(firstLine, "txt"))
  const last = lastBlock(directory, firstLine)
  // A text that ends before its last block has lost more than that.
  const before = last === null || last.position === 0 ? null : readRange(path, last.position - 1, last.position)
  let { line, position } = last !== null && before?.[0] === NEWLINE ? last : { line: firstLine, position: 0 }
  for (;;) {
    const piece = readRange(path, position, position + PIECE)
    if (piece === null || piece.length === 0) return line
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) line++
    position += piece.length
  }
}

const lastBlock = (directory: string, firstLine: number) => {
  try {
    return readBlocks(readFileSync(join(directory, segmentFile(firstLine, "idx")))).at(-1) ?? null
  } catch {
    return null
  }
}
