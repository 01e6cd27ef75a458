/**
 * A terminal's state as bytes that bring a fresh one into it. The order matters: what sends the cursor home comes
 * before the cursor, what would change how something is drawn comes after it, and the character that REP would repeat
 * is the very last.
 */
import { CELL, EMPTY, ERASED, SECOND, textAt, widthAt } from "./cells.ts"
import { charsetName } from "./charsetNames.ts"
import { colourText } from "./colours.ts"
import type { Handler } from "./handler.ts"
import { mouseMode, privateMode } from "./modes.ts"
import { Pencil } from "./sgr.ts"
import { GridWriter, isBlankLine, type Place } from "./snapshotGrid.ts"
import { snapshotLinks } from "./snapshotLinks.ts"
import type { SavedCursor, ScreenName } from "./tracked.ts"
import type { Charset, Grid, Pen } from "./xterm.ts"

const ST = "\x1b\\"

/** Modes that need nothing but to be set, and how they are on a fresh terminal. */
const plainModes: ReadonlyArray<readonly [mode: number, fresh: boolean]> = [
  [1, false],
  [7, true],
  [45, false],
  [1004, false],
  [2004, false]
]

const ascending = (a: number, b: number): number => a - b
const byKey = (a: readonly [number, unknown], b: readonly [number, unknown]): number => a[0] - b[0]

class Snapshot {
  readonly #handler: Handler
  readonly #pencil: Pencil
  readonly #writer: GridWriter
  /** Where the cursor is, if that is known. */
  #place: Place | undefined = { x: 0, y: 0 }
  #origin = false
  /** What character sets are designated and shifted in. */
  #charsets: Array<Charset | undefined> = [undefined, undefined, undefined, undefined]
  #level = 0

  constructor(handler: Handler) {
    this.#handler = handler
    this.#pencil = new Pencil(handler.tracked.links, true, snapshotLinks(handler))
    this.#writer = new GridWriter(this.#pencil, handler._bufferService.cols)
  }

  write(historyLines: number): string {
    const { normal, alt } = this.#handler._bufferService.buffers
    const alternate = this.#handler.screen() === "alternate"
    this.#told()
    this.#savedModes()
    this.#grid("main", normal, historyLines)
    if (alternate) {
      this.#enterAlternate(normal)
      this.#grid("alternate", alt, 0)
    }
    this.#modes()
    this.#cursor(alternate ? alt : normal)
    return this.#writer.text
  }

  #add(text: string): void {
    this.#writer.text += text
  }

  /** Titles, colours, directory, progress. */
  #told(): void {
    const handler = this.#handler
    const { tracked } = handler
    const stack = (titles: ReadonlyArray<string>, osc: number, which: number) => {
      for (const title of titles) this.#add(`\x1b]${osc};${title}${ST}\x1b[22;${which}t`)
    }
    stack(handler._windowTitleStack, 2, 2)
    stack(handler._iconNameStack, 1, 1)
    const title = handler._windowTitle
    const icon = handler._iconName
    const any = (text: string, titles: ReadonlyArray<string>) => text !== "" || titles.length > 0
    if (title === icon && title !== "") this.#add(`\x1b]0;${title}${ST}`)
    else {
      if (any(title, handler._windowTitleStack)) this.#add(`\x1b]2;${title}${ST}`)
      if (any(icon, handler._iconNameStack)) this.#add(`\x1b]1;${icon}${ST}`)
    }
    for (const [index, colour] of [...tracked.colours].sort(byKey)) {
      this.#add(`\x1b]${index < 256 ? `4;${index}` : index - 1000};${colourText(colour)}${ST}`)
    }
    if (tracked.cwd !== "") this.#add(`\x1b]7;${tracked.cwd}${ST}`)
    if (tracked.progress !== undefined) {
      const state = { normal: 1, error: 2, indeterminate: 3, paused: 4 }[tracked.progress.state]
      this.#add(`\x1b]9;4;${state};${tracked.progress.value}${ST}`)
    }
  }

  /** What XTSAVE has kept: set, kept, and put back. */
  #savedModes(): void {
    for (const [mode, on] of [...this.#handler.tracked.savedModes].sort(byKey)) {
      const fresh = mode === 7 || mode === 25
      this.#add(`\x1b[?${mode}${on ? "h" : "l"}\x1b[?${mode}s\x1b[?${mode}${fresh ? "h" : "l"}`)
    }
  }

  #grid(name: ScreenName, grid: Grid, historyLines: number): void {
    const { rows } = this.#handler._bufferService
    this.#tabs(grid, name === "alternate")
    const from = Math.max(0, grid.ybase - historyLines)
    let end = grid.lines.length
    // Blank lines at the end are there anyway, unless lines above have to be pushed off.
    if (from === grid.ybase) {
      while (end > from && isBlankLine(grid.lines.get(end - 1)!) && !grid.lines.get(end - 1)!.isWrapped) end--
    }
    this.#place = this.#writer.lines(grid, from, end, rows)
    this.#saved(this.#handler.tracked.saved[name], grid)
    if (grid.scrollTop !== 0 || grid.scrollBottom !== rows - 1) {
      this.#add(`\x1b[${grid.scrollTop + 1};${grid.scrollBottom + 1}r`)
      this.#place = { x: 0, y: 0 }
    }
    const [first, ...pushed] = this.#handler.tracked.keyboard[name]
    if (first !== undefined && first !== 0) this.#add(`\x1b[=${first}u`)
    for (const flags of pushed) this.#add(`\x1b[>${flags}u`)
  }

  /** Tab stops other than one each eight columns. With both screens, a terminal may have one set of them for both. */
  #tabs(grid: Grid, again: boolean): void {
    const { cols, buffers } = this.#handler._bufferService
    const usual = (tabs: Grid["tabs"]) => {
      for (let x = 0; x < cols; x++) if ((tabs[x] === true) !== (x % 8 === 0)) return false
      return true
    }
    if (usual(grid.tabs) && (!again || usual(buffers.normal.tabs))) return
    this.#add("\x1b[3g")
    for (let x = 0; x < cols; x++) if (grid.tabs[x] === true) this.#add(`\x1b[${x + 1}G\x1bH`)
    this.#add("\r")
  }

  /** A saved cursor: everything as it was, and saved. The margins are the whole screen now. */
  #saved(saved: SavedCursor | undefined, grid: Grid): void {
    if (saved === undefined) return
    this.#setOrigin(saved.origin)
    this.#moveTo(grid, saved.x, saved.y, false)
    this.#setCharsets(saved.charsets, saved.level)
    this.#setPen(saved.pen)
    this.#add("\x1b7")
    this.#setOrigin(false)
    this.#setCharsets([], 0)
    const { cols } = this.#handler._bufferService
    const line = grid.lines.get(grid.ybase + saved.y)!
    // To wait at the end of a row it had to be filled.
    if (saved.x === cols && line._data[(cols - 1) * CELL] === EMPTY) {
      this.#moveTo(grid, cols - 1, saved.y, false)
      this.#add(`${this.#pencil.to(0, line._data[(cols - 1) * CELL + 2]! & ERASED, 0, 0)}\x1b[X`)
    }
    this.#add(this.#pencil.plain())
  }

  #enterAlternate(main: Grid): void {
    const saved = this.#handler.tracked.saved.main
    const { cols } = this.#handler._bufferService
    const within =
      saved !== undefined &&
      saved.x < cols &&
      (!saved.origin || (saved.y >= main.scrollTop && saved.y <= main.scrollBottom))
    // 1049 saves the cursor, which is where it was saved as a rule. Otherwise it must not be saved, but be where it was.
    if (within && saved.y === main.y) {
      this.#add("\x1b8\x1b[?1049h")
      this.#pencil.has(saved.pen)
      this.#origin = saved.origin
      this.#charsets = saved.charsets.slice()
      this.#level = saved.level
      this.#setOrigin(false)
      this.#setCharsets([], 0)
      this.#add(this.#pencil.plain())
    } else {
      this.#moveTo(main, Math.min(main.x, cols - 1), main.y, false)
      this.#add(`${this.#pencil.plain()}\x1b[?47h`)
    }
    const margins = main.scrollTop !== 0 || main.scrollBottom !== this.#handler._bufferService.rows - 1
    this.#add(`${margins ? "\x1b[r" : ""}\x1b[H\x1b[2J`)
    this.#place = { x: 0, y: 0 }
  }

  #setOrigin(on: boolean): void {
    if (on === this.#origin) return
    this.#origin = on
    this.#add(`\x1b[?6${on ? "h" : "l"}`)
    this.#place = undefined
  }

  #setCharsets(charsets: ReadonlyArray<Charset | undefined>, level: number): void {
    for (let at = 0; at < 4; at++) {
      if (charsets[at] === this.#charsets[at]) continue
      this.#charsets[at] = charsets[at]
      this.#add(`\x1b${"()*+"[at]}${charsetName(charsets[at])}`)
    }
    if (level !== this.#level) this.#add(["\x0f", "\x0e", "\x1bn", "\x1bo"][level]!)
    this.#level = level
  }

  #setPen(pen: Pen): void {
    this.#add(this.#pencil.to(pen.fg, pen.bg, pen.extended._ext, pen.extended._urlId))
  }

  /** To a cell; `x` beyond the last column is where a full row's cursor waits. `relative`: rows count from the margin. */
  #moveTo(grid: Grid, x: number, y: number, relative: boolean): void {
    if (this.#place !== undefined && this.#place.x === x && this.#place.y === y) return
    const { cols } = this.#handler._bufferService
    const row = relative ? y - grid.scrollTop : y
    this.#place = { x, y }
    if (x < cols) {
      this.#add(row === 0 && x === 0 ? "\x1b[H" : `\x1b[${row + 1};${x + 1}H`)
      return
    }
    const line = grid.lines.get(grid.ybase + y)!
    const last = line._data[(cols - 1) * CELL]!
    const from = last === SECOND ? cols - 2 : cols - 1
    this.#add(`\x1b[${row + 1};${from + 1}H`)
    this.#add(last === EMPTY ? `${this.#pencil.plain()} ` : this.#writer.cell(line, from))
  }

  #modes(): void {
    const handler = this.#handler
    const { tracked } = handler
    const core = handler._coreService
    const set = (mode: number, on: boolean) => this.#add(`\x1b[?${mode}${on ? "h" : "l"}`)
    for (const [mode, fresh] of plainModes) if (privateMode(handler, mode) !== fresh) set(mode, !fresh)
    // As a sequence of its own it is known to more terminals than as a mode.
    if (core.decPrivateModes.applicationKeypad) this.#add("\x1b=")
    if (handler._optionsService.rawOptions.convertEol) this.#add("\x1b[20h")
    const mouse = mouseMode(handler)
    if (mouse !== undefined) set(mouse, true)
    for (const mode of [...tracked.modes].sort(ascending)) set(mode, true)
    for (const [resource, value] of [...tracked.modifyKeys].sort(byKey))
      this.#add(value < 0 ? `\x1b[>${resource}n` : `\x1b[>${resource};${value}m`)
    for (const [resource, value] of [...tracked.formatKeys].sort(byKey)) this.#add(`\x1b[>${resource};${value}f`)
    if (handler._optionsService.rawOptions.cursorBlink) set(12, true)
    const { cursorStyle, cursorBlink } = core.decPrivateModes
    if (cursorStyle !== undefined) {
      this.#add(`\x1b[${{ block: 2, underline: 4, bar: 6 }[cursorStyle] - (cursorBlink === true ? 1 : 0)} q`)
    }
    if (core.isCursorHidden) set(25, false)
    if (core.decPrivateModes.synchronizedOutput) set(2026, true)
    this.#setOrigin(core.decPrivateModes.origin)
  }

  #cursor(grid: Grid): void {
    const handler = this.#handler
    const charsets = handler._charsetService
    const code = handler._parser.precedingJoinState
    const inserts = handler._coreService.modes.insertMode
    const line = grid.lines.get(grid.ybase + grid.y)!
    const before = code === 0 ? grid.x : grid.x - 1 - (grid.x > 1 && line._data[(grid.x - 1) * CELL] === SECOND ? 1 : 0)
    this.#moveTo(grid, before, grid.y, this.#origin)
    if (inserts) this.#add("\x1b[4h")
    this.#setCharsets(charsets._charsets, charsets.glevel)
    this.#setPen(handler._curAttrData)
    if (code === 0) {
      // Nothing is to be repeated: any sequence after the last character says so.
      if (this.#writer.text !== "") this.#add(ST)
      return
    }
    // The last character once more, so that it can be repeated, and marks can join it.
    const width = widthAt(line, before)
    if (inserts) this.#add(`\x1b[${width}P`)
    const shown = textAt(line, before)
    this.#add(String.fromCodePoint(code) + shown.slice(shown.codePointAt(0)! > 0xffff ? 2 : 1))
  }
}

/** The bytes, as text. At most `historyLines` rows above the screen are among them. */
export const writeSnapshot = (handler: Handler, historyLines: number): string =>
  new Snapshot(handler).write(historyLines)
