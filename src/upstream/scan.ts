/**
 * Finds where values are written within a JSON text, without reading them: what is cut out is exactly what was there.
 * Lenient within values, where some servers write `NaN`; strict about where they begin and end.
 */
import { endOfString } from "../wire/lines.ts"

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** Where the value that begins at `start` ends; -1 where none begins, or it doesn't end. */
export const endOfValue = (json: string, start: number): number => {
  const first = json.charCodeAt(start)
  if (first === QUOTE) return endOfString(json, start) + 1 || -1
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfBrackets(json, start)
  let at = start
  while (at < json.length && !endsWord(json.charCodeAt(at))) at++
  return at === start ? -1 : at
}

/** The texts of an object's members, by name; of several of one name the last. Undefined where it is no object alone. */
export const objectMembers = (json: string): ReadonlyMap<string, string> | undefined => {
  let at = skipSpace(json, 0)
  if (json.charCodeAt(at) !== OPEN_BRACE) return undefined
  const found = new Map<string, string>()
  at = skipSpace(json, at + 1)
  if (json.charCodeAt(at) === CLOSE_BRACE) return skipSpace(json, at + 1) === json.length ? found : undefined
  for (;;) {
    if (json.charCodeAt(at) !== QUOTE) return undefined
    const keyEnd = endOfString(json, at) + 1
    if (keyEnd === 0) return undefined
    const colon = skipSpace(json, keyEnd)
    if (json.charCodeAt(colon) !== COLON) return undefined
    const start = skipSpace(json, colon + 1)
    const end = endOfValue(json, start)
    if (end === -1) return undefined
    const key = textOf(json.slice(at, keyEnd))
    if (key === undefined) return undefined
    found.set(key, json.slice(start, end))
    at = skipSpace(json, end)
    const next = json.charCodeAt(at)
    if (next === CLOSE_BRACE) return skipSpace(json, at + 1) === json.length ? found : undefined
    if (next !== COMMA) return undefined
    at = skipSpace(json, at + 1)
  }
}

/** The texts of an array's elements; undefined where it is no array alone. */
export const arrayElements = (json: string): ReadonlyArray<string> | undefined => {
  let at = skipSpace(json, 0)
  if (json.charCodeAt(at) !== OPEN_BRACKET) return undefined
  const found: Array<string> = []
  at = skipSpace(json, at + 1)
  if (json.charCodeAt(at) === CLOSE_BRACKET) return skipSpace(json, at + 1) === json.length ? found : undefined
  for (;;) {
    const end = endOfValue(json, at)
    if (end === -1) return undefined
    found.push(json.slice(at, end))
    at = skipSpace(json, end)
    const next = json.charCodeAt(at)
    if (next === CLOSE_BRACKET) return skipSpace(json, at + 1) === json.length ? found : undefined
    if (next !== COMMA) return undefined
    at = skipSpace(json, at + 1)
  }
}

/** What the text of a string says; undefined where it is none. */
export const textOf = (json: string | undefined): string | undefined => {
  if (json === undefined || json.charCodeAt(0) !== QUOTE) return undefined
  if (!json.includes("\\") && !hasControl.test(json)) return json.slice(1, -1)
  try {
    return JSON.parse(json) as string
  } catch {
    return undefined
  }
}

/** The number that a text is; undefined where it is none that can be told apart from its neighbours. */
export const integerOf = (json: string | undefined): number | undefined => {
  const value = json !== undefined && /^-?\d{1,16}$/.test(json) ? Number(json) : undefined
  return Number.isSafeInteger(value) ? value : undefined
}

/** The same value on one line: between tokens, line ends mean nothing, and within a string there are none. */
export const oneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, " ") : json)

// oxlint-disable-next-line no-control-regex
const hasControl = /[\u0000-\u001f]/

const endOfBrackets = (json: string, start: number): number => {
  /** What closes each bracket that is open. */
  const open: Array<number> = []
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(json, at)
      if (at === -1) return -1
    } else if (code === OPEN_BRACE) open.push(CLOSE_BRACE)
    else if (code === OPEN_BRACKET) open.push(CLOSE_BRACKET)
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (open.pop() !== code) return -1
      if (open.length === 0) return at + 1
    }
  }
  return -1
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

const endsWord = (code: number): boolean =>
  isSpace(code) ||
  code === COMMA ||
  code === COLON ||
  code === QUOTE ||
  code === CLOSE_BRACE ||
  code === CLOSE_BRACKET ||
  code === OPEN_BRACE ||
  code === OPEN_BRACKET

const skipSpace = (json: string, from: number): number => {
  let at = from
  while (isSpace(json.charCodeAt(at))) at++
  return at
}
