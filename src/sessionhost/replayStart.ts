import type { GapFrame } from "../protocol/sessionHost.ts"
import { LogReader } from "./log/LogReader.ts"
import type { Readable } from "./Readable.ts"
import { safeStart } from "./Recent.ts"
import type { Grant } from "./tickets.ts"

/** How much of a finished session an attaching client is shown; of a running one it is what is in memory. */
const ARCHIVE_TAIL_BYTES = 256 * 1024

/** Where a client's output begins, and the gap before it when what it asked for is gone. */
export const replayStart = (
  source: Readable,
  grant: Pick<Grant, "mode" | "since" | "tail">
): { readonly from: number; readonly gap: GapFrame | null } => {
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
