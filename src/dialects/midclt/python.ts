/** How Python reads and writes JSON: what midclt's clients are answered with is worded by it, and spaced like it. Pure. */

/**
 * A value of a request and where it stands in its line. Only what is looked at is made a value of ours: what is passed
 * on is passed on as it was written.
 */
export type Value =
  | { readonly kind: "dict"; readonly text: string; readonly members: ReadonlyMap<string, Value> }
  | { readonly kind: "list" | "set"; readonly text: string; readonly items: ReadonlyArray<Value> }
  | { readonly kind: "str"; readonly text: string }
  | { readonly kind: "int" | "float" | "bool" | "NoneType"; readonly text: string }

/** Why a text is no value: the exception Python would raise, and what it would say. */
export class PythonError extends Error {
  readonly type: string
  constructor(type: string, message: string) {
    super(message)
    this.type = type
  }
}

/** The text of a string, without quotes and escapes. */
export const stringOf = (value: Value): string => JSON.parse(value.text) as string

/** What Python takes for blank: some control characters too, and not the byte order mark. */
const isBlank = (character: string): boolean =>
  (/\s/.test(character) && character !== "\ufeff") || "\x1c\x1d\x1e\x1f\x85".includes(character)

/** As `str.strip`. */
export const strip = (line: string): string => {
  let start = 0
  let end = line.length
  while (start < end && isBlank(line[start]!)) start++
  while (end > start && isBlank(line[end - 1]!)) end--
  return line.slice(start, end)
}

const CONSTANT = /null|true|false|NaN|-?Infinity/y
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y
const SPACES = /[ \t\n\r]*/y
/** To the end of a string, an escape or a control character; beyond those that {@link isControl} tells from others. */
const PLAIN = /[^"\\\p{Cc}]*/uy
const isControl = (character: string): boolean => character < " "

/** Reads a text as `json.loads` does with midclt's extensions. Throws a {@link PythonError}. Its nesting is to be bounded. */
export const parsePython = (text: string): Value => {
  let at = 0

  const fail = (problem: string, position = at): never => {
    const before = text.slice(0, position)
    const lines = before.split("\n")
    const column = [...lines.at(-1)!].length + 1
    throw new PythonError(
      "JSONDecodeError",
      `${problem}: line ${lines.length} column ${column} (char ${[...before].length})`
    )
  }
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found !== null) at += found[0].length
    return found
  }
  const skip = (): void => void match(SPACES)

  const string = (): Value => {
    const start = at++
    for (;;) {
      match(PLAIN)
      const character = text[at]
      if (character === undefined) fail("Unterminated string starting at", start)
      if (character === '"') return { kind: "str", text: text.slice(start, ++at) }
      if (character !== "\\") {
        if (isControl(character!)) fail("Invalid control character at")
        at++
        continue
      }
      const escaped = text[at + 1]
      if (escaped === undefined) fail("Unterminated string starting at", start)
      if (escaped === "u") {
        if (!/^[0-9a-fA-F]{4}$/.test(text.slice(at + 2, at + 6))) fail("Invalid \\uXXXX escape", at + 1)
        at += 6
      } else if ('"\\/bfnrt'.includes(escaped!)) at += 2
      else fail("Invalid \\escape")
    }
  }

  const dict = (): Value => {
    const start = at++
    const members = new Map<string, Value>()
    skip()
    if (text[at] === "}") return { kind: "dict", text: text.slice(start, ++at), members }
    for (;;) {
      if (text[at] !== '"') fail("Expecting property name enclosed in double quotes")
      const name = stringOf(string())
      skip()
      if (text[at] !== ":") fail("Expecting ':' delimiter")
      at++
      skip()
      members.set(name, value())
      skip()
      if (text[at] === "}") break
      if (text[at] !== ",") fail("Expecting ',' delimiter")
      at++
      skip()
    }
    at++
    const set = members.size === 1 ? members.get("$set") : undefined
    return set === undefined
      ? { kind: "dict", text: text.slice(start, at), members }
      : { kind: "set", text: text.slice(start, at), items: itemsOfSet(set) }
  }

  const list = (): Value => {
    const start = at++
    const items: Array<Value> = []
    skip()
    if (text[at] === "]") return { kind: "list", text: text.slice(start, ++at), items }
    for (;;) {
      items.push(value())
      skip()
      if (text[at] === "]") return { kind: "list", text: text.slice(start, ++at), items }
      if (text[at] !== ",") fail("Expecting ',' delimiter")
      at++
      skip()
    }
  }

  const value = (): Value => {
    const first = text[at]
    if (first === '"') return string()
    if (first === "{") return dict()
    if (first === "[") return list()
    const constant = match(CONSTANT)?.[0]
    if (constant === "null") return { kind: "NoneType", text: constant }
    if (constant !== undefined)
      return { kind: constant.length < 6 && constant !== "NaN" ? "bool" : "float", text: constant }
    const number = match(NUMBER)
    if (number === null) return fail("Expecting value")
    return { kind: number[1] === undefined && number[2] === undefined ? "int" : "float", text: number[0] }
  }

  if (text.startsWith("\ufeff")) fail("Unexpected UTF-8 BOM (decode using utf-8-sig)")
  skip()
  const whole = value()
  skip()
  if (at < text.length) fail("Extra data")
  return whole
}

/** `{"$set": […]}` stands for a set, in which there are no lists, dicts and sets. */
const itemsOfSet = (value: Value): ReadonlyArray<Value> => {
  const items = itemsOf(value)
  const problem =
    items === undefined
      ? `'${value.kind}' object is not iterable`
      : items.filter(({ kind }) => kind === "dict" || kind === "list" || kind === "set").map(unhashable)[0]
  if (problem !== undefined) throw new PythonError("EJSONDecodeError", `Error parsing $set: ${problem}`)
  return items!
}
const unhashable = ({ kind }: Value): string => `unhashable type: '${kind}'`

/** What iterating over a value gives: the characters of a string, the keys of a dict; undefined where it can't be iterated over. */
export const itemsOf = (value: Value): ReadonlyArray<Value> | undefined => {
  switch (value.kind) {
    case "list":
    case "set":
      return value.items
    case "dict":
      return [...value.members.keys()].map(asString)
    case "str":
      return [...stringOf(value)].map(asString)
    default:
      return undefined
  }
}
const asString = (text: string): Value => ({ kind: "str", text: dumps(text) })

/** Whether Python takes it for true. */
export const isTruthy = (value: Value): boolean => {
  switch (value.kind) {
    case "dict":
      return value.members.size > 0
    case "list":
    case "set":
      return value.items.length > 0
    case "str":
      return value.text !== '""'
    case "bool":
      return value.text === "true"
    case "NoneType":
      return false
    default:
      return Number(value.text) !== 0
  }
}

const words: Readonly<Record<string, string>> = {
  null: "None",
  true: "True",
  false: "False",
  NaN: "nan",
  Infinity: "inf",
  "-Infinity": "-inf"
}

/** As `str` has it. */
export const str = (value: Value): string => (value.kind === "str" ? stringOf(value) : repr(value))

/** As `repr` has it, but for numbers that Python would round. */
export const repr = (value: Value): string => {
  switch (value.kind) {
    case "dict":
      return `{${[...value.members].map(([name, member]) => `${reprString(name)}: ${repr(member)}`).join(", ")}}`
    case "list":
      return `[${value.items.map(repr).join(", ")}]`
    case "set":
      return value.items.length === 0 ? "set()" : `{${value.items.map(repr).join(", ")}}`
    case "str":
      return reprString(stringOf(value))
    default:
      return words[value.text] ?? value.text
  }
}

const short: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" }

export const reprString = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = Array.from(text, (character) => {
    if (short[character] !== undefined) return short[character]
    if (character === quote) return `\\${quote}`
    return /^[\p{C}\p{Z}]$/u.test(character) && character !== " " ? hexEscape(character.codePointAt(0)!) : character
  })
  return quote + body.join("") + quote
}

const hexEscape = (code: number): string => {
  const [letter, digits] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8]
  return `\\${letter}${code.toString(16).padStart(digits as number, "0")}`
}

/** The text of a JSON value that came from elsewhere: written as it is. */
export class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** As `json.dumps` writes it: a space behind each comma and colon, ASCII alone; what is {@link Raw} untouched. */
export const dumps = (value: unknown): string => {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(dumps).join(", ")}]`
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, member]) => `${dumps(name)}: ${dumps(member)}`)
    return `{${members.join(", ")}}`
  }
  const text = JSON.stringify(value) ?? "null"
  return text.replaceAll(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
}
