/** Answers to what a program asks its terminal. */
import { type Colours, colourText, paletteColour } from "./colours.ts"
import type { Handler } from "./handler.ts"
import { privateMode } from "./modes.ts"
import { penSgr } from "./sgr.ts"
import type { Rgb } from "./tracked.ts"
import type { Params } from "./xterm.ts"

/** What a terminal says it is. */
export interface Identity {
  /** XTVERSION. */
  readonly version: string
  colours: Colours
  /** Size of a cell, if anybody knows. */
  pixels: { readonly width: number; readonly height: number } | undefined
  /** Answer to ENQ. */
  readonly answerback: string
}

const special = (colours: Colours, number: number): Rgb => {
  // 11, 14, 16 and 17 are backgrounds, the rest foregrounds; 12, 13, 15 and 18 are cursors and pointers.
  if (number === 11 || number === 14 || number === 16) return colours.background
  return number === 12 || number === 18 ? colours.cursor : colours.foreground
}

/** Capabilities that XTGETTCAP knows. */
const capabilities: Record<string, string> = {
  TN: "xterm-256color",
  name: "xterm-256color",
  Co: "256",
  colors: "256",
  RGB: "8/8/8",
  Su: "",
  Smulx: "\\E[4:%p1%dm",
  Setulc: "\\E[58:2::%p1%{65536}%/%d:%p1%{256}%/%{255}%&%d:%p1%{255}%&%dm",
  Ss: "\\E[%p1%d q",
  Se: "\\E[0 q"
}

const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex").toUpperCase()

const number = (value: boolean | undefined): number => (value === undefined ? 0 : value ? 1 : 2)

const cursorPosition = (handler: Handler): string => {
  const grid = handler._activeBuffer
  const top = handler._coreService.decPrivateModes.origin ? grid.scrollTop : 0
  return `${grid.y - top + 1};${Math.min(grid.x, handler._bufferService.cols - 1) + 1}`
}

/** DECDSR: printer, keys, keyboard, locator, macros, sessions: there are none of these, and all is well. */
const deviceReports: Record<number, string> = {
  15: "13",
  25: "20",
  26: "27;1;0;0",
  53: "50",
  55: "50",
  56: "57;0",
  75: "70",
  85: "83"
}

const windowReport = (handler: Handler, what: number): string | undefined => {
  const { cols, rows } = handler._bufferService
  const { pixels } = handler.identity
  switch (what) {
    case 11:
      return "\x1b[1t"
    case 13:
      return "\x1b[3;0;0t"
    case 14:
      return pixels && `\x1b[4;${pixels.height * rows};${pixels.width * cols}t`
    case 15:
      return pixels && `\x1b[5;${pixels.height * rows};${pixels.width * cols}t`
    case 16:
      return pixels && `\x1b[6;${pixels.height};${pixels.width}t`
    case 18:
      return `\x1b[8;${rows};${cols}t`
    case 19:
      return `\x1b[9;${rows};${cols}t`
    // A title is what any program wrote; said back it would be typed, so it is said to be empty.
    case 20:
      return "\x1b]L\x1b\\"
    case 21:
      return "\x1b]l\x1b\\"
    default:
      return undefined
  }
}

const statusString = (handler: Handler, what: string): string | undefined => {
  const grid = handler._activeBuffer
  const modes = handler._coreService.decPrivateModes
  const { cols, rows } = handler._bufferService
  const blink = modes.cursorBlink ?? handler._optionsService.rawOptions.cursorBlink
  switch (what) {
    case "m":
      return `${penSgr(handler._curAttrData)}m`
    case "r":
      return `${grid.scrollTop + 1};${grid.scrollBottom + 1}r`
    case "s":
      return `1;${cols}s`
    case "t":
      return `${Math.max(24, rows)}t`
    case "$|":
      return `${cols}$|`
    case "*|":
      return `${rows}*|`
    case " q":
      return `${{ block: 2, underline: 4, bar: 6 }[modes.cursorStyle ?? "block"] - (blink ? 1 : 0)} q`
    case '"q':
      return `${handler._curAttrData.bg & 0x20000000 ? 1 : 0}"q`
    case '"p':
      return '62;1"p'
    default:
      return undefined
  }
}

/** Answers as methods of the input handler. */
export const answers = {
  palette: (handler: Handler, index: number): void => {
    const colour = handler.tracked.colours.get(index) ?? paletteColour(handler.identity.colours, index)
    handler.reply(`\x1b]4;${index};${colourText(colour)}`, true)
  },
  special: (handler: Handler, which: number): void => {
    const colour = handler.tracked.colours.get(1000 + which) ?? special(handler.identity.colours, which)
    handler.reply(`\x1b]${which};${colourText(colour)}`, true)
  }
}

/** DA1: a VT220 with colours. DA2: as new as programs want it for SGR mouse. DA3: no number. */
function sendDeviceAttributesPrimary(this: Handler, params: Params): boolean {
  if (params.params[0] === 0) this.reply("\x1b[?62;22c")
  return true
}
function sendDeviceAttributesSecondary(this: Handler, params: Params): boolean {
  if (params.params[0] === 0) this.reply("\x1b[>1;500;0c")
  return true
}
function deviceStatus(this: Handler, params: Params): boolean {
  if (params.params[0] === 5) this.reply("\x1b[0n")
  else if (params.params[0] === 6) this.reply(`\x1b[${cursorPosition(this)}R`)
  return true
}
function deviceStatusPrivate(this: Handler, params: Params): boolean {
  const what = params.params[0]!
  if (what === 6) this.reply(`\x1b[?${cursorPosition(this)}R`)
  else if (what === 996) {
    const [red, green, blue] = this.tracked.colours.get(1011) ?? this.identity.colours.background
    this.reply(`\x1b[?997;${red * 299 + green * 587 + blue * 114 < 128_000 ? 1 : 2}n`)
  } else if (deviceReports[what] !== undefined) this.reply(`\x1b[?${deviceReports[what]}n`)
  return true
}
/** DECRQM. 0 is a mode we don't know, 1 set, 2 reset, 3 always set, 4 never. */
function requestMode(this: Handler, params: Params, ansi: boolean): boolean {
  const mode = params.params[0]!
  const fixed: Record<number, number> = ansi ? { 2: 4, 12: 3 } : { 8: 3, 67: 4, 1048: 1 }
  let value = fixed[mode]
  if (value === undefined && ansi) {
    const on =
      mode === 4
        ? this._coreService.modes.insertMode
        : mode === 20
          ? this._optionsService.rawOptions.convertEol
          : undefined
    value = number(on)
  }
  this.reply(`\x1b[${ansi ? "" : "?"}${mode};${value ?? number(privateMode(this, mode))}$y`)
  return true
}
/** DECRQSS. */
function requestStatusString(this: Handler, data: string): boolean {
  const status = statusString(this, data)
  this.reply(status === undefined ? "\x1bP0$r\x1b\\" : `\x1bP1$r${status}\x1b\\`)
  return true
}

export const answerMethods = {
  sendDeviceAttributesPrimary,
  sendDeviceAttributesSecondary,
  deviceStatus,
  deviceStatusPrivate,
  requestMode,
  requestStatusString
}

/** XTGETTCAP: each name for itself. */
const terminfo = (handler: Handler, data: string): true => {
  for (const name of data.split(";")) {
    const capability = /^(?:[\da-f]{2})+$/i.test(name) ? Buffer.from(name, "hex").toString("latin1") : ""
    const value = Object.hasOwn(capabilities, capability) ? capabilities[capability] : undefined
    if (value === undefined) handler.reply(`\x1bP0+r${name}\x1b\\`)
    else handler.reply(`\x1bP1+r${name}${value === "" ? "" : `=${hex(value)}`}\x1b\\`)
  }
  return true
}

/** Adds the questions that the library doesn't know. */
export const addAnswers = (handler: Handler): void => {
  const csi = (id: { prefix?: string; intermediates?: string; final: string }, run: (params: Params) => unknown) =>
    handler._parser.registerCsiHandler(id, (params) => (run(params), true))
  const first = (params: Params): number => params.params[0]!
  csi({ prefix: "=", final: "c" }, (params) => first(params) === 0 && handler.reply("\x1bP!|00000000\x1b\\"))
  csi({ prefix: ">", final: "q" }, (params) => {
    if (first(params) === 0) handler.reply(`\x1bP>|${handler.identity.version}\x1b\\`)
  })
  csi({ prefix: "?", final: "u" }, () => handler.reply(`\x1b[?${handler.tracked.keyboardFlags(handler.screen())}u`))
  csi({ prefix: "?", final: "m" }, (params) => {
    handler.reply(`\x1b[>${first(params)};${Math.max(0, handler.tracked.modifyKeys.get(first(params)) ?? 0)}m`)
  })
  csi({ prefix: "?", final: "g" }, (params) => {
    handler.reply(`\x1b[>${first(params)};${handler.tracked.formatKeys.get(first(params)) ?? 0}f`)
  })
  // Graphics there are none of.
  csi({ prefix: "?", final: "S" }, (params) => handler.reply(`\x1b[?${first(params)};3;0S`))
  csi({ final: "x" }, (params) => first(params) < 2 && handler.reply(`\x1b[${first(params) + 2};1;1;128;128;1;0x`))
  csi({ intermediates: '"', final: "v" }, () => {
    handler.reply(`\x1b[${handler._bufferService.rows};${handler._bufferService.cols};1;1;1"w`)
  })
  handler._parser.registerEscHandler({ final: "Z" }, () => (handler.reply("\x1b[?62;22c"), true))
  handler._parser.registerCsiHandler({ final: "t" }, (params) => {
    const report = windowReport(handler, first(params))
    if (report !== undefined) handler.reply(report)
    return report !== undefined
  })
  handler.registerDcsHandler({ intermediates: "+", final: "q" }, (data) => terminfo(handler, data))
  handler._parser.setExecuteHandler("\x05", () => {
    if (handler.identity.answerback !== "") handler.reply(handler.identity.answerback)
    return true
  })
}
