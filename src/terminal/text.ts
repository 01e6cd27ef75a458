/** The lines of a terminal as text. */
import { usedCells } from "./cells.ts"
import type { Handler } from "./handler.ts"
import type { LeftLine } from "./leaving.ts"
import { isPlain, rowText, styledRow, wrappedCells } from "./rows.ts"
import type { Grid } from "./xterm.ts"

/** A line as it was printed, however many rows it takes. */
export interface LogicalLine {
  readonly text: string
  /** With SGR and OSC 8, if that was asked for. */
  readonly styled?: string
  /** Its first row, counted from the screen's top: below 0 it is above the screen. */
  readonly row: number
  /** How many rows it takes. */
  readonly rows: number
}

/** All lines of `grid`, up to the last one with text. */
export const readLines = (
  handler: Handler,
  partial: LeftLine | undefined,
  styled: boolean,
  grid: Grid = handler._activeBuffer
): ReadonlyArray<LogicalLine> => {
  const { lines } = grid
  const result: Array<LogicalLine> = []
  let last = lines.length - 1
  while (last >= 0 && usedCells(lines.get(last)!) === 0) last--
  // The first line's beginning may have gone already, but it is one line.
  const begun = grid === handler._bufferService.buffers.normal ? partial : undefined
  let text = begun?.text ?? ""
  let style = begun?.styled ?? ""
  let first = 0
  for (let index = 0; index <= last; index++) {
    const line = lines.get(index)!
    const next = index < last ? lines.get(index + 1) : undefined
    const cells = next?.isWrapped === true ? wrappedCells(line, next) : usedCells(line)
    const row = rowText(line, cells)
    text += row
    if (styled) style += isPlain(line, cells) ? row : styledRow(line, cells, handler.tracked.links)
    if (next?.isWrapped === true) continue
    const place = { row: first - grid.ybase, rows: index - first + 1 }
    result.push(styled ? { text, styled: style, ...place } : { text, ...place })
    text = style = ""
    first = index + 1
  }
  return result
}
