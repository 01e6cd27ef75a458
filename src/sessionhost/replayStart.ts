import type { GapFrame } from "../protocol/sessionHost.ts"
import { LogReader } from "./log/LogReader.ts"
import { FIRST_SCREEN_MILLIS, type FirstScreen } from "./ExactScreens.ts"
import type { Readable } from "./Readable.ts"
import { safeStart } from "./Recent.ts"
import type { Grant } from "./tickets.ts"

/** How much of a finished session an attaching client is shown; of a running one it is what is in memory. */
const ARCHIVE_TAIL_BYTES = 256 * 1024

/** All output of a session that has printed no more than this is as good as its screen, and there without asking. */
const YOUNG_BYTES = 64 * 1024
/** How long the screen of such a session is waited for all the same: it has less to draw. */
const YOUNG_SCREEN_MILLIS = 150
/** The screens process may have to be started for one that has ended. */
const ENDED_SCREEN_MILLIS = 5 * FIRST_SCREEN_MILLIS

/** An attached client further behind is not shown everything. */
export const ATTACH_BEHIND_BYTES = 8 * 1024 * 1024

/** What to ask for when a terminal attaches; null when output from where it was is all it needs. */
export const firstScreen = (
  source: Readable,
  { since }: Pick<Grant, "since">,
  historyLines: number
): FirstScreen | null => {
  const { head, oldest } = source
  if (since !== null && since >= oldest && head - since <= ATTACH_BEHIND_BYTES) return null
  if (since === null && head === 0) return null
  const sizes = source.log.sizes()
  const isOfOneSize = sizes !== null && sizes.get(sizes.numberAfter(0)) === null
  const isReplayExact = since === null && oldest === 0 && head <= YOUNG_BYTES && isOfOneSize
  const deadlineMillis = isReplayExact
    ? YOUNG_SCREEN_MILLIS
    : source.recent === null
      ? ENDED_SCREEN_MILLIS
      : FIRST_SCREEN_MILLIS
  return { historyLines: since === null ? historyLines : 0, deadlineMillis, isReplayExact }
}

export interface ReplayStart {
  readonly from: number
  readonly gap: GapFrame | null
}

/** Where a client's output begins, and the gap before it when what it asked for is gone. */
export const replayStart = (source: Readable, grant: Pick<Grant, "mode" | "since" | "tail">): ReplayStart => {
  const { head, oldest, recent } = source
  if (grant.since !== null) {
    const since = Math.min(grant.since, head)
    return since < oldest
      ? { from: oldest, gap: { from: since, to: oldest, reason: "rotated" } }
      : { from: since, gap: null }
  }
  if (grant.mode !== "attach") {
    return { from: grant.tail === null ? oldest : Math.max(oldest, head - grant.tail), gap: null }
  }
  const shown = grant.tail ?? (recent === null ? ARCHIVE_TAIL_BYTES : head - recent.oldest)
  const from = Math.max(oldest, head - shown)
  return { from: Math.min(head, safeStartIn(source, from)), gap: null }
}

const safeStartIn = (source: Readable, from: number): number => {
  if (from === 0) return 0
  const { recent } = source
  if (recent !== null && from >= recent.oldest) return recent.safeStart(from)
  const reader = new LogReader(source.log)
  try {
    const piece = reader.read(from)
    return piece?.type === "bytes" ? from + safeStart(piece.data.subarray(0, 4096)) : from
  } catch {
    return from
  } finally {
    reader.close()
  }
}
