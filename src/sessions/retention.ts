import { type Entry, isOpen } from "./entry.ts"
import { decideRestart } from "./restarting.ts"

/**
 * Which ended sessions are kept no longer: the oldest beyond `retainCount`, and those that ended more than
 * `retainMillis` before `now`. One that is still to be started anew is kept. Running, starting and lost sessions that never ended count from their start.
 */
export const expired = (
  entries: Iterable<Entry>,
  limits: { readonly retainCount: number; readonly retainMillis: number },
  now: number
): ReadonlyArray<Entry> => {
  const ended = Array.from(entries, (entry) => ({
    entry,
    at: Date.parse(entry.exit?.closedAt ?? entry.file.createdAt)
  }))
    .filter(({ entry }) => !isOpen(entry) && decideRestart(entry, 0, now).type !== "restart")
    .sort((a, b) => b.at - a.at)
  return ended
    .filter(({ at }, index) => index >= limits.retainCount || now - at > limits.retainMillis)
    .map(({ entry }) => entry)
}
