import { findSizes } from "./findSizes.ts"
import { isOutput, segmentsIn, type SegmentStart } from "./format.ts"
import { type LogFs, nodeLogFs } from "./LogFs.ts"
import type { LogSource } from "./LogReader.ts"
import { SegmentFile } from "./SegmentFile.ts"
import type { Sizes } from "./Sizes.ts"

/** A log that nobody writes any more. */
export interface FoundLog extends LogSource {
  readonly oldest: number
}

/**
 * Finds the log in a session's directory. `recorded` is what `exit.json` says of it, if there is one: then also bytes
 * that are gone without a trace are missed. `size` is that of the terminal at the beginning. Throws when the directory
 * can't be listed.
 */
export const findLog = (
  directory: string,
  recorded: { readonly end: number; readonly lostBytes: number } | null,
  fs: LogFs = nodeLogFs,
  size: { readonly cols: number; readonly rows: number } | null = null
): FoundLog => {
  const segments = segmentsIn(fs.list(directory))
  const end = Math.max(recorded?.end ?? 0, endOf(directory, segments.at(-1), fs))
  let sizes: Sizes | null = null
  return {
    directory,
    fs,
    sizes: () => (size === null ? null : (sizes ??= findSizes({ directory, fs }, segments, size))),
    oldest: segments[0]?.output ?? end,
    segments: () => segments,
    end: () => end,
    endReason: () => (recorded !== null && recorded.lostBytes > 0 ? "log-lost" : "corrupt")
  }
}

const endOf = (directory: string, start: SegmentStart | undefined, fs: LogFs): number => {
  if (start === undefined) return 0
  const segment = SegmentFile.open({ directory, fs }, start, undefined)
  if (segment === null) return start.output
  try {
    for (let index = segment.records - 1; index >= 0; index--) {
      const record = segment.record(index)
      if (record === null) continue
      return Math.max(segment.outputEnd, record.outputOffset + (isOutput(record.kind) ? record.size : 0))
    }
    return segment.outputEnd
  } finally {
    segment.close()
  }
}
