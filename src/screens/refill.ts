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

const nothing = Buffer.alloc(0)

/**
 * Lines from disk as they come before a snapshot: they are written, pushed off the top of the screen, and the cursor is
 * home again on an empty screen. None when there are so few that they would not fill the screen first.
 */
export const refill = ({ directory, lines: wanted, nextLine, partial, rows }: Refill): Buffer => {
  if (wanted <= 0) return nothing
  const lines = [...readStyled(directory, nextLine, wanted), ...(partial === undefined ? [] : [partial.styled])]
  if (lines.length < rows) return nothing
  return Buffer.from(`${lines.map((line) => `${line}\r\n`).join("")}\x1b[${rows};1H${"\n".repeat(rows - 1)}\x1b[H`)
}
