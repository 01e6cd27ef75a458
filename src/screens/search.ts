import type { SearchMatch, SearchQuery, SearchReply } from "../protocol/screens.ts"
import type { SessionId } from "../protocol/ids.ts"
import { makeMatcher } from "./history/matcher.ts"
import { type Found, searchHistory } from "./history/search.ts"

/** Where a session's lines are. */
export interface Searched {
  readonly id: SessionId
  readonly directory: string
  /** The lines that are not in the history on disk yet, and the number of the first. */
  readonly tail: () => { readonly from: number; readonly lines: ReadonlyArray<string> }
}

export const SEARCH_LIMIT = 1_000
/** More text than this is not one answer. */
const MOST_BYTES = 2 * 1024 * 1024
/** What is looked at before others get their turn. */
const SLICE_MILLIS = 10

/**
 * Looks through sessions one after the other, and lets the event loop have its turns between. Rejects with `SyntaxError`
 * for what is no regular expression, and with the error of `node:vm` for one that takes too long. `isCancelled` is asked
 * at each turn; the answer is then what was found so far.
 */
export const search = async (
  sessions: ReadonlyArray<Searched>,
  query: SearchQuery,
  isCancelled: () => boolean
): Promise<SearchReply> => {
  const { after, as, ignoreCase = false, limit = SEARCH_LIMIT, regex = false, text } = query
  const wanted = { text, ignoreCase, regex }
  const matcher = makeMatcher(wanted)
  const matches: Array<SearchMatch> = []
  let asText = ""
  let count = 0
  let last: SearchReply["last"]
  let bytes = 0
  const timestamp = timestamps()
  const reply = (truncated: boolean): SearchReply =>
    as === "text"
      ? { matches, truncated, text: asText, ...(last === undefined ? {} : { last }) }
      : { matches, truncated }
  /** False when there is no room for it. */
  const take = (session: SessionId, { from, line, text: found, time, to }: Found): boolean => {
    bytes += found.length
    if (count === limit || bytes > MOST_BYTES) return false
    count++
    if (as === "text") {
      asText += `${session}\t${line}\t${from}\t${to}\t${found}\n`
      last = { session, line }
    } else matches.push({ session, line, text: found, from, to, at: time === null ? null : timestamp(time) })
    return true
  }
  let sliceEnd = performance.now() + SLICE_MILLIS
  for (const { directory, id, tail } of sessions) {
    // Before the history is read: a line that leaves the screen meanwhile is then in the tail, or in both.
    const { from: tailFrom, lines } = tail()
    const first = after?.session === id ? after.line + 1 : 0
    for (const found of searchHistory(directory, wanted, first)) {
      if (found !== undefined && found.line < tailFrom && !take(id, found)) return reply(true)
      if (performance.now() < sliceEnd) continue
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (isCancelled()) return reply(true)
      sliceEnd = performance.now() + SLICE_MILLIS
    }
    const { length } = lines
    const numbers = lineNumbers(lines)
    for (const found of length === 0 ? [] : matcher(Buffer.from(`${lines.join("\n")}\n`), Infinity)) {
      const line = tailFrom + numbers(found.position)
      if (line < first) continue
      if (!take(id, { ...found, text: found.line, line, offset: null, time: null })) return reply(true)
    }
  }
  return reply(false)
}

/** Lines of one block have the same time. */
const timestamps = () => {
  let millis = 0
  let text = new Date(0).toISOString()
  return (time: number): string => {
    if (time === millis) return text
    millis = time
    return (text = new Date(time).toISOString())
  }
}

/** Which of `lines`, joined by LF, begins at a byte; asked in rising order. */
const lineNumbers = (lines: ReadonlyArray<string>) => {
  let line = 0
  let at = 0
  return (position: number): number => {
    for (; at < position; line++) at += Buffer.byteLength(lines[line]!) + 1
    return line
  }
}
