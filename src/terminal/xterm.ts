/**
 * What is inside `@xterm/headless`, as far as we use it. The library is pinned to one version because of this file: an
 * exact picture of a terminal needs more than its public interface tells (saved cursor, tab stops, character sets…).
 */
import xterm from "@xterm/headless"

/** Underline style and colour, and link, of cells. Never changed once a cell refers to it. */
export interface Extended {
  /** Underline colour in the low 26 bits, style in bits 26 to 28. */
  _ext: number
  _urlId: number
  clone(): Extended
}

/** How new characters look. For the bits see `cells.ts`. */
export interface Pen {
  fg: number
  bg: number
  extended: Extended
  clone(): Pen
  updateExtended(): void
}

/** What fills erased cells. */
export interface Cell extends Pen {
  content: number
  combinedData: string
}

export interface Line {
  /** Three numbers for each cell: content, foreground, background. */
  _data: Uint32Array
  _combined: Record<number, string>
  _extendedAttrs: Record<number, Extended | undefined>
  length: number
  isWrapped: boolean
  fill(cell: Cell, respectProtect?: boolean): void
  resize(cols: number, fill: Cell): boolean
  insertCells(at: number, count: number, fill: Cell): void
  copyCellsFrom(source: Line, from: number, to: number, length: number, reverse: boolean): void
  getTrimmedLength(): number
}

/** A ring of lines. */
export interface Lines {
  length: number
  maxLength: number
  readonly isFull: boolean
  get(index: number): Line | undefined
  set(index: number, line: Line): void
  push(line: Line): void
  pop(): Line | undefined
  recycle(): Line
  splice(start: number, deleteCount: number, ...lines: Array<Line>): void
  trimStart(count: number): void
}

/** One of the two screens, the main one with what has been scrolled off it. */
export interface Grid {
  lines: Lines
  /** Index of the screen's first line. */
  ybase: number
  ydisp: number
  x: number
  y: number
  scrollTop: number
  scrollBottom: number
  tabs: Record<number, boolean | undefined>
  getNullCell(pen?: Pen): Cell
  getBlankLine(pen: Pen, isWrapped?: boolean): Line
}

export interface Params {
  params: Int32Array
  length: number
  hasSubParams(index: number): boolean
  getSubParams(index: number): Int32Array | null
}

export interface Charset {
  readonly [character: string]: string
}

export interface Charsets {
  charset: Charset | undefined
  glevel: number
  _charsets: Array<Charset | undefined>
  setgCharset(level: number, charset: Charset | undefined): void
  reset(): void
}

export interface Parser {
  currentState: number
  precedingJoinState: number
  _transitions: { table: Uint8Array }
  parse(data: Uint32Array, length: number): void
  reset(): void
  registerCsiHandler(id: FunctionId, handler: (params: Params) => boolean): void
  registerEscHandler(id: FunctionId, handler: () => boolean): void
  setExecuteHandler(character: string, handler: () => boolean): void
}

export interface FunctionId {
  readonly prefix?: string
  readonly intermediates?: string
  readonly final: string
}

export interface CoreService {
  isCursorHidden: boolean
  modes: { insertMode: boolean }
  decPrivateModes: {
    applicationCursorKeys: boolean
    applicationKeypad: boolean
    bracketedPasteMode: boolean
    cursorBlink: boolean | undefined
    cursorStyle: "block" | "underline" | "bar" | undefined
    origin: boolean
    reverseWraparound: boolean
    sendFocus: boolean
    synchronizedOutput: boolean
    wraparound: boolean
  }
}

export interface BufferService {
  cols: number
  rows: number
  buffers: { active: Grid; normal: Grid; alt: Grid }
  scroll(pen: Pen, isWrapped?: boolean): void
}

export interface LinkService {
  registerLink(link: { id?: string | undefined; uri: string }): number
  addLineToLink(id: number, line: number): void
  getLinkData(id: number): { id?: string | undefined; uri: string } | undefined
}

/** What does the work of each sequence. Its methods are looked up by name each time, so they can be overridden. */
export interface InputHandler {
  _activeBuffer: Grid
  _bufferService: BufferService
  _charsetService: Charsets
  _coreService: CoreService
  _coreMouseService: { activeProtocol: string; activeEncoding: string }
  _optionsService: { rawOptions: { scrollback: number; convertEol: boolean; cursorBlink: boolean } }
  _oscLinkService: LinkService
  _parser: Parser
  _curAttrData: Pen
  _windowTitle: string
  _iconName: string
  _windowTitleStack: Array<string>
  _iconNameStack: Array<string>
  parse(data: Uint8Array): void
  _eraseAttrData(): Pen
  _restrictCursor(lastColumn?: number): void
  _setCursor(x: number, y: number): void
  _eraseInBufferLine(y: number, start: number, end: number, clearWrap?: boolean, respectProtect?: boolean): void
  _resetBufferLine(y: number, respectProtect?: boolean): void
  selectCharset(designation: string): boolean
  setModePrivate(params: Params): boolean
  resetModePrivate(params: Params): boolean
  registerOscHandler(number: number, run: (data: string) => boolean): void
  registerDcsHandler(id: FunctionId, run: (data: string, params: Params) => boolean): void
}

/** The emulator without its public wrapper. */
export interface Core {
  _inputHandler: InputHandler & Record<string, unknown>
  _bufferService: BufferService
  _charsetService: Charsets
  coreService: CoreService
  coreMouseService: { activeProtocol: string; activeEncoding: string }
  optionsService: InputHandler["_optionsService"]
  resize(cols: number, rows: number): void
  dispose(): void
}

const COMBINED = 0x200000
const EXTENDED = 0x10000000

/** `BufferLine.copyCellsFrom`. The library's own brings along the marks of cells that it doesn't copy, onto others. */
const copyCellsFrom = function (
  this: Line,
  source: Line,
  from: number,
  to: number,
  length: number,
  reverse: boolean
): void {
  for (let count = 0; count < length; count++) {
    const cell = reverse ? length - 1 - count : count
    const at = (from + cell) * 3
    const x = to + cell
    this._data[x * 3] = source._data[at]!
    this._data[x * 3 + 1] = source._data[at + 1]!
    this._data[x * 3 + 2] = source._data[at + 2]!
    if (source._data[at]! & COMBINED) this._combined[x] = source._combined[from + cell]!
    if (source._data[at + 2]! & EXTENDED) this._extendedAttrs[x] = source._extendedAttrs[from + cell]
  }
}

type CoreConstructor = new (options: Record<string, unknown>) => Core
let constructor: CoreConstructor | undefined

/** A new emulator as the library makes it. */
export const makeCore = (options: Record<string, unknown>): Core => {
  if (constructor === undefined) {
    const outer = new xterm.Terminal({ cols: 2, rows: 1 }) as unknown as { _core: Core; dispose(): void }
    constructor = outer._core.constructor as CoreConstructor
    outer.dispose()
  }
  const core = new constructor(options)
  const line = Object.getPrototypeOf(core._bufferService.buffers.normal.lines.get(0)) as Line
  line.copyCellsFrom = copyCellsFrom
  return core
}
