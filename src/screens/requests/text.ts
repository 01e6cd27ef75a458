import type { TextReply } from "../../protocol/screens.ts"
import { readLines, segmentsOf } from "../history/readText.ts"
import type { Keeper } from "../Keeper.ts"

/** What one answer holds, about. */
const MOST_BYTES = 1024 * 1024

/** Lines from number `from` on; a negative one counts from the end. */
export const readText = (keeper: Keeper, from: number): TextReply => {
  const tail = keeper.tail()
  const end = tail.from + tail.lines.length
  const oldest = segmentsOf(keeper.directory)[0] ?? tail.from
  const first = Math.min(end, Math.max(oldest, from < 0 ? end + from : from))
  const stored = first < tail.from ? readLines(keeper.directory, first, tail.from, MOST_BYTES) : null
  if (stored !== null && stored.next < tail.from) return { ...stored, oldest, end }
  const lines = [...(stored?.lines ?? [])]
  let bytes = lines.reduce((sum, line) => sum + line.length, 0)
  let next = Math.max(first, tail.from)
  for (; next < end && bytes < MOST_BYTES; next++) {
    const line = tail.lines[next - tail.from]!
    lines.push(line)
    bytes += line.length
  }
  return { from: stored?.from ?? first, lines, next, oldest, end }
}
