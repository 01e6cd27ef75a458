import { readFileSync } from "node:fs"
import { join } from "node:path"
import { segmentFile } from "./format.ts"
import { segmentsOf } from "./readText.ts"
import { readBlocks } from "./TextHistory.ts"

/** The number of a line such that all before it were written down when the session had no more than `offset` of output. */
export const lineBefore = (directory: string, offset: number): number => {
  for (const firstLine of segmentsOf(directory).toReversed()) {
    try {
      const blocks = readBlocks(readFileSync(join(directory, segmentFile(firstLine, "idx"))))
      const block = blocks.findLast((each) => each.offset <= offset)
      if (block !== undefined) return block.line
    } catch {
      // Without its index nothing is known of a segment.
    }
  }
  return 0
}
