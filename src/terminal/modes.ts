/** Modes by number: what they are, whether they are on, and what they are called. */
import type { Handler } from "./handler.ts"
import { screenName } from "./handler.ts"

/** Private modes that say how a mouse's position is written. One at a time. */
export const mouseEncodings = [1005, 1006, 1015, 1016] as const
const mouseProtocols: Record<number, string> = { 9: "X10", 1000: "VT200", 1002: "DRAG", 1003: "ANY" }

/** Private modes that aren't remembered: actions, and what a terminal of ours never does. */
const ignored = new Set([2, 3, 40, 41, 47, 95, 1047, 1048, 1049])
/** Private modes that the library keeps. */
const kept = new Set([1, 6, 7, 9, 12, 25, 45, 66, 1000, 1002, 1003, 1004, 2004, 2026])

/** Sets a mode that the library doesn't know. */
export const rememberMode = (handler: Handler, mode: number, on: boolean): void => {
  if (ignored.has(mode) || kept.has(mode)) return
  if ((mouseEncodings as ReadonlyArray<number>).includes(mode)) {
    for (const encoding of mouseEncodings) handler.tracked.modes.delete(encoding)
    if (on) handler.tracked.modes.add(mode)
  } else handler.tracked.setMode(mode, on)
}

/** Whether a private mode is on; undefined for one that we know nothing of and no program has set. */
export const privateMode = (handler: Handler, mode: number): boolean | undefined => {
  const modes = handler._coreService.decPrivateModes
  switch (mode) {
    case 1:
      return modes.applicationCursorKeys
    case 6:
      return modes.origin
    case 7:
      return modes.wraparound
    case 9:
    case 1000:
    case 1002:
    case 1003:
      return handler._coreMouseService.activeProtocol === mouseProtocols[mode]
    case 12:
      return modes.cursorBlink ?? handler._optionsService.rawOptions.cursorBlink
    case 25:
      return !handler._coreService.isCursorHidden
    case 45:
      return modes.reverseWraparound
    case 47:
    case 1047:
    case 1049:
      return screenName(handler) === "alternate"
    case 66:
      return modes.applicationKeypad
    case 1004:
      return modes.sendFocus
    case 2004:
      return modes.bracketedPasteMode
    case 2026:
      return modes.synchronizedOutput
    default:
      return handler.tracked.modes.has(mode) || (isKnown(mode) ? false : undefined)
  }
}

/** The private mode of the mouse protocol in use. */
export const mouseMode = (handler: Handler): number | undefined => {
  const active = handler._coreMouseService.activeProtocol
  const found = Object.keys(mouseProtocols).find((mode) => mouseProtocols[Number(mode)] === active)
  return found === undefined ? undefined : Number(found)
}

const named: Record<number, string> = {
  1: "applicationCursorKeys",
  5: "reverseVideo",
  6: "origin",
  7: "wraparound",
  45: "reverseWraparound",
  66: "applicationKeypad",
  1004: "focusReporting",
  1007: "alternateScroll",
  2004: "bracketedPaste",
  2026: "synchronizedOutput",
  2027: "graphemeClusters",
  2031: "colourSchemeReports",
  2048: "resizeReports"
}
const protocolNames: Record<string, string> = { NONE: "none", X10: "x10", VT200: "normal", DRAG: "drag", ANY: "any" }
const encodingNames: Record<number, string> = { 1005: "utf8", 1006: "sgr", 1015: "urxvt", 1016: "sgrPixels" }

const isKnown = (mode: number): boolean => named[mode] !== undefined || encodingNames[mode] !== undefined

/** Every mode by name; those without a name that a program has set as `private<number>`. */
export const modeRecord = (handler: Handler): Record<string, boolean | number | string> => {
  const record: Record<string, boolean | number | string> = {}
  for (const [mode, name] of Object.entries(named)) record[name] = privateMode(handler, Number(mode)) ?? false
  record.insert = handler._coreService.modes.insertMode
  record.newLine = handler._optionsService.rawOptions.convertEol
  record.mouse = protocolNames[handler._coreMouseService.activeProtocol]!
  const encoding = mouseEncodings.find((mode) => handler.tracked.modes.has(mode))
  record.mouseEncoding = encoding === undefined ? "default" : encodingNames[encoding]!
  record.keyboardFlags = handler.tracked.keyboardFlags(screenName(handler))
  record.modifyOtherKeys = handler.tracked.modifyKeys.get(4) ?? 0
  for (const mode of handler.tracked.modes) if (!isKnown(mode)) record[`private${mode}`] = true
  return record
}
