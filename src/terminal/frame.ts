/** What a client with a terminal of another size sees of a screen: a part of it, or all of it with a rim. */
import { Bg, CELL, Content, EMPTY, ERASED, widthAt } from "./cells.ts"
import { colourText } from "./colours.ts"
import type { Emulator } from "./Emulator.ts"
import { mouseMode, privateMode } from "./modes.ts"
import type { Line } from "./xterm.ts"

export interface ViewSize {
  readonly cols: number
  readonly rows: number
}

/** A row of a frame. Cells as an emulator packs them, copied. */
export interface FrameRow {
  readonly cells: Uint32Array
  readonly texts: ReadonlyMap<number, string>
  /** Underline and link of cells that have them. */
  readonly extended: ReadonlyMap<number, readonly [ext: number, link: number]>
}

export interface FrameCursor {
  readonly x: number
  readonly y: number
  readonly visible: boolean
}

/** A setting of the client's terminal: what sets it, and what takes it back. */
export type Settings = ReadonlyMap<string, readonly [set: string, reset: string]>

export interface Frame extends ViewSize {
  /** The cell of the session's screen that is in the upper left corner. A mouse's position has to be moved by it. */
  readonly left: number
  readonly top: number
  readonly lines: ReadonlyArray<FrameRow>
  readonly cursor: FrameCursor
  readonly settings: Settings
}

/** Where the part begins, so that the cursor is in it, moved as little as can be. */
const shift = (before: number, cursor: number, visible: number, whole: number): number => {
  const most = Math.max(0, whole - visible)
  const least = Math.max(0, cursor - visible + 1)
  return Math.min(most, Math.max(least, Math.min(before, cursor)))
}

const SIDE = 0x2502
const BOTTOM = 0x2500
const CORNER = 0x2518

const copyRow = (line: Line | undefined, left: number, cols: number, rim: number | undefined): FrameRow => {
  const cells = new Uint32Array(cols * CELL)
  const texts = new Map<number, string>()
  const extended = new Map<number, readonly [number, number]>()
  for (let x = 0; x < cols; x++) cells[x * CELL] = EMPTY
  const count = line === undefined ? 0 : Math.min(cols, line.length - left)
  if (line !== undefined) cells.set(line._data.subarray(left * CELL, (left + count) * CELL))
  for (let x = 0; x < count; x++) {
    const at = x * CELL
    const width = cells[at]! >>> Content.widthShift
    // Characters of which only a half is in the part are left out.
    if ((width === 2 && x + 1 >= count) || (width === 0 && x === 0)) {
      cells[at] = EMPTY
      cells[at + 1] = 0
      cells[at + 2]! &= ERASED
      continue
    }
    if (cells[at]! & Content.combined) texts.set(x, line!._combined[left + x] ?? "")
    const look = cells[at + 2]! & Bg.extended ? line!._extendedAttrs[left + x] : undefined
    if (look !== undefined) extended.set(x, [look._ext, look._urlId])
  }
  if (rim !== undefined && count < cols && count >= 0) {
    cells[count * CELL] = rim | EMPTY
    cells[count * CELL + 2] = Bg.dim
  }
  return { cells, texts, extended }
}

const bottomRim = (width: number, cols: number): FrameRow => {
  const cells = new Uint32Array(cols * CELL)
  for (let x = 0; x < cols; x++) {
    const code = x < width ? BOTTOM : x === width ? CORNER : 0
    cells[x * CELL] = code | EMPTY
    if (code !== 0) cells[x * CELL + 2] = Bg.dim
  }
  return { cells, texts: new Map(), extended: new Map() }
}

/** Modes and other settings that make the client's terminal send what the program expects, and look as it wants. */
const settingsOf = (emulator: Emulator): Settings => {
  const { handler } = emulator
  const { tracked } = handler
  const settings = new Map<string, readonly [string, string]>()
  const mode = (number: number) => settings.set(`?${number}`, [`\x1b[?${number}h`, `\x1b[?${number}l`])
  for (const number of [1, 5, 66, 1004, 1007, 2004]) if (privateMode(handler, number) === true) mode(number)
  const mouse = mouseMode(handler)
  if (mouse !== undefined) mode(mouse)
  for (const number of [1005, 1006, 1015, 1016]) if (tracked.modes.has(number)) mode(number)
  const flags = tracked.keyboardFlags(handler.screen())
  if (flags !== 0) settings.set(`keyboard ${flags}`, [`\x1b[=${flags}u`, ""])
  else settings.set("keyboard", ["\x1b[=0u", ""])
  for (const [resource, value] of tracked.modifyKeys) {
    settings.set(`keys ${resource} ${value}`, [
      value < 0 ? `\x1b[>${resource}n` : `\x1b[>${resource};${value}m`,
      `\x1b[>${resource}m`
    ])
  }
  const { cursorStyle, cursorBlink } = handler._coreService.decPrivateModes
  if (cursorStyle !== undefined) {
    const style = { block: 2, underline: 4, bar: 6 }[cursorStyle] - (cursorBlink === true ? 1 : 0)
    settings.set(`cursor ${style}`, [`\x1b[${style} q`, "\x1b[0 q"])
  }
  if (handler._windowTitle !== "")
    settings.set(`title ${handler._windowTitle}`, [`\x1b]2;${handler._windowTitle}\x1b\\`, ""])
  for (const [index, colour] of tracked.colours) {
    const text = colourText(colour)
    const [set, reset] =
      index < 256 ? [`4;${index};${text}`, `104;${index}`] : [`${index - 1000};${text}`, `${index - 900}`]
    settings.set(`colour ${set}`, [`\x1b]${set}\x1b\\`, `\x1b]${reset}\x1b\\`])
  }
  return settings
}

/** What is to be seen of an emulator's screen, near to what was seen before. */
export const makeFrame = (emulator: Emulator, size: ViewSize, before: Frame | undefined): Frame => {
  const { handler } = emulator
  const grid = handler._activeBuffer
  const x = Math.min(grid.x, emulator.cols - 1)
  const left = shift(before?.left ?? 0, x, size.cols, emulator.cols)
  const top = shift(before?.top ?? 0, grid.y, size.rows, emulator.rows)
  const lines = Array.from({ length: size.rows }, (_, row) => {
    if (top + row < emulator.rows) return copyRow(grid.lines.get(grid.ybase + top + row), left, size.cols, SIDE)
    if (top + row === emulator.rows) return bottomRim(emulator.cols - left, size.cols)
    return copyRow(undefined, 0, size.cols, undefined)
  })
  const line = grid.lines.get(grid.ybase + grid.y)!
  return {
    ...size,
    left,
    top,
    lines,
    // On the second half of a wide character it is shown on the first.
    cursor: {
      x: x - left - (x > left && widthAt(line, x) === 0 ? 1 : 0),
      y: grid.y - top,
      visible: !handler._coreService.isCursorHidden
    },
    settings: settingsOf(emulator)
  }
}
