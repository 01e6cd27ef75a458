import type { LeftLine } from "../terminal/leaving.ts"
import { readStyled } from "./StyledLines.ts"

export interface Refill {
  /** The session's directory, its styled lines flushed. */
  readonly directory: string
  readonly rows: number
  /** The first line that is not on disk. */
  readonly nextLine: number
  readonly partial: LeftLine | undefined
  /** How many are wanted. */
  readonly lines: number
}

/**
 * Lines from disk as they come before a snapshot: they are written, pushed off the top of the screen, and the cursor is
 * home again on an empty screen. None when there are so few that they would not fill the screen first.
 */
export const refill = ({ directory, lines, nextLine, partial, rows }: Refill): ReadonlyArray<Buffer> => {
  if (lines <= 0) return []
  const { bytes, count } = readStyled(directory, nextLine, lines)
  if (count + (partial === undefined ? 0 : 1) < rows) return []
  const last = partial === undefined ? "" : `${partial.styled}\r\n`
  return [...bytes, Buffer.from(`${last}\x1b[${rows};1H${"\n".repeat(rows - 1)}\x1b[H`)]
}
