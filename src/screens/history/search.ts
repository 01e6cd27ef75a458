import { closeSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import { type Block, segmentFile } from "./format.ts"
import { lineCounter, readLineCounts } from "./lineCounts.ts"
import { makeMatcher, type Matcher, type Query } from "./matcher.ts"
import { blocksOf, type Piece, PIECE_BYTES, piecesOf } from "./pieces.ts"
import { segmentsOf } from "./readText.ts"
import { candidates, rowsOf } from "./trigrams.ts"

export type { Query } from "./matcher.ts"

/** A line of a session's history that matches. */
export interface Found {
  /** Counted from 0 since the session began. */
  readonly line: number
  readonly text: string
  /** Where the match is in `text`, in UTF-16 units. */
  readonly from: number
  readonly to: number
  /** About how much output the session had when the line was written down, and when that was; null when that is not known. */
  readonly offset: number | null
  readonly time: number | null
}

/**
 * Searches what is on disk of one session's history from line number `from` on, oldest line first. A generator, so that whoever runs it can do
 * something else between two steps: `undefined` is such a place. Throws `SyntaxError` for a bad expression, and an error
 * with the code `ERR_SCRIPT_EXECUTION_TIMEOUT` for one that takes too long.
 */
export function* searchHistory(directory: string, query: Query, from = 0): Generator<Found | undefined, void> {
  const matcher = makeMatcher(query)
  const rows = query.regex ? [] : rowsOf(Buffer.from(query.text))
  // Latin letters only: the index knows no case of others.
  const isIndexed = !query.ignoreCase || /^[\0-\x7f]*$/.test(query.text)
  const pieceBytes = query.regex ? REGEX_PIECE_BYTES : PIECE_BYTES
  const segments = segmentsOf(directory)
  for (const [index, firstLine] of segments.entries()) {
    if ((segments[index + 1] ?? Infinity) <= from) continue
    const isComplete = index < segments.length - 1
    const some = isComplete && isIndexed && rows.length > 0 ? askIndex(directory, firstLine, rows) : null
    const blocks = blocksOf(directory, firstLine)
    let counts: Buffer | null | undefined
    const known: Known = {
      firstLine,
      blocks,
      counts: () =>
        counts === undefined ? (counts = isComplete ? readLineCounts(directory, firstLine) : null) : counts
    }
    const may = (block: number) => (blocks[block + 1]?.line ?? Infinity) > from && (some === null || some(block))
    for (const piece of piecesOf(directory, firstLine, blocks, may, pieceBytes)) {
      // All of a piece at once: others may read into its memory while this waits at a `yield`.
      for (const found of foundIn(piece, known, matcher)) if (found.line >= from) yield found
      yield undefined
    }
  }
}

/** An expression is given its time for each piece: the fewer the better. */
const REGEX_PIECE_BYTES = 4 * 1024 * 1024

/** Which blocks of a segment are worth reading; null when its index can't be used. */
const askIndex = (directory: string, firstLine: number, rows: ReadonlyArray<number>) => {
  let fd: number
  try {
    fd = openSync(join(directory, segmentFile(firstLine, "tri")), "r")
  } catch {
    return null
  }
  try {
    return candidates(rows, (position) => {
      const row = Buffer.allocUnsafe(8)
      if (readSync(fd, row, 0, 8, position) !== 8) throw new Error("the index is too short")
      return row
    })
  } catch {
    return null
  } finally {
    closeSync(fd)
  }
}

/** What is known of a segment beside its text. */
interface Known {
  readonly firstLine: number
  readonly blocks: ReadonlyArray<Block>
  readonly counts: () => Buffer | null
}

const foundIn = (piece: Piece, known: Known, matcher: Matcher): ReadonlyArray<Found> => {
  const matches = matcher(piece.text, Infinity)
  if (matches.length === 0) return []
  const { blocks, counts, firstLine } = known
  const start = { text: piece.text, start: piece.position, line: piece.line - firstLine }
  const lineOf = lineCounter(start, counts())
  let block = 0
  return matches.map(({ from, line: text, position, to }) => {
    while (block + 1 < blocks.length && blocks[block + 1]!.position <= piece.position + position) block++
    const { offset, time } = blocks[block]!
    const isKnown = time > 0
    const line = firstLine + lineOf(position)
    return { line, text, from, to, offset: isKnown ? offset : null, time: isKnown ? time : null }
  })
}
