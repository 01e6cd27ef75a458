import { Effect } from "effect"
import type { Rpc } from "effect/rpc"
import type { CaptureMatch, SearchCaptures } from "../../protocol/capture.ts"
import type { CaptureEntry, CaptureId } from "../../protocol/captureEntries.ts"
import type { StorageFailed } from "../../protocol/storage.ts"
import type { Database } from "../../storage/Database.ts"
import * as rows from "../rows.ts"
import type { Seal } from "../seal.ts"
import { BLOCK, TrigramIndex, trigramsOf } from "./TrigramIndex.ts"

/** Blocks that are looked through, or indexed, before others have a turn. */
const TURN = 8
const EXCERPT = 200
const DEFAULT_LIMIT = 100

type Request = Rpc.Payload<typeof SearchCaptures>
type Found = Rpc.Success<typeof SearchCaptures>

const textOf = (entry: CaptureEntry): string =>
  entry.type === "message" ? entry.content : `${entry.path}\n${entry.diff}`

/** The line that the text stands in, cut around it. */
const excerpt = (text: string, at: number, length: number): string => {
  const start = Math.max(text.lastIndexOf("\n", at) + 1, at - EXCERPT)
  const next = text.indexOf("\n", at + length)
  const end = Math.min(next < 0 ? text.length : next, at + length + EXCERPT)
  return text.slice(start, end).toWellFormed()
}

/** Looks through everything that is captured, newest first; behind an index that grows with the searches. */
export const makeSearch = (database: Database["Service"], seal: Seal) => {
  let index = new TrigramIndex()
  let hadKey = seal.hasKey

  const entriesOf = (block: number) =>
    database.read((sql) => rows.entriesBetween(sql, seal, block * BLOCK, (block + 1) * BLOCK))

  /** What has come since the last search. */
  const catchUp = (newest: number): Effect.Effect<void, StorageFailed> =>
    Effect.gen(function* () {
      const first = Math.floor((index.through + 1) / BLOCK)
      for (let block = first, turn = 1; block * BLOCK <= newest; block++, turn++) {
        for (const { entry, number } of yield* entriesOf(block)) {
          if (number > index.through) index.add(number, textOf(entry))
        }
        if (turn % TURN === 0) yield* Effect.yieldNow
      }
      index.through = Math.max(index.through, newest)
    })

  return Effect.fn("Captures.search")(function* (request: Request): Effect.fn.Return<Found, StorageFailed> {
    const { ignoreCase = false, limit = DEFAULT_LIMIT, repository, text } = request
    // What could not be opened was not taken in.
    if (seal.hasKey && !hadKey) index = new TrigramIndex()
    hadKey = seal.hasKey
    const newest = yield* database.read(rows.newestEntry)
    yield* catchUp(newest)
    const captures = new Map<number, rows.Stored | undefined>()
    const wanted = ignoreCase ? text.toLowerCase() : text
    const trigrams = trigramsOf(text)
    const matches: Array<CaptureMatch> = []
    for (let block = Math.floor(newest / BLOCK), looked = 0; block >= 0; block--) {
      if (!index.mayHold(block, trigrams)) continue
      if (++looked % TURN === 0) yield* Effect.yieldNow
      for (const { capture, entry } of (yield* entriesOf(block)).toReversed()) {
        const whole = textOf(entry)
        const lower = ignoreCase ? whole.toLowerCase() : whole
        const at = lower.indexOf(wanted)
        if (at < 0) continue
        if (!captures.has(capture)) captures.set(capture, yield* database.read((sql) => rows.byNumber(sql, capture)))
        const row = captures.get(capture)
        if (row === undefined || (repository !== undefined && row.repository !== repository)) continue
        if (matches.length === limit) return { matches, isCut: true }
        matches.push({
          capture: row.id as CaptureId,
          tool: row.tool,
          repository: row.repository,
          seq: entry.seq,
          at: entry.at,
          type: entry.type,
          of: entry.type === "message" ? entry.role : entry.path,
          // Some letters are longer in lower case: then the line may be another one nearby.
          line: excerpt(whole, Math.min(at, whole.length), text.length)
        })
      }
    }
    return { matches, isCut: false }
  })
}
