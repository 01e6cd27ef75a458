/**
 * The doc comments of a source, by the path of what they stand above: `Session`, `Session.exit`,
 * `Run.payload.env`, `HostRequest[1].recentBytes`, and the empty path for the comment at the head of the file. A layout-based reader: it trusts the formatter's indentation.
 */
export const docstrings = (source: string): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const open: Array<{ readonly indent: number; readonly key: string; members: number }> = []
  let pending: string | undefined
  let comment: Array<string> | undefined

  for (const line of source.split("\n")) {
    const text = line.trim()
    if (comment !== undefined || text.startsWith("/**")) {
      comment ??= []
      comment.push(
        text
          .replace(/^\/\*\*|\*\/$/g, "")
          .replace(/^\* ?/, "")
          .trim()
      )
      if (text.endsWith("*/")) {
        pending = joined(comment)
        comment = undefined
      }
      continue
    }
    if (text === "") continue
    const indent = line.length - line.trimStart().length
    while (open.length > 0 && open.at(-1)!.indent >= indent) open.pop()

    const key = text.startsWith("import ") && found.size === 0 ? "" : keyOf(text, open.at(-1))
    if (key !== undefined) {
      if (pending !== undefined) found.set(open.map((part) => part.key).join("") + key, pending)
      if (key !== "") open.push({ indent, key, members: 0 })
    }
    pending = undefined
  }
  return found
}

const keyOf = (text: string, parent: { members: number } | undefined): string | undefined => {
  const declared = /^export (?:const|class|type|interface) (\w+)/.exec(text)
  if (declared !== null) return declared[1]!
  if (parent === undefined) return undefined
  if (text.startsWith("Schema.Struct(")) return `[${parent.members++}]`
  const field = /^(?:readonly )?"?([\w-]+)"?\??:/.exec(text)
  return field === null ? undefined : `.${field[1]!}`
}

/** Lines of a comment as Markdown: paragraphs and list items keep their breaks, the rest is joined. */
const joined = (lines: ReadonlyArray<string>): string =>
  lines
    .join("\n")
    .trim()
    .replace(/\{@link (\w+)\}/g, "`$1`")
    .replace(/([^\n])\n(?!\n|- )/g, "$1 ")
    .replace(/ {2,}/g, " ")

/** A docstring inside a table cell. */
export const cell = (text: string): string => text.replace(/\n+/g, " ").replace(/\|/g, "\\|")
