import { closeSync, openSync, readSync } from "node:fs"
import { join } from "node:path"
import { type Block, segmentFile } from "./format.ts"
import { type LineMatch, makeMatcher, type Matcher, type Query } from "./matcher.ts"
import { readRange, readSegment, segmentsOf } from "./readText.ts"
import { readBlocks } from "./TextHistory.ts"
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
 * Searches what is on disk of one session's history, oldest line first. A generator, so that whoever runs it can do
 * something else between two steps: `undefined` is such a place. Throws `SyntaxError` for a bad expression, and an error
 * with the code `ERR_SCRIPT_EXECUTION_TIMEOUT` for one that takes too long.
 */
export function* searchHistory(directory: string, query: Query): Generator<Found | undefined, void> {
  const matcher = makeMatcher(query)
  const rows = query.regex ? [] : rowsOf(Buffer.from(query.text))
  // Latin letters only: the index knows no case of others.
  const isIndexed = !query.ignoreCase || /^[\0-\x7f]*$/.test(query.text)
  const segments = segmentsOf(directory)
  for (const [index, firstLine] of segments.entries()) {
    const isComplete = index < segments.length - 1
    const some = isComplete && isIndexed && rows.length > 0 ? askIndex(directory, firstLine, rows) : null
    if (some === null) yield* searchWhole(directory, firstLine, matcher)
    else yield* searchBlocks(directory, firstLine, matcher, some)
    yield undefined
  }
}

function* searchWhole(directory: string, firstLine: number, matcher: Matcher): Generator<Found | undefined, void> {
  const text = readSegment(directory, firstLine)
  if (text.length === 0) return
  const found = matcher(text, Infinity)
  if (found.length === 0) return
  const blocks = blocksOf(directory, firstLine)
  yield* numbered(text, 0, { line: firstLine, position: 0, offset: 0, time: 0 }, blocks, found)
}

function* searchBlocks(
  directory: string,
  firstLine: number,
  matcher: Matcher,
  may: (block: number) => boolean
): Generator<Found | undefined, void> {
  const blocks = blocksOf(directory, firstLine)
  const path = join(directory, segmentFile(firstLine, "txt"))
  for (let first = 0; first < blocks.length; first++) {
    if (!may(first)) continue
    let after = first + 1
    while (after < blocks.length && may(after)) after++
    const from = blocks[first]!.position
    const text = readRange(path, from, blocks[after]?.position ?? from + MOST_BYTES)
    if (text !== null) yield* numbered(text, from, blocks[first]!, blocks, matcher(text, Infinity))
    first = after
  }
}

/** Longer than any last block. */
const MOST_BYTES = 8 * 1024 * 1024

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

const blocksOf = (directory: string, firstLine: number): ReadonlyArray<Block> => {
  const index = readRange(join(directory, segmentFile(firstLine, "idx")), 0, 1024 * 1024)
  return index === null ? [] : readBlocks(index)
}

const NEWLINE = 0x0a

/** Gives matches their line numbers: `text` begins at `base` in its segment, with the first line of `start`. */
function* numbered(
  text: Buffer,
  base: number,
  start: Block,
  blocks: ReadonlyArray<Block>,
  matches: ReadonlyArray<LineMatch>
): Generator<Found, void> {
  let { line } = start
  let at = 0
  for (const { from, line: matched, position, to } of matches) {
    for (let end = text.indexOf(NEWLINE, at); end >= 0 && end < position; end = text.indexOf(NEWLINE, at)) {
      line++
      at = end + 1
    }
    const block = blocks.findLast((candidate) => candidate.position <= base + position)
    const known = block !== undefined && block.time > 0
    yield { line, text: matched, from, to, offset: known ? block.offset : null, time: known ? block.time : null }
  }
}
