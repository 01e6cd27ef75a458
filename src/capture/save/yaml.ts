/** As much YAML as a saved prompt needs: written so that every reader of YAML takes it, read where another has written it. Pure. */

export type YamlValue = string | number | undefined | ReadonlyArray<string> | { readonly [key: string]: YamlValue }

/** What every version of YAML takes for itself where it stands without quotes. */
const plain = /^[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9_]$/
const reserved = /^(?:true|false|yes|no|on|off|null|y|n)$/i
// What a block may not hold as it is: control characters, and what some take for the end of a line.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/

const scalar = (text: string): string =>
  plain.test(text) && !reserved.test(text)
    ? text
    : JSON.stringify(text).replace(/[\u007f-\u009f\u2028\u2029\ufeff]/g, escaped)

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** A text of several lines as it is; the number says how far its lines are moved in, for those that begin with spaces. */
const block = (text: string, indent: string): string => {
  const lines = text.split("\n").map((line) => (line === "" ? "" : `${indent}  ${line}`))
  return `|2-\n${lines.join("\n")}`
}

/** A document: mappings, lists of texts, texts and numbers. What is undefined is left out. */
export const writeYaml = (value: { readonly [key: string]: YamlValue }, indent = ""): string =>
  Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([key, member]) => `${indent}${key}:${writeMember(member, indent)}\n`)
    .join("")

const writeMember = (value: YamlValue, indent: string): string => {
  if (typeof value === "number") return ` ${value}`
  if (typeof value === "string") {
    const isBlock = value.includes("\n") && !value.endsWith("\n") && !unprintable.test(value)
    return ` ${isBlock ? block(value, indent) : scalar(value)}`
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? " []" : value.map((text: string) => `\n${indent}  - ${scalar(text)}`).join("")
  }
  const inner = writeYaml(value as { readonly [key: string]: YamlValue }, `${indent}  `)
  return inner === "" ? " {}" : `\n${inner.slice(0, -1)}`
}

/** What an index says of a prompt. */
export interface Summary {
  readonly id: string
  readonly version: string
  readonly lastModified: string
  readonly model: string
  readonly tags: ReadonlyArray<string>
}

const unquoted = (text: string): string => {
  const trimmed = text.trim()
  if (/^".*"$/s.test(trimmed)) {
    try {
      return String(JSON.parse(trimmed))
    } catch {
      return trimmed.slice(1, -1)
    }
  }
  return /^'.*'$/s.test(trimmed) ? trimmed.slice(1, -1).replaceAll("''", "'") : trimmed.replace(/\s+#.*$/, "")
}

const member = (text: string, indent: string, key: string): string | undefined => {
  const found = new RegExp(`^${indent}${key}:[ \\t]*(\\S.*)$`, "m").exec(text)?.[1]
  return found === undefined ? undefined : unquoted(found)
}

/** The summary of a prompt that this or gitify-prompt has written; null for anything else. */
export const readSummary = (text: string): Summary | null => {
  const id = member(text, "", "id")
  const version = member(text, "", "version")
  if (id === undefined || version === undefined) return null
  const metadata = /^metadata:\n((?:[ ]{2,}.*\n|\n)*)/m.exec(`${text}\n`)?.[1] ?? ""
  const listed = /^[ ]{2}tags:[ ]*\n((?:[ ]{2,}- .*\n)*)/m.exec(metadata)?.[1] ?? ""
  return {
    id,
    version,
    lastModified: member(text, "", "lastModified") ?? member(text, "", "timestamp") ?? "",
    model: member(metadata, "[ ]{2}", "model") ?? "unknown",
    tags: Array.from(listed.matchAll(/^[ ]+- (.*)$/gm), ([, tag]) => unquoted(tag!))
  }
}

/** The same document with another commit; the document itself where it has none, or another than `from`. */
export const withCommit = (text: string, from: string, to: string): string =>
  // Some hashes would be numbers without quotes.
  text.replace(new RegExp(`^([ ]{2}gitCommit: )(["']?)${from}\\2$`, "m"), (_, key: string) => `${key}"${to}"`)
