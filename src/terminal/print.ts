/**
 * Characters onto the screen. Instead of the library's own: widths of today's Unicode, marks join the character before
 * them whatever came between, halves of wide characters are left nowhere, and it is faster.
 */
import { Bg, CELL, clearCell, Content, EMPTY, ERASED, mend, SECOND, textAt } from "./cells.ts"
import { widthOf, widthTable } from "./widths.ts"
import type { Grid, InputHandler, Line } from "./xterm.ts"

/** Marks on one character beyond this many code units are dropped. */
const LONGEST_CLUSTER = 32

/** A mark joins what is left of the cursor. Without anything there it is lost. */
const join = (line: Line, x: number, code: number): void => {
  let at = x - 1
  if (at > 0 && line._data[at * CELL] === SECOND) at--
  if (at < 0) return
  const content = line._data[at * CELL]!
  if ((content & Content.any) === 0) return
  const text = textAt(line, at) + String.fromCodePoint(code)
  if (text.length > LONGEST_CLUSTER) return
  line._combined[at] = text
  line._data[at * CELL] = ((content >>> Content.widthShift) << Content.widthShift) | Content.combined
}

/** To the first column of the next line, as the line went on there. */
const wrap = (handler: InputHandler, grid: Grid, line: Line, x: number): void => {
  for (let rest = x; rest < line.length; rest++) clearCell(line, rest, handler._curAttrData.bg)
  grid.x = 0
  if (grid.y === grid.scrollBottom) {
    handler._bufferService.scroll(handler._eraseAttrData(), true)
  } else if (grid.y < handler._bufferService.rows - 1) {
    grid.y++
    grid.lines.get(grid.ybase + grid.y)!.isWrapped = true
  }
}

/** Makes room for `width` cells in insert mode. */
const makeRoom = (handler: InputHandler, grid: Grid, line: Line, x: number, width: number): void => {
  line.insertCells(x, width, grid.getNullCell(handler._eraseAttrData()))
  mend(line)
}

const widthAt = (table: ReturnType<typeof widthTable>, code: number): number =>
  code < 0x20000 ? table[code]! : widthOf(code)

/** `InputHandler.print`: the code points `data[start]` to `data[end - 1]`, none of them a control character. */
export const print = (handler: InputHandler, data: Uint32Array, start: number, end: number): void => {
  const table = widthTable()
  const grid = handler._activeBuffer
  const columns = handler._bufferService.cols
  const pen = handler._curAttrData
  const { fg, bg } = pen
  const extended = bg & Bg.extended ? pen.extended : undefined
  const charset = handler._charsetService.charset
  const wraps = handler._coreService.decPrivateModes.wraparound
  const inserts = handler._coreService.modes.insertMode
  let line = grid.lines.get(grid.ybase + grid.y)!
  let cells = line._data
  let x = grid.x
  // Marks alone take no room, and harm no wide character that the cursor stands in.
  while (start < end && widthAt(table, data[start]!) === 0) join(line, x, data[start++]!)
  if (start === end) return
  if (x > 0 && x < columns && cells[x * CELL] === SECOND) clearCell(line, x - 1, bg)

  const simple = charset === undefined && !inserts
  for (let at = start; at < end; at++) {
    let code = data[at]!
    if (simple && code < 0x7f && x < columns) {
      // As much ASCII as the line has room for: most of what is ever printed.
      const from = x
      const room = Math.min(end, at + columns - x)
      let index = x * CELL
      do {
        cells[index] = code | EMPTY
        cells[index + 1] = fg
        cells[index + 2] = bg
        index += CELL
        at++
      } while (at < room && (code = data[at]!) < 0x7f)
      at--
      x = index / CELL
      if (extended !== undefined) for (let cell = from; cell < x; cell++) line._extendedAttrs[cell] = extended
      handler._parser.precedingJoinState = data[at]!
      continue
    }
    const typed = code
    if (charset !== undefined && code < 127) {
      const mapped = charset[String.fromCharCode(code)]
      if (mapped !== undefined) code = mapped.charCodeAt(0)
    }
    const width = widthAt(table, code)
    if (width === 0) {
      join(line, x, code)
      continue
    }
    if (x + width > columns) {
      if (wraps) {
        // What was beyond the end of what has been written here is not half of anything.
        wrap(handler, grid, line, x)
        line = grid.lines.get(grid.ybase + grid.y)!
        cells = line._data
        x = 0
      } else {
        // No room: a wide character is lost, any other takes the last column's place.
        if (width === 2) continue
        x = columns - 1
        if (cells[x * CELL] === SECOND) clearCell(line, x - 1, bg)
      }
    }
    handler._parser.precedingJoinState = typed
    if (inserts) makeRoom(handler, grid, line, x, width)
    let index = x * CELL
    cells[index] = code | (width << Content.widthShift)
    cells[index + 1] = fg
    cells[index + 2] = bg
    if (extended !== undefined) line._extendedAttrs[x] = extended
    x++
    if (width === 2) {
      index += CELL
      cells[index] = SECOND
      cells[index + 1] = fg
      cells[index + 2] = bg
      if (extended !== undefined) line._extendedAttrs[x] = extended
      x++
    }
  }
  grid.x = x
  if (x < columns && cells[x * CELL] === SECOND) {
    cells[x * CELL] = EMPTY
    cells[x * CELL + 1] = 0
    cells[x * CELL + 2] = bg & ERASED
  }
}
