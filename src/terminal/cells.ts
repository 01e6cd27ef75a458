/** How a cell is packed in three numbers, and what keeps a line of them well-formed. */
import type { Line, Pen } from "./xterm.ts"

export const CELL = 3
export const Content = { codePoint: 0x1fffff, combined: 0x200000, any: 0x3fffff, widthShift: 22 } as const
/** Foreground and background: a colour of 24 bits, its kind, and flags. */
export const Colour = { value: 0xffffff, kind: 0x3000000, palette16: 0x1000000, palette256: 0x2000000, rgb: 0x3000000 }
export const Fg = {
  inverse: 0x4000000,
  bold: 0x8000000,
  underline: 0x10000000,
  blink: 0x20000000,
  invisible: 0x40000000,
  strikethrough: 0x80000000
} as const
export const Bg = {
  italic: 0x4000000,
  dim: 0x8000000,
  extended: 0x10000000,
  protected: 0x20000000,
  overline: 0x40000000
} as const

/** The part of a background that erased cells keep: its colour. */
export const ERASED = Colour.kind | Colour.value
/** Content of a cell that has never been written, or was erased: one cell wide, nothing in it. */
export const EMPTY = 1 << Content.widthShift
/** Content of the second cell of a wide character. */
export const SECOND = 0

export const widthAt = (line: Line, x: number): number => line._data[x * CELL]! >>> Content.widthShift

/** Makes a cell empty, with a background. */
export const clearCell = (line: Line, x: number, background: number): void => {
  const at = x * CELL
  line._data[at] = EMPTY
  line._data[at + 1] = 0
  line._data[at + 2] = background & ERASED
}

/** Text of a cell: empty for one without content, and for the second half of a wide character. */
export const textAt = (line: Line, x: number): string => {
  const content = line._data[x * CELL]!
  if (content & Content.combined) return line._combined[x] ?? ""
  const codePoint = content & Content.codePoint
  return codePoint === 0 ? "" : String.fromCodePoint(codePoint)
}

/** Cells from the left up to the last one that has content. */
export const usedCells = (line: Line): number => {
  const cells = line._data
  for (let x = line.length - 1; x >= 0; x--) {
    const content = cells[x * CELL]!
    if (content & Content.any) return x + (content >>> Content.widthShift)
  }
  return 0
}

/** Halves of wide characters whose other half is gone become empty cells. */
export const mend = (line: Line): void => {
  const cells = line._data
  for (let x = 0; x < line.length; x++) {
    const width = cells[x * CELL]! >>> Content.widthShift
    if (width === 1) continue
    if (width === 2 && x + 1 < line.length && cells[(x + 1) * CELL] === SECOND) x++
    else clearCell(line, x, cells[x * CELL + 2]!)
  }
}

/** Cells of an erased kind have a background's colour and nothing else. */
export const erasedBackground = (pen: Pen): number => pen.bg & ERASED
