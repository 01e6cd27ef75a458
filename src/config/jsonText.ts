/** JSON that people write by hand: read with the places of its keys, so that a mistake can be pointed at. Plain functions. */

/** A place in a text; both count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** What is wrong with a text, and where. */
export interface JsonMistake {
  readonly place: Place
  readonly problem: string
}

export interface JsonText {
  readonly source: string
  readonly value: unknown
  /** Where the member at this path begins: keys joined by `.`, which is not unambiguous and only for people. */
  readonly places: ReadonlyMap<string, Place>
  /** Where the value of the member at this path stands, in UTF-16 units; that of the whole text is at `""`. */
  readonly spans: ReadonlyMap<string, Span>
}

export interface Span {
  readonly start: number
  readonly end: number
}

interface Members {
  readonly offsets: Map<string, number>
  readonly spans: Map<string, Span>
}

const MAX_DEPTH = 64

class Mistake extends Error {
  readonly offset: number
  constructor(offset: number, problem: string) {
    super(problem)
    this.offset = offset
  }
}

/** Reads one JSON value. A member that is there twice is a mistake too: nobody could tell which one holds. */
export const parseJsonText = (text: string): JsonText | JsonMistake => {
  const members: Members = { offsets: new Map(), spans: new Map() }
  try {
    const start = skipSpace(text, 0)
    const end = skipValue(text, start, "", 0, members)
    members.spans.set("", { start, end: text.trimEnd().length })
    if (end < text.length) throw new Mistake(end, "expected nothing more")
  } catch (mistake) {
    if (!(mistake instanceof Mistake)) throw mistake
    return { place: placeOf(text, mistake.offset), problem: mistake.message }
  }
  const places = new Map(Array.from(members.offsets, ([path, offset]) => [path, placeOf(text, offset)]))
  return { source: text, value: JSON.parse(text), places, spans: members.spans }
}

const placeOf = (text: string, offset: number): Place => {
  const before = text.slice(0, offset)
  return { line: before.split("\n").length, column: offset - before.lastIndexOf("\n") }
}

const patternsAt = {
  space: /[ \t\n\r]*/y,
  // oxlint-disable-next-line no-control-regex
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y,
  scalar: /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y
}

const matchAt = (pattern: RegExp, text: string, offset: number): string | undefined => {
  pattern.lastIndex = offset
  return pattern.exec(text)?.[0]
}

const skipSpace = (text: string, offset: number): number => offset + matchAt(patternsAt.space, text, offset)!.length

const found = (text: string, offset: number): string =>
  offset >= text.length ? "the text ends" : `"${String.fromCodePoint(text.codePointAt(offset)!)}" stands`

const skipString = (text: string, offset: number, what: string): number => {
  const string = matchAt(patternsAt.string, text, offset)
  if (string !== undefined) return offset + string.length
  if (text[offset] !== '"') throw new Mistake(offset, `expected ${what} in double quotes where ${found(text, offset)}`)
  throw new Mistake(offset, "a string that does not end on its line, or with a bad escape (a \\ is written \\\\)")
}

/** Skips a value and the space behind it; notes where members are. */
const skipValue = (text: string, offset: number, path: string, depth: number, members: Members): number => {
  const first = text[offset]
  if (first === "{" || first === "[") {
    if (depth >= MAX_DEPTH) throw new Mistake(offset, `nested deeper than ${MAX_DEPTH}`)
    return skipMembers(text, offset, path, depth, members)
  }
  if (first === '"') return skipSpace(text, skipString(text, offset, "a text"))
  const scalar = matchAt(patternsAt.scalar, text, offset)
  if (scalar !== undefined) return skipSpace(text, offset + scalar.length)
  if (first === "/" || first === "#") throw new Mistake(offset, "JSON has no comments")
  throw new Mistake(offset, `expected a value where ${found(text, offset)}`)
}

const skipMembers = (text: string, start: number, path: string, depth: number, members: Members): number => {
  const isObject = text[start] === "{"
  const close = isObject ? "}" : "]"
  let offset = skipSpace(text, start + 1)
  if (text[offset] === close) return skipSpace(text, offset + 1)
  const names = new Set<string>()
  for (let index = 0; ; index++) {
    let member = `${path}[${index}]`
    if (isObject) {
      const end = skipString(text, offset, "a key")
      const name = JSON.parse(text.slice(offset, end)) as string
      member = path === "" ? name : `${path}.${name}`
      if (names.has(name)) throw new Mistake(offset, `"${member}" is there twice`)
      names.add(name)
      members.offsets.set(member, offset)
      offset = skipSpace(text, end)
      if (text[offset] !== ":") throw new Mistake(offset, `expected ":" where ${found(text, offset)}`)
      offset = skipSpace(text, offset + 1)
    }
    const start = offset
    offset = skipValue(text, start, member, depth + 1, members)
    if (isObject) members.spans.set(member, { start, end: text.slice(start, offset).trimEnd().length + start })
    if (text[offset] === close) return skipSpace(text, offset + 1)
    if (text[offset] !== ",") throw new Mistake(offset, `expected "," or "${close}" where ${found(text, offset)}`)
    offset = skipSpace(text, offset + 1)
    if (text[offset] === close) throw new Mistake(offset, `expected another one behind the "," where "${close}" stands`)
  }
}
