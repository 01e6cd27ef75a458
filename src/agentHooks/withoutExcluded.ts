/** What agents' hooks say, without the contents of files that are not captured. Pure, and plain Node. */

type Event = Readonly<Record<string, unknown>>
type IsExcluded = (path: string) => boolean

/** Members that name a file. */
const paths: ReadonlySet<string> = new Set(["filePath", "file_path", "notebook_path"])
/** Members that say what was done to it. */
const kept: ReadonlySet<string> = new Set([...paths, "type", "move_path"])

const isObject = (value: unknown): value is Event =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a file that is named anywhere within is excluded. */
const names = (value: unknown, isExcluded: IsExcluded): boolean => {
  if (Array.isArray(value)) return value.some((each) => names(each, isExcluded))
  if (!isObject(value)) return false
  return Object.entries(value).some(([key, each]) =>
    paths.has(key) && typeof each === "string" ? isExcluded(each) : names(each, isExcluded)
  )
}

/** The same shape without texts, but for which file it is and what was done. */
const emptied = (value: unknown): unknown => {
  if (typeof value === "string") return ""
  if (Array.isArray(value)) return value.map(emptied)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, kept.has(key) ? each : emptied(each)]))
}

/** A patch of Codex, with the headers alone of the files that are excluded. */
const patchWithout = (patch: string, isExcluded: IsExcluded): string =>
  patch
    .split(/^(?=\*\*\* (?:Add|Update|Delete) File: )/m)
    .map((part) => {
      const [header = "", path] = /^\*\*\* (?:Add|Update|Delete) File: (.+)\n?/.exec(part) ?? []
      const target = /^\*\*\* Move to: (.+)$/m.exec(part)?.[1]
      if (path === undefined || ![path, target ?? path].some((each) => isExcluded(each.trim()))) return part
      return `${header}${target === undefined ? "" : `*** Move to: ${target}\n`}`
    })
    .join("")

const patched = (value: unknown, isExcluded: IsExcluded): unknown => {
  if (typeof value === "string") return value.includes("*** Begin Patch") ? patchWithout(value, isExcluded) : value
  if (Array.isArray(value)) return value.map((each) => patched(each, isExcluded))
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, patched(each, isExcluded)]))
}

/** By `hob capture hook`, of Codex: `[{id, changes: {[path]: …}}]`. */
const recordedWithout = (value: unknown, isExcluded: IsExcluded): unknown =>
  !Array.isArray(value)
    ? value
    : value.map((record: unknown) => {
        if (!isObject(record) || !isObject(record["changes"])) return record
        const changes = Object.entries(record["changes"]).map(([path, change]) => {
          const target = isObject(change) ? change["move_path"] : undefined
          const hides = isExcluded(path) || (typeof target === "string" && isExcluded(target))
          return [path, hides ? emptied(change) : change]
        })
        return { ...record, changes: Object.fromEntries(changes) }
      })

/** The event, which still tells that an excluded file was changed, and not how. */
export const withoutExcluded = (event: Event, isExcluded: IsExcluded): Event => {
  const { edits, file_changes, file_path, tool_input, tool_response } = event
  const hides = names([tool_input, tool_response], isExcluded)
  const of = (value: unknown) => (hides ? emptied(value) : patched(value, isExcluded))
  return {
    ...event,
    ...(tool_input === undefined ? {} : { tool_input: of(tool_input) }),
    ...(tool_response === undefined ? {} : { tool_response: of(tool_response) }),
    ...(file_changes === undefined ? {} : { file_changes: recordedWithout(file_changes, isExcluded) }),
    ...(edits !== undefined && typeof file_path === "string" && isExcluded(file_path) ? { edits: [] } : {})
  }
}
