/** Cells as bytes that draw them on an empty screen. */
import { asciiRun } from "./asciiRun.ts"
import { Bg, CELL, Content, EMPTY, ERASED } from "./cells.ts"
import type { Pencil } from "./sgr.ts"
import type { Grid, Line } from "./xterm.ts"

/** Where the cursor is after what has been drawn; `x` is the number of columns when it waits to wrap. */
export interface Place {
  x: number
  y: number
}

/** Whether two empty cells in a row are erased with the same background. */
const isEmpty = (line: Line, x: number): boolean => line._data[x * CELL] === EMPTY
const backgroundAt = (line: Line, x: number): number => line._data[x * CELL + 2]! & ERASED

export const isBlankLine = (line: Line): boolean => {
  const cells = line._data
  for (let at = 0; at < line.length * CELL; at += CELL) if (cells[at] !== EMPTY || cells[at + 2] !== 0) return false
  return true
}

export class GridWriter {
  text = ""
  readonly #pencil: Pencil
  readonly #columns: number

  constructor(pencil: Pencil, columns: number) {
    this.#pencil = pencil
    this.#columns = columns
  }

  /** A cell's style, then its text. */
  cell(line: Line, x: number): string {
    const at = x * CELL
    const cells = line._data
    const content = cells[at]!
    const bg = cells[at + 2]!
    const extended = bg & Bg.extended ? line._extendedAttrs[x] : undefined
    const style = this.#pencil.to(cells[at + 1]!, bg, extended?._ext ?? 0, extended?._urlId ?? 0)
    return (
      style +
      (content & Content.combined ? (line._combined[x] ?? "") : String.fromCodePoint(content & Content.codePoint))
    )
  }

  /** Gives `count` cells from the cursor on a background, and leaves nothing in them. */
  #erase(count: number, background: number): string {
    return `${this.#pencil.to(0, background, 0, this.#pencil.link)}\x1b[${count === 1 ? "" : count}X`
  }

  /**
   * A row from its first column on, up to its last cell that isn't plain and empty. Gives where the cursor is then.
   * Text is written as it flows, so that a terminal with other ideas of a character's width shows what it would have
   * shown anyway.
   */
  #row(line: Line): number {
    const cells = line._data
    let text = ""
    let column = 0
    for (let x = 0; x < line.length;) {
      const content = cells[x * CELL]!
      if (content === EMPTY) {
        const from = x
        const background = backgroundAt(line, from)
        while (x < line.length && isEmpty(line, x) && backgroundAt(line, x) === background) x++
        if (background === 0) continue
        text += this.#forward(column, from)
        column = from
        text += this.#erase(x - from, background)
        continue
      }
      const after = x + (content >>> Content.widthShift)
      const run = asciiRun(line, x, after, line.length)
      text += this.#forward(column, x) + this.cell(line, x) + run
      x = after + run.length
      column = x
    }
    this.text += text
    return column
  }

  #forward(from: number, to: number): string {
    return to === from ? "" : to - from === 1 ? "\x1b[C" : `\x1b[${to - from}C`
  }

  /** From a row that is drawn into the next one, as if its text had gone on there. Gives whether the first cell is to be emptied. */
  #wrap(before: Line, line: Line, column: number, rows: number, scrolls: boolean): boolean {
    const last = this.#columns - 1
    const full = column === this.#columns
    const wide = line._data[0]! >>> Content.widthShift === 2
    const starts = !isEmpty(line, 0)
    // A wide character that finds no room leaves one cell empty, on its own background.
    const short = isEmpty(before, last) && wide && backgroundAt(before, last) === backgroundAt(line, 0)
    // A row that comes by scrolling has the background that is set.
    const tinted = scrolls && backgroundAt(line, 0) !== 0
    if (starts && full && !tinted) return false
    if (starts && short && !tinted) {
      this.text += `\x1b[${last + 1}G`
      return false
    }
    this.text += this.#pencil.plainStyle()
    if (rows === 1 && !full) {
      // The row above can't be mended where there is none. A wide character leaves its last cell empty.
      const pen = this.#pencil.to(0, backgroundAt(before, last), 0, this.#pencil.link)
      this.text += `\x1b[${last + 1}G${pen}漢\r${this.#erase(this.#columns, 0)}`
      return false
    }
    if (!full) this.text += `\x1b[${last + 1}G `
    this.text += " "
    if (!full) this.text += `\x1b[A\x1b[${last + 1}G${this.#erase(1, backgroundAt(before, last))}\x1b[B`
    this.text += "\r"
    return true
  }

  /** Lines `from` to `end - 1`. The cursor has to be in the first column of the screen's first row. */
  lines(grid: Grid, from: number, end: number, rows: number): Place {
    let column = 0
    for (let index = from; index < end; index++) {
      const line = grid.lines.get(index)!
      if (index > from) {
        const scrolls = index - from >= rows
        if (!line.isWrapped) {
          this.text += `${this.#pencil.plainStyle()}\r\n`
        } else if (this.#wrap(grid.lines.get(index - 1)!, line, column, rows, scrolls) && isEmpty(line, 0)) {
          this.text += this.#erase(1, backgroundAt(line, 0))
        }
      }
      column = this.#row(line)
    }
    return { x: column, y: Math.min(Math.max(0, end - from - 1), rows - 1) }
  }
}
