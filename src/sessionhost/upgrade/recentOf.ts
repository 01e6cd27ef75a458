import { LogReader, type LogSource } from "../log/LogReader.ts"
import { Recent } from "../Recent.ts"

/** A session's recent output as its log has it: up to `limitBytes`, without a gap. */
export const recentOf = (log: LogSource & { readonly oldest: number }, limitBytes: number): Recent => {
  const end = log.end()
  const pieces: Array<Buffer> = []
  let from = Math.max(log.oldest, end - limitBytes)
  const reader = new LogReader(log)
  try {
    for (let at = from; at < end;) {
      const piece = reader.read(at)
      if (piece?.type === "bytes") {
        // A piece is good until the next read.
        pieces.push(Buffer.from(piece.data))
        at += piece.data.length
      } else {
        pieces.length = 0
        at = from = piece?.to ?? end
      }
    }
  } catch {
    // No descriptor left: readers take all of it from the log.
    pieces.length = 0
    from = end
  } finally {
    reader.close()
  }
  const recent = new Recent(limitBytes, from)
  for (const piece of pieces) recent.append(piece)
  recent.trim(Infinity)
  return recent
}
