import { limited } from "../limited.ts"

/** What is looked for. */
export interface Query {
  readonly text: string
  readonly ignoreCase: boolean
  /** `text` is a regular expression (JavaScript's, flag `u`), matched within a line. */
  readonly regex: boolean
}

/** A line that matches: where it begins in the text, and where the match is in it. */
export interface LineMatch {
  readonly position: number
  readonly line: string
  readonly from: number
  readonly to: number
}

/** Finds lines in a piece of text that begins and ends with whole ones. At most one match for a line. */
export type Matcher = (text: Buffer, most: number) => ReadonlyArray<LineMatch>

/** A regular expression that takes longer than this for one piece of text is not one to search with. */
const REGEX_MILLIS = 250
const NEWLINE = 0x0a

/** Throws `SyntaxError` for what is no regular expression. */
export const makeMatcher = (query: Query): Matcher => {
  if (!query.regex && !query.ignoreCase) return literal(Buffer.from(query.text))
  if (!query.regex && /^[\x20-\x7e]+$/.test(query.text)) return anyCase(query.text)
  const source = query.regex ? query.text : escaped(query.text)
  return expression(new RegExp(source, query.ignoreCase ? "giu" : "gu"))
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")

const literal = (needle: Buffer): Matcher => {
  const wanted = needle.toString()
  return (text, most) => {
    const found: Array<LineMatch> = []
    for (let at = text.indexOf(needle); at >= 0 && found.length < most;) {
      const position = text.lastIndexOf(NEWLINE, at) + 1
      const end = text.indexOf(NEWLINE, at)
      const line = text.toString("utf8", position, end)
      const from = line.indexOf(wanted)
      found.push({ position, line, from, to: from + wanted.length })
      at = text.indexOf(needle, end)
    }
    return found
  }
}

/** Latin letters only: bytes and characters are the same then, and no text has to be decoded but what is found. */
const anyCase = (needle: string): Matcher => {
  const regex = new RegExp(escaped(needle), "gi")
  return (text, most) => {
    const found: Array<LineMatch> = []
    const bytes = text.toString("latin1")
    regex.lastIndex = 0
    for (let match = regex.exec(bytes); match !== null && found.length < most; match = regex.exec(bytes)) {
      const position = text.lastIndexOf(NEWLINE, match.index) + 1
      const end = text.indexOf(NEWLINE, match.index)
      const from = text.toString("utf8", position, match.index).length
      found.push({ position, line: text.toString("utf8", position, end), from, to: from + needle.length })
      regex.lastIndex = end
    }
    return found
  }
}

const expression = (regex: RegExp): Matcher => {
  const inLines = (text: string, most: number): ReadonlyArray<LineMatch> => {
    const found: Array<LineMatch> = []
    let position = 0
    for (const line of text.split("\n")) {
      regex.lastIndex = 0
      const match = regex.exec(line)
      if (match !== null) {
        found.push({ position, line, from: match.index, to: match.index + match[0].length })
        if (found.length === most) break
      }
      position += Buffer.byteLength(line) + 1
    }
    return found
  }
  return (text, most) => {
    // The last line's end is not the beginning of another line.
    const found = limited(REGEX_MILLIS, () => inLines(text.toString("utf8", 0, text.length - 1), most))
    if (found === null) throw tooLong()
    return found.done
  }
}

const tooLong = (): Error =>
  Object.assign(new Error("the expression timed out"), { code: "ERR_SCRIPT_EXECUTION_TIMEOUT" })
