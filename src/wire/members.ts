/** The members of a JSON object as they are written: for what `JSON.parse` forgets, and what is carried unchanged. */
import { endOfString } from "./lines.ts"

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** One member: its name, and where its value is written. */
export interface Member {
  readonly key: string
  readonly start: number
  readonly end: number
}

/** Every member of a text that is valid JSON and an object, in order, those of the same name among them. */
export const members = (json: string): ReadonlyArray<Member> => {
  const found: Array<Member> = []
  let at = skipSpace(json, json.indexOf("{") + 1)
  while (json.charCodeAt(at) === QUOTE) {
    const keyEnd = endOfString(json, at) + 1
    const key = json.slice(at + 1, keyEnd - 1)
    const start = skipSpace(json, skipSpace(json, keyEnd) + 1)
    const end = endOfValue(json, start)
    found.push({ key: key.includes("\\") ? (JSON.parse(json.slice(at, keyEnd)) as string) : key, start, end })
    at = skipSpace(json, end)
    if (json.charCodeAt(at) !== COMMA) break
    at = skipSpace(json, at + 1)
  }
  return found
}

/** The value of a member, as it is written; of several with this name the last, which is the one that counts. */
export const memberText = (json: string, key: string): string | undefined => {
  const member = members(json).findLast((member) => member.key === key)
  return member === undefined ? undefined : json.slice(member.start, member.end)
}

/** The elements of a text that is valid JSON and an array, as they are written. */
export const elements = (json: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let at = skipSpace(json, json.indexOf("[") + 1)
  while (at < json.length && json.charCodeAt(at) !== CLOSE_BRACKET) {
    const end = endOfValue(json, at)
    found.push(json.slice(at, end))
    at = skipSpace(json, end)
    if (json.charCodeAt(at) === COMMA) at = skipSpace(json, at + 1)
  }
  return found
}

const skipSpace = (json: string, from: number): number => {
  let at = from
  for (let code = json.charCodeAt(at); code <= 0x20; code = json.charCodeAt(++at));
  return at
}

const endOfValue = (json: string, start: number): number => {
  let depth = 0
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(json, at)
      if (depth === 0) return at + 1
    } else if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      if (depth === 0) return at
      if (--depth === 0) return at + 1
    } else if (depth === 0 && (code === COMMA || code <= 0x20)) return at
  }
  return json.length
}
