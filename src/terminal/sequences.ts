/** Sequences that the library doesn't know, and those that mean more to us than to it. */
import { parseColour } from "./colours.ts"
import type { Handler } from "./handler.ts"
import { screenName } from "./handler.ts"
import { privateMode } from "./modes.ts"
import type { Progress } from "./tracked.ts"
import type { Params } from "./xterm.ts"

/** Text of a program that is kept (titles, directories, notices) is cut here. */
const LONGEST_TEXT = 4096

/** What a program tells about itself beside what it draws. */
export type Sign =
  | { readonly sign: "bell" }
  | { readonly sign: "title"; readonly text: string }
  | { readonly sign: "directory"; readonly text: string }
  | { readonly sign: "notice"; readonly text: string }
  | { readonly sign: "progress"; readonly progress: Progress | undefined }
  /** OSC 7501, the Program Status Protocol: what a program says it is about, such as `state=working:app=claude-code`. */
  | { readonly sign: "status"; readonly text: string }
  /** OSC 133: a shell's prompt begins (`A`), ends (`B`), a command's output begins (`C`), ends (`D`, with its exit code). */
  | { readonly sign: "prompt"; readonly mark: string; readonly exitCode: number | undefined }

export const cutText = (text: string): string => (text.length > LONGEST_TEXT ? text.slice(0, LONGEST_TEXT) : text)

const progressStates = ["normal", "normal", "error", "indeterminate", "paused"] as const

const setProgress = (handler: Handler, fields: ReadonlyArray<string>): void => {
  const state = Number(fields[1])
  if (!Number.isInteger(state) || state < 0 || state > 4) return
  const value = Math.min(100, Math.max(0, Math.trunc(Number(fields[2])) || 0))
  handler.tracked.progress = state === 0 ? undefined : { state: progressStates[state]!, value }
  handler.sign({ sign: "progress", progress: handler.tracked.progress })
}

const notify = (handler: Handler, text: string): true => {
  handler.sign({ sign: "notice", text: cutText(text) })
  return true
}

/** OSC 4: pairs of number and colour. Questions among them are answered. */
const palette = (handler: Handler, data: string): true => {
  const fields = data.split(";")
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const index = /^\d+$/.test(fields[at]!) ? Number(fields[at]) : -1
    if (index < 0 || index > 255) continue
    if (fields[at + 1] === "?") handler.answers.palette(handler, index)
    else {
      const colour = parseColour(fields[at + 1]!)
      if (colour !== undefined) handler.tracked.colours.set(index, colour)
    }
  }
  return true
}

/** OSC 10 to 19: each further value is the next number's. */
const special = (handler: Handler, first: number, data: string): true => {
  data.split(";").forEach((field, index) => {
    const number = first + index
    if (number > 19) return
    if (field === "?") handler.answers.special(handler, number)
    else {
      const colour = parseColour(field)
      if (colour !== undefined) handler.tracked.colours.set(1000 + number, colour)
    }
  })
  return true
}

const resetPalette = (handler: Handler, data: string): true => {
  const { colours } = handler.tracked
  if (data === "") for (let index = 0; index < 256; index++) colours.delete(index)
  for (const field of data.split(";")) if (/^\d+$/.test(field)) colours.delete(Number(field))
  return true
}

const modifyKeys = (map: Map<number, number>, params: Params): true => {
  const resource = params.params[0]!
  if (params.length === 1 && resource === 0) map.clear()
  else if (params.length === 1 || params.params[1]! <= 0) map.delete(resource)
  else if (resource <= 16) map.set(resource, params.params[1]!)
  return true
}

const restoreMode = (handler: Handler, mode: number): void => {
  const on = handler.tracked.savedModes.get(mode)
  if (on === undefined) return
  const params = { params: Int32Array.of(mode), length: 1, hasSubParams: () => false, getSubParams: () => null }
  if (on) handler.setModePrivate(params)
  else handler.resetModePrivate(params)
}

/** XTSAVE keeps these: those that only say how something is done. */
const savable = (mode: number): boolean => ![3, 6, 47, 1047, 1048, 1049].includes(mode)
const SAVED_MODES = 64

/** Adds the handlers to an emulator. */
export const addSequences = (handler: Handler): void => {
  const { tracked } = handler
  const csi = (prefix: string, final: string, run: (params: Params) => true) =>
    handler._parser.registerCsiHandler({ ...(prefix === "" ? {} : { prefix }), final }, run)
  const osc = (number: number, run: (data: string) => true) => handler.registerOscHandler(number, run)
  const each = (params: Params, run: (value: number) => void): true => {
    for (let index = 0; index < params.length; index++) run(params.params[index]!)
    return true
  }

  csi(">", "u", (params) => (tracked.pushKeyboard(screenName(handler), params.params[0]!), true))
  csi("<", "u", (params) => (tracked.popKeyboard(screenName(handler), params.params[0]! || 1), true))
  csi("=", "u", (params) => {
    tracked.setKeyboard(screenName(handler), params.params[0]!, params.length > 1 ? params.params[1]! || 1 : 1)
    return true
  })
  csi(">", "m", (params) => modifyKeys(tracked.modifyKeys, params))
  csi(">", "f", (params) => modifyKeys(tracked.formatKeys, params))
  csi(">", "n", (params) => (tracked.modifyKeys.set(Math.min(16, params.params[0]!), -1), true))
  csi("?", "s", (params) =>
    each(params, (mode) => {
      const on = privateMode(handler, mode)
      if (on !== undefined && savable(mode) && tracked.savedModes.size < SAVED_MODES) tracked.savedModes.set(mode, on)
    })
  )
  csi("?", "r", (params) => each(params, (mode) => restoreMode(handler, mode)))
  // Shifts of the right half, which UTF-8 doesn't have.
  for (const final of "|}~") handler._parser.registerEscHandler({ final }, () => true)

  osc(4, (data) => palette(handler, data))
  osc(104, (data) => resetPalette(handler, data))
  for (let number = 10; number <= 19; number++) {
    osc(number, (data) => special(handler, number, data))
    osc(number + 100, () => (tracked.colours.delete(1000 + number), true))
  }
  osc(7, (data) => {
    tracked.cwd = cutText(data)
    handler.sign({ sign: "directory", text: tracked.cwd })
    return true
  })
  osc(9, (data) => {
    const fields = data.split(";")
    if (fields[0] === "4" && fields.length > 1) setProgress(handler, fields)
    else return notify(handler, data)
    return true
  })
  osc(777, (data) => (data.startsWith("notify;") ? notify(handler, data.slice(7).replaceAll(";", ": ")) : true))
  osc(99, (data) => notify(handler, data.slice(data.indexOf(";") + 1)))
  osc(7501, (data) => {
    // Programs say nothing to a terminal that doesn't answer that it listens.
    if (data === "?") handler.reply("\x1b]7501;?", true)
    else if (data.length <= LONGEST_TEXT) handler.sign({ sign: "status", text: data })
    return true
  })
  osc(133, (data) => {
    const [mark, code] = data.split(";")
    const exitCode = mark === "D" && code !== undefined && /^\d+$/.test(code) ? Number(code) : undefined
    if (/^[A-D]$/.test(mark ?? "")) handler.sign({ sign: "prompt", mark: mark!, exitCode })
    return true
  })
}
