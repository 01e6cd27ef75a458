/** The screen as data. */
import type { Screen, ScreenRow, ScreenStyle } from "../protocol/screens.ts"
import { Bg, CELL, Colour, Fg, usedCells } from "./cells.ts"
import { colourHex } from "./colours.ts"
import type { Handler } from "./handler.ts"
import { modeRecord } from "./modes.ts"
import { rowText } from "./rows.ts"
import { underlineStyle } from "./sgr.ts"
import type { Line } from "./xterm.ts"

/** A {@link Screen} without what only the keeper of the stream knows. */
export type EmulatorScreen = Omit<Screen, "offset" | "history"> & {
  /** Rows kept above the main screen. */
  readonly historyRows: number
}

const colour = (value: number): number | string | undefined => {
  switch (value & Colour.kind) {
    case 0:
      return undefined
    case Colour.rgb:
      return colourHex([(value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff])
    default:
      return value & 0xff
  }
}

const underlines = ["single", "single", "double", "curly", "dotted", "dashed"] as const

/** How a cell looks; undefined if plain. */
const styleAt = (handler: Handler, line: Line, x: number): ScreenStyle | undefined => {
  const fg = line._data[x * CELL + 1]!
  const bg = line._data[x * CELL + 2]!
  if (fg === 0 && (bg & ~Bg.protected) === 0) return undefined
  const extended = bg & Bg.extended ? line._extendedAttrs[x] : undefined
  const style: { -readonly [key in keyof ScreenStyle]: ScreenStyle[key] } = {}
  const foreground = colour(fg)
  const background = colour(bg)
  if (foreground !== undefined) style.fg = foreground
  if (background !== undefined) style.bg = background
  if (fg & Fg.bold) style.bold = true
  if (bg & Bg.dim) style.dim = true
  if (bg & Bg.italic) style.italic = true
  if (fg & Fg.underline) {
    style.underline = underlines[underlineStyle(extended?._ext ?? 0)] ?? "single"
    const underlineColour = colour(extended?._ext ?? 0)
    if (underlineColour !== undefined) style.underlineColor = underlineColour
  }
  if (fg & Fg.blink) style.blink = true
  if (fg & Fg.inverse) style.inverse = true
  if (fg & Fg.invisible) style.invisible = true
  if (fg & Fg.strikethrough) style.strikethrough = true
  if (bg & Bg.overline) style.overline = true
  const link = extended === undefined ? undefined : handler.tracked.links.get(extended._urlId)
  if (link !== undefined) style.link = link.uri
  return style
}

/** Whether a cell looks as the one before it. */
const sameAsBefore = (line: Line, x: number): boolean => {
  const cells = line._data
  const at = x * CELL
  if (cells[at + 1] !== cells[at - 2] || cells[at + 2] !== cells[at - 1]) return false
  if ((cells[at + 2]! & Bg.extended) === 0) return true
  const [here, before] = [line._extendedAttrs[x], line._extendedAttrs[x - 1]]
  return here === before || (here?._ext === before?._ext && here?._urlId === before?._urlId)
}

const runsOf = (handler: Handler, line: Line): ScreenRow["runs"] => {
  const runs: Array<ScreenRow["runs"][number]> = []
  for (let x = 0; x < line.length;) {
    const from = x++
    while (x < line.length && sameAsBefore(line, x)) x++
    const style = styleAt(handler, line, from)
    if (style !== undefined) runs.push({ column: from, cells: x - from, style })
  }
  return runs
}

export const readScreen = (handler: Handler): EmulatorScreen => {
  const grid = handler._activeBuffer
  const { cols, rows } = handler._bufferService
  const modes = handler._coreService.decPrivateModes
  const lines = Array.from({ length: rows }, (_, row) => {
    const line = grid.lines.get(grid.ybase + row)!
    const next = row + 1 < rows ? grid.lines.get(grid.ybase + row + 1) : undefined
    const text = rowText(line, usedCells(line)).trimEnd()
    return { text, wrapped: next?.isWrapped === true, runs: runsOf(handler, line) }
  })
  return {
    cols,
    rows,
    lines,
    cursor: {
      column: Math.min(grid.x, cols),
      row: grid.y,
      visible: !handler._coreService.isCursorHidden,
      shape: modes.cursorStyle ?? "block",
      blink: modes.cursorBlink ?? handler._optionsService.rawOptions.cursorBlink
    },
    title: handler._windowTitle === "" ? null : handler._windowTitle,
    alternate: handler.screen() === "alternate",
    modes: modeRecord(handler),
    historyRows: handler._bufferService.buffers.normal.ybase
  }
}
