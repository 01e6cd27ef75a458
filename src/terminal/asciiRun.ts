import { Bg, CELL, Content } from "./cells.ts"
import type { Line } from "./xterm.ts"

let bytes = Buffer.allocUnsafe(512)

/** An ASCII character in one cell, nothing combined with it: its content is this and the character's code. */
const SINGLE = 1 << Content.widthShift

/**
 * The text of the cells from `from` on, before `end`, for as long as they are ASCII and look as the cell at `like`
 * does. In one piece: a long text put together of single characters is a tree of them, which costs a hundred times their
 * size and outlives every collection until it is read.
 */
export const asciiRun = (line: Line, like: number, from: number, end: number): string => {
  const cells = line._data
  const fg = cells[like * CELL + 1]!
  const bg = cells[like * CELL + 2]!
  if ((bg & Bg.extended) !== 0) return ""
  if (bytes.length < end) bytes = Buffer.allocUnsafe(end * 2)
  let x = from
  for (let at = from * CELL; x < end; x++, at += CELL) {
    const code = cells[at]! - SINGLE
    if (code < 0x20 || code > 0x7e || cells[at + 1] !== fg || cells[at + 2] !== bg) break
    bytes[x] = code
  }
  return x === from ? "" : bytes.toString("latin1", from, x)
}
