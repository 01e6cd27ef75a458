/**
 * Where the library's terminal differs from those that people sit in front of, or falls over, ours does not: methods of
 * its input handler are overridden here, on objects of our own only.
 */
import { answerMethods, type answers, type Identity } from "./answers.ts"
import { Bg, CELL, Colour, Content, EMPTY, erasedBackground, mend, SECOND } from "./cells.ts"
import { rememberMode } from "./modes.ts"
import { print } from "./print.ts"
import { cutText, type Sign } from "./sequences.ts"
import type { SavedCursor, ScreenName, Tracked } from "./tracked.ts"
import type { Cell, Core, Grid, InputHandler, Line, Params, Pen } from "./xterm.ts"

/** The handler with what we add to it. */
export interface Handler extends InputHandler {
  tracked: Tracked
  identity: Identity
  answers: typeof answers
  /** Tells an answer; with `terminate` it ends as the question did. */
  reply: (data: string, terminate?: boolean) => void
  sign: (sign: Sign) => void
  screen(): ScreenName
  /** The main screen's topmost `count` kept rows are about to go for good. `goesOn`: the line of the last one doesn't end there. */
  leaving: ((lines: Grid["lines"], count: number, goesOn: boolean) => void) | undefined
  /** Everything is about to be reset. */
  resetting: (() => void) | undefined
  /** The lines that left last were erased by the program. */
  erasing: (() => void) | undefined
}

type Method = (this: Handler, ...args: Array<never>) => unknown
type Methods = Record<string, Method>

export const screenName = (handler: Handler): ScreenName =>
  handler._activeBuffer === handler._bufferService.buffers.alt ? "alternate" : "main"

/** A cursor that waits to wrap stands behind a character; where that is gone, it stands on the last column. */
const settle = (handler: Handler): void => {
  const grid = handler._activeBuffer
  const columns = handler._bufferService.cols
  if (grid.x < columns) return
  const line = grid.lines.get(grid.ybase + grid.y)!
  const last = line._data[(columns - 1) * CELL]!
  // The second half of a wide character is no content of its own, nor is it one cell wide.
  if ((last & Content.any) === 0 && last !== 0) grid.x = columns - 1
}

const copyPen = (pen: Pen): Pen => pen.clone()

/** The same look with another link. */
const withLink = (pen: Pen, link: number): Pen => {
  const copy = copyPen(pen)
  copy.extended._urlId = link
  copy.updateExtended()
  return copy
}

const saveCursor: Method = function () {
  const grid = this._activeBuffer
  const charsets = this._charsetService
  this.tracked.saved[screenName(this)] = {
    x: grid.x,
    y: grid.y,
    pen: withLink(this._curAttrData, 0),
    charsets: [0, 1, 2, 3].map((level) => charsets._charsets[level]),
    level: charsets.glevel,
    origin: this._coreService.decPrivateModes.origin
  }
  return true
}

const putCursor = (handler: Handler, saved: SavedCursor | undefined): void => {
  const grid = handler._activeBuffer
  const charsets = handler._charsetService
  const { cols } = handler._bufferService
  handler._coreService.decPrivateModes.origin = saved?.origin ?? false
  grid.x = Math.min(saved?.x ?? 0, cols)
  grid.y = saved?.y ?? 0
  handler._restrictCursor(cols)
  // A link that is open stays open, and none is opened by going back.
  const link = handler._curAttrData.extended._urlId
  handler._curAttrData = saved === undefined ? resetPen(handler) : withLink(saved.pen, link)
  for (let level = 0; level < 4; level++) charsets._charsets[level] = saved?.charsets[level]
  charsets.glevel = saved?.level ?? 0
  charsets.charset = charsets._charsets[charsets.glevel]
  settle(handler)
}

/** A pen that writes plainly; an open link stays open. */
const resetPen = (handler: Handler): Pen => {
  const pen = copyPen(handler._curAttrData)
  pen.fg = pen.bg = 0
  pen.extended._ext = 0
  pen.updateExtended()
  return pen
}

const restoreCursor: Method = function () {
  putCursor(this, this.tracked.saved[screenName(this)])
  return true
}

/** DECSTR: what VT terminals reset softly, and nothing a mouse or a paste depends on. */
const softReset: Method = function () {
  const modes = this._coreService.decPrivateModes
  this._coreService.isCursorHidden = false
  this._coreService.modes.insertMode = false
  modes.origin = modes.applicationCursorKeys = modes.applicationKeypad = modes.reverseWraparound = false
  modes.wraparound = true
  this._activeBuffer.scrollTop = 0
  this._activeBuffer.scrollBottom = this._bufferService.rows - 1
  this._curAttrData = resetPen(this)
  this._charsetService.reset()
  this.tracked.saved[screenName(this)] = undefined
  return true
}

/** Cells of a row from `start` to `end` are emptied, and so are halves of wide characters whose other half is. */
const eraseCells = (line: Line, start: number, end: number, background: number): void => {
  const cells = line._data
  const stop = Math.min(end, line.length)
  if (start >= stop) return
  let from = start
  if (from > 0 && cells[from * CELL] === SECOND) from--
  const to = stop < line.length && cells[stop * CELL] === SECOND ? stop + 1 : stop
  for (let at = from * CELL; at < to * CELL; at += CELL) {
    cells[at] = EMPTY
    cells[at + 1] = 0
    cells[at + 2] = background
  }
  if (from === 0 && to === line.length) {
    line._combined = {}
    line._extendedAttrs = {}
  }
}

/** Whole lines are cleared in a step of their own: halves of characters and waiting cursors are looked after. */
const eraseInDisplay = function (this: Handler, params: Params, respectProtect = false): boolean {
  const grid = this._activeBuffer
  const { cols, rows } = this._bufferService
  this._restrictCursor(cols)
  const how = params.params[0]
  if (how === 0) {
    this._eraseInBufferLine(grid.y, grid.x, cols, grid.x === 0, respectProtect)
    for (let y = grid.y + 1; y < rows; y++) this._resetBufferLine(y, respectProtect)
  } else if (how === 1) {
    this._eraseInBufferLine(grid.y, 0, grid.x + 1, true, respectProtect)
    const below = grid.y + 1 < rows ? grid.lines.get(grid.ybase + grid.y + 1) : undefined
    if (grid.x + 1 >= cols && below !== undefined) below.isWrapped = false
    for (let y = 0; y < grid.y; y++) this._resetBufferLine(y, respectProtect)
  } else if (how === 2) {
    for (let y = 0; y < rows; y++) this._resetBufferLine(y, respectProtect)
  } else if (how === 3) {
    const above = grid.lines.length - rows
    if (above > 0) {
      this.leaving?.(grid.lines, above, grid.lines.get(above)!.isWrapped)
      this.erasing?.()
      grid.lines.trimStart(above)
      grid.ybase = grid.ydisp = 0
      beginHere(grid)
    }
  }
  if (respectProtect) for (let y = 0; y < rows; y++) mend(grid.lines.get(grid.ybase + y)!)
  settle(this)
  return true
}

/** An empty row's cells, for the width and background that were asked for last. */
let emptyRow = new Uint32Array(0)
let emptyBackground = 0

const emptyCells = (columns: number, pen: Pen): Uint32Array => {
  const background = erasedBackground(pen)
  if (emptyRow.length !== columns * CELL || emptyBackground !== background) {
    emptyRow = new Uint32Array(columns * CELL)
    emptyBackground = background
    for (let at = 0; at < emptyRow.length; at += CELL) {
      emptyRow[at] = EMPTY
      emptyRow[at + 2] = background
    }
  }
  return emptyRow
}

const blank = (handler: Handler, grid: Grid, pen: Pen, isWrapped: boolean): Line => {
  const columns = handler._bufferService.cols
  const Row = grid.lines.get(0)!.constructor as new (columns: number, fill: Cell) => Line
  const line = new Row(0, grid.getNullCell())
  line._data = emptyCells(columns, pen).slice()
  line.length = columns
  line.isWrapped = isWrapped
  return line
}

/** What is left of a line whose beginning is gone is a line. */
const beginHere = (grid: Grid): void => {
  grid.lines.get(0)!.isWrapped = false
}

const isEmpty = (marks: object): boolean => {
  for (const _ in marks) return false
  return true
}

/** `BufferService.scroll`, telling who keeps lines which one goes. */
const scroll = (handler: Handler, pen: Pen, isWrapped: boolean): void => {
  const grid = handler._bufferService.buffers.active
  const { lines } = grid
  const bottom = grid.ybase + grid.scrollBottom
  if (grid.scrollTop !== 0) {
    for (let index = grid.ybase + grid.scrollTop; index < bottom; index++) lines.set(index, lines.get(index + 1)!)
    lines.set(bottom, blank(handler, grid, pen, isWrapped))
    return
  }
  const full = lines.isFull
  if (full && grid === handler._bufferService.buffers.normal) {
    handler.leaving?.(lines, 1, lines.length > 1 ? lines.get(1)!.isWrapped : isWrapped)
  }
  if (bottom !== lines.length - 1) {
    lines.splice(bottom + 1, 0, blank(handler, grid, pen, isWrapped))
  } else if (full) {
    const line = lines.recycle()
    const cells = emptyCells(line.length, pen)
    if (line._data.length === cells.length) line._data.set(cells)
    else line._data = cells.slice()
    if (!isEmpty(line._combined)) line._combined = {}
    if (!isEmpty(line._extendedAttrs)) line._extendedAttrs = {}
    line.isWrapped = isWrapped
  } else {
    lines.push(blank(handler, grid, pen, isWrapped))
  }
  if (full) beginHere(grid)
  else grid.ydisp = ++grid.ybase
}

/** REP. The library's own takes as long, and as much memory, as the program likes. */
const repeatPrecedingCharacter = function (this: Handler, params: Params): boolean {
  const code = this._parser.precedingJoinState
  if (code === 0) return true
  const { cols, rows } = this._bufferService
  const count = Math.min(params.params[0]! || 1, cols * rows)
  print(this, new Uint32Array(count).fill(code), 0, count)
  return true
}

/** DECALN, in plain letters. */
const screenAlignmentPattern: Method = function () {
  const grid = this._activeBuffer
  const cell = grid.getNullCell()
  const content = cell.content
  cell.content = content | 0x45
  for (let y = 0; y < this._bufferService.rows; y++) {
    const line = grid.lines.get(grid.ybase + y)!
    line.fill(cell)
    line.isWrapped = false
  }
  cell.content = content
  grid.scrollTop = 0
  grid.scrollBottom = this._bufferService.rows - 1
  this._setCursor(0, 0)
  return true
}

/** The library leaves bits of an earlier colour behind a colour of the palette. */
const exactColour = (value: number): number => {
  const kind = value & Colour.kind
  if (kind === Colour.rgb) return value
  return kind === 0 ? value & ~Colour.value : value & ~0xffff00
}

const WHITE = Colour.kind | Colour.value

/** The same for underlines; and SGR 59, which the library takes for white, is no colour. */
const exactUnderline = (ext: number, params: Params): number => {
  if ((ext & WHITE) !== WHITE) return exactColour(ext)
  for (let index = params.length - 1; index >= 0; index--) {
    if (params.params[index] === 58) return ext
    if (params.params[index] === 59) return ext & ~WHITE
  }
  return ext
}

/** What the overridden methods of one library's prototype are, made once. */
let prototype: { base: object; ours: object } | undefined

const overrides = (base: Methods): Methods => {
  const original = (name: string) => base[name] as unknown as (this: Handler, ...args: Array<unknown>) => boolean
  /** A count that makes no difference beyond some number is held to that. */
  const bounded = (name: string, limit: (handler: Handler) => number, after?: (handler: Handler) => void) => {
    const method = original(name)
    return function (this: Handler, params: Params): boolean {
      const most = limit(this)
      if (params.params[0]! > most) params.params[0] = most
      method.call(this, params)
      after?.(this)
      return true
    }
  }
  const rows = (handler: Handler) => handler._bufferService.rows
  const columns = (handler: Handler) => handler._bufferService.cols
  const mendLine = (handler: Handler) => {
    const grid = handler._activeBuffer
    mend(grid.lines.get(grid.ybase + grid.y)!)
  }
  const mendScreen = (handler: Handler) => {
    const grid = handler._activeBuffer
    for (let y = 0; y < handler._bufferService.rows; y++) mend(grid.lines.get(grid.ybase + y)!)
    settle(handler)
  }
  const eraseUnprotected = original("_eraseInBufferLine")
  const eraseInLine = original("eraseInLine")
  const charAttributes = original("charAttributes")
  const setModePrivate = original("setModePrivate")
  const resetModePrivate = original("resetModePrivate")
  const afterMode = (handler: Handler, params: Params, on: boolean) => {
    for (let index = 0; index < params.length; index++) {
      const mode = params.params[index]!
      rememberMode(handler, mode, on)
      if (mode !== 47 && mode !== 1047 && mode !== 1049) continue
      // The cursor goes along to the other screen, whose margins may be others.
      handler._restrictCursor(handler._bufferService.cols)
      settle(handler)
      // What belongs to the alternate screen ends with it.
      if (!on) {
        handler.tracked.saved.alternate = undefined
        handler.tracked.keyboard.alternate = []
      }
    }
  }
  const setTitle = original("setTitle")
  const setIconName = original("setIconName")
  const setCursorStyle = original("setCursorStyle")
  const reset = original("fullReset")
  return {
    ...answerMethods,
    _eraseInBufferLine(this: Handler, y: number, start: number, end: number, clearWrap = false, protect = false): void {
      const grid = this._activeBuffer
      const line = grid.lines.get(grid.ybase + y)!
      if (protect) eraseUnprotected.call(this, y, start, end, clearWrap, true)
      else eraseCells(line, start, end, erasedBackground(this._curAttrData))
      if (clearWrap) line.isWrapped = false
    },
    _resetBufferLine(this: Handler, y: number, protect = false): void {
      this._eraseInBufferLine(y, 0, this._bufferService.cols, true, protect)
    },
    eraseChars(this: Handler, params: Params): boolean {
      this._restrictCursor()
      const grid = this._activeBuffer
      this._eraseInBufferLine(grid.y, grid.x, grid.x + (params.params[0]! || 1))
      return true
    },
    print(this: Handler, data: Uint32Array, start: number, end: number): void {
      print(this, data, start, end)
    },
    setTitle(this: Handler, text: string): boolean {
      const kept = cutText(text)
      setTitle.call(this, kept)
      this.sign({ sign: "title", text: kept })
      return true
    },
    setIconName(this: Handler, text: string): boolean {
      return setIconName.call(this, cutText(text))
    },
    bell(this: Handler): boolean {
      this.sign({ sign: "bell" })
      return true
    },
    /** RIS. The library forgets some of it. */
    fullReset(this: Handler): boolean {
      this.resetting?.()
      reset.call(this)
      this.tracked.reset()
      this._coreService.isCursorHidden = false
      this._optionsService.rawOptions.cursorBlink = false
      this._optionsService.rawOptions.convertEol = false
      return true
    },
    screen(this: Handler): ScreenName {
      return screenName(this)
    },
    saveCursor,
    restoreCursor,
    softReset,
    eraseInDisplay,
    repeatPrecedingCharacter,
    screenAlignmentPattern,
    insertLines: bounded("insertLines", rows),
    deleteLines: bounded("deleteLines", rows, (handler) => beginHere(handler._activeBuffer)),
    scrollUp: bounded("scrollUp", rows, (handler) => {
      beginHere(handler._activeBuffer)
      settle(handler)
    }),
    scrollDown: bounded("scrollDown", rows, settle),
    cursorForwardTab: bounded("cursorForwardTab", columns),
    cursorBackwardTab: bounded("cursorBackwardTab", columns),
    insertChars: bounded("insertChars", columns, mendLine),
    deleteChars: bounded("deleteChars", columns, mendLine),
    scrollLeft: bounded("scrollLeft", columns, mendScreen),
    scrollRight: bounded("scrollRight", columns, mendScreen),
    insertColumns: bounded("insertColumns", columns, mendScreen),
    deleteColumns: bounded("deleteColumns", columns, mendScreen),
    eraseInLine(this: Handler, params: Params, respectProtect = false): boolean {
      eraseInLine.call(this, params, respectProtect)
      if (respectProtect) mendLine(this)
      settle(this)
      return true
    },
    setCursorStyle(this: Handler, params: Params): boolean {
      return params.params[0]! > 6 || setCursorStyle.call(this, params)
    },
    /** SGR 59 is no colour, and DECSCA is none of its business. */
    charAttributes(this: Handler, params: Params): boolean {
      const kept = this._curAttrData.bg & Bg.protected
      charAttributes.call(this, params)
      const pen = this._curAttrData
      if (kept !== 0) pen.bg |= Bg.protected
      pen.fg = exactColour(pen.fg)
      pen.bg = exactColour(pen.bg)
      const ext = exactUnderline(pen.extended._ext, params)
      if (ext !== pen.extended._ext) {
        pen.extended = pen.extended.clone()
        pen.extended._ext = ext
        pen.updateExtended()
      }
      return true
    },
    setModePrivate(this: Handler, params: Params): boolean {
      setModePrivate.call(this, params)
      afterMode(this, params, true)
      return true
    },
    resetModePrivate(this: Handler, params: Params): boolean {
      resetModePrivate.call(this, params)
      afterMode(this, params, false)
      return true
    }
  } as unknown as Methods
}

/** Makes a core's handler ours. */
export const takeOver = (core: Core, tracked: Tracked): Handler => {
  const handler = core._inputHandler as unknown as Handler
  const base = Object.getPrototypeOf(handler) as object
  if (prototype?.base !== base) {
    prototype = { base, ours: Object.assign(Object.create(base), overrides(base as Methods)) as object }
  }
  Object.setPrototypeOf(handler, prototype.ours)
  handler.tracked = tracked
  handler.sign = handler.reply = () => {}
  handler.leaving = undefined
  handler.resetting = undefined
  handler.erasing = undefined
  handler._oscLinkService = tracked.links
  const service = core._bufferService
  service.scroll = (pen, isWrapped = false) => scroll(handler, pen, isWrapped)
  return handler
}
