/**
 * JSON as people keep it: with comments and commas behind the last one. Read with its places, so that something can be
 * put in and taken out while every other character stays. Pure.
 */

export interface Member {
  readonly key: string
  /** Where its key begins. */
  readonly start: number
  readonly value: Node
}

interface Span {
  readonly start: number
  readonly end: number
}

export type ObjectNode = Span & { readonly type: "object"; readonly members: ReadonlyArray<Member> }
export type ArrayNode = Span & { readonly type: "array"; readonly items: ReadonlyArray<Node> }
export type Node = ObjectNode | ArrayNode | (Span & { readonly type: "scalar"; readonly value: unknown })

const MOST_DEPTH = 100

const tokens = {
  trivia: /(?:[ \t\r\n\uFEFF]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y,
  // oxlint-disable-next-line no-control-regex
  string: /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y,
  scalar: /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y
}

class Mistake extends Error {}

const matchAt = (pattern: RegExp, text: string, at: number): string | undefined => {
  pattern.lastIndex = at
  return pattern.exec(text)?.[0]
}

const skip = (text: string, at: number): number => at + (matchAt(tokens.trivia, text, at)?.length ?? 0)

/** What a text holds, with places; null where it is not JSON, comments and last commas aside. */
export const parseJsonc = (text: string): Node | null => {
  try {
    const node = valueAt(text, skip(text, 0), 0)
    return skip(text, node.end) === text.length ? node : null
  } catch (error) {
    if (error instanceof Mistake) return null
    throw error
  }
}

const valueAt = (text: string, at: number, depth: number): Node => {
  if (depth > MOST_DEPTH) throw new Mistake()
  if (text[at] === "{") return objectAt(text, at, depth)
  if (text[at] === "[") return arrayAt(text, at, depth)
  const word = matchAt(tokens.string, text, at) ?? matchAt(tokens.scalar, text, at)
  if (word === undefined) throw new Mistake()
  return { type: "scalar", start: at, end: at + word.length, value: JSON.parse(word) as unknown }
}

/** Behind a value: where the next one begins, or the end. */
const nextAt = (text: string, end: number, close: string): { readonly at: number; readonly isLast: boolean } => {
  const at = skip(text, end)
  if (text[at] === close) return { at: at + 1, isLast: true }
  if (text[at] !== ",") throw new Mistake()
  const next = skip(text, at + 1)
  return text[next] === close ? { at: next + 1, isLast: true } : { at: next, isLast: false }
}

const objectAt = (text: string, start: number, depth: number): ObjectNode => {
  const members: Array<Member> = []
  let at = skip(text, start + 1)
  if (text[at] === "}") return { type: "object", start, end: at + 1, members }
  for (;;) {
    const key = matchAt(tokens.string, text, at)
    if (key === undefined) throw new Mistake()
    const colon = skip(text, at + key.length)
    if (text[colon] !== ":") throw new Mistake()
    const value = valueAt(text, skip(text, colon + 1), depth + 1)
    members.push({ key: JSON.parse(key) as string, start: at, value })
    const next = nextAt(text, value.end, "}")
    if (next.isLast) return { type: "object", start, end: next.at, members }
    at = next.at
  }
}

const arrayAt = (text: string, start: number, depth: number): ArrayNode => {
  const items: Array<Node> = []
  let at = skip(text, start + 1)
  if (text[at] === "]") return { type: "array", start, end: at + 1, items }
  for (;;) {
    const value = valueAt(text, at, depth + 1)
    items.push(value)
    const next = nextAt(text, value.end, "]")
    if (next.isLast) return { type: "array", start, end: next.at, items }
    at = next.at
  }
}

/** The member of this name; of several the last one, which is the one that holds. */
export const memberOf = (node: Node | undefined, key: string): Member | undefined =>
  node?.type === "object" ? node.members.findLast((member) => member.key === key) : undefined

export const valueOf = (node: Node): unknown => {
  if (node.type === "scalar") return node.value
  if (node.type === "array") return node.items.map(valueOf)
  return Object.fromEntries(node.members.map(({ key, value }) => [key, valueOf(value)]))
}

/** Each with where it begins and ends, its key included. */
const partsOf = (node: ObjectNode | ArrayNode): ReadonlyArray<Span> =>
  node.type === "object" ? node.members.map(({ start, value }) => ({ start, end: value.end })) : node.items

const commaBehind = (text: string, end: number): number | null => {
  const at = skip(text, end)
  return text[at] === "," ? at : null
}

const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf("\n", at - 1) + 1, at))?.[0] ?? ""

const unitOf = (text: string): string => /\n([ \t]+)\S/.exec(text)?.[1] ?? "  "

/** The text with a value as the last one of an object (then it has a `key`) or an array. */
export const withLast = (text: string, node: ObjectNode | ArrayNode, value: unknown, key?: string): string => {
  const parts = partsOf(node)
  const last = parts.at(-1)
  const name = key === undefined ? "" : `${JSON.stringify(key)}: `
  const eol = text.includes("\r\n") ? "\r\n" : "\n"
  const isOnOneLine = last !== undefined && !text.slice(node.start, node.end).includes("\n")
  if (isOnOneLine) {
    const comma = commaBehind(text, last.end)
    const at = comma === null ? last.end : comma + 1
    const written = `${name}${JSON.stringify(value)}`
    return `${text.slice(0, at)}${comma === null ? ", " : " "}${written}${comma === null ? "" : ","}${text.slice(at)}`
  }
  const outer = indentAt(text, node.start)
  const unit = unitOf(text)
  const indent =
    parts[0] === undefined || !isFirstOfLine(text, parts[0].start) ? outer + unit : indentAt(text, parts[0].start)
  const written = `${eol}${indent}${name}${JSON.stringify(value, null, unit).replaceAll("\n", eol + indent)}`
  if (last === undefined) {
    const end = node.end - 1
    const kept = text.slice(node.start + 1, end).trimEnd()
    return `${text.slice(0, node.start + 1)}${kept}${written}${eol}${outer}${text.slice(end)}`
  }
  const comma = commaBehind(text, last.end)
  // What is remarked of the last one on its line stays with it.
  const from = comma === null ? last.end : comma + 1
  const at =
    from +
    (/^[ \t]*(?:\/\/[^\r\n]*|\/\*(?:(?!\*\/)[^\r\n])*\*\/[ \t]*(?=\r?\n))/.exec(text.slice(from))?.[0].length ?? 0)
  return comma === null
    ? `${text.slice(0, last.end)},${text.slice(last.end, at)}${written}${text.slice(at)}`
    : `${text.slice(0, at)}${written},${text.slice(at)}`
}

const isFirstOfLine = (text: string, at: number): boolean =>
  text.slice(text.lastIndexOf("\n", at - 1) + 1, at).trim() === ""

/** The text without one of an object's or array's values. What {@link withLast} has put in is gone without a trace. */
export const withoutPart = (text: string, node: ObjectNode | ArrayNode, index: number): string => {
  const parts = partsOf(node)
  const { end, start } = parts[index]!
  const before = parts[index - 1]
  const separator = before === undefined ? null : commaBehind(text, before.end)!
  const behind = commaBehind(text, end)
  const from = text.slice(0, start).trimEnd().length
  const remarks = text.slice((separator ?? node.start) + 1, from)
  const isLast = behind === null
  // The last one takes the comma in front of it along.
  const head = isLast && separator !== null ? text.slice(0, separator) + remarks : text.slice(0, from)
  const close = text.slice(end, node.end - 1)
  const isAlone = isLast && separator === null && (remarks + close).trim() === ""
  const tail = text.slice(isAlone ? node.end - 1 : (behind ?? end - 1) + 1)
  // A remark to the end of its line would swallow what follows.
  const isOpen = remarks.includes("//") && !/^[ \t]*\r?\n/.test(tail)
  return `${head}${isOpen ? "\n" : ""}${tail}`
}
