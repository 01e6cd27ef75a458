import { Effect, type Schema } from "effect"
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync
} from "node:fs"
import { dirname, join } from "node:path"
import { ConfigInvalid } from "../protocol/daemon.ts"
import { ConfigNotWritten } from "../protocol/dialects.ts"
import { readConfigFile } from "./configFile.ts"
import { type JsonText, parseJsonText } from "./jsonText.ts"

/**
 * Gives one setting a value in `config.json` and leaves everything else in it as a person wrote it. The file is made
 * when there is none, and replaced in one step; a link is followed. Fails with {@link ConfigInvalid} where the file has
 * a mistake already.
 */
export const setInConfigFile = (
  path: string,
  key: string,
  value: Schema.Json
): Effect.Effect<void, ConfigInvalid | ConfigNotWritten> =>
  Effect.gen(function* () {
    const text = yield* readConfigFile(path)
    if (text !== null && (typeof text.value !== "object" || text.value === null || Array.isArray(text.value))) {
      return yield* new ConfigInvalid({ source: path, key: "", expected: "must hold one JSON object, such as {}" })
    }
    const changed = text === null ? `${JSON.stringify(nested(key, value), null, 2)}\n` : withValue(text, key, value)
    yield* Effect.try({
      try: () => replace(path, changed),
      catch: (error) =>
        new ConfigNotWritten({ file: path, detail: error instanceof Error ? error.message : String(error) })
    })
  })

const nested = (key: string, value: Schema.Json): Schema.Json =>
  key.split(".").reduceRight<Schema.Json>((inner, name) => ({ [name]: inner }), value)

/** The text with the value at `key` in it: in the place of the one there, or as the last member of the nearest group. */
export const withValue = (json: JsonText, key: string, value: Schema.Json): string => {
  const { source, spans } = json
  const there = spans.get(key)
  if (there !== undefined) return source.slice(0, there.start) + inline(value) + source.slice(there.end)
  const names = key.split(".")
  let depth = names.length - 1
  while (depth > 0 && !isObject(json, names.slice(0, depth).join("."))) depth--
  const group = spans.get(names.slice(0, depth).join("."))!
  const end = group.end - 1
  const before = source.slice(0, end).trimEnd()
  const isEmpty = before.length === group.start + 1
  const name = JSON.stringify(names[depth])
  const rest = names.slice(depth + 1)
  const member = rest.length === 0 ? inline(value) : inline(nested(rest.join("."), value))
  const onOneLine = !source.slice(group.start, end).includes("\n") && !isEmpty
  if (onOneLine) return `${before}, ${name}: ${member}${source.slice(before.length)}`
  const inner = "  ".repeat(depth + 1)
  return `${before}${isEmpty ? "" : ","}\n${inner}${name}: ${member}\n${"  ".repeat(depth)}${source.slice(end)}`
}

const isObject = ({ source, spans }: JsonText, path: string): boolean => source[spans.get(path)?.start ?? -1] === "{"

/** On one line, with a space where people put one. */
const inline = (value: Schema.Json): string => {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, inner]) => `${JSON.stringify(name)}: ${inline(inner as Schema.Json)}`
  )
  return members.length === 0 ? "{}" : `{ ${members.join(", ")} }`
}

/** Whole or not at all, and through to the disk. Throws the system's error. */
const replace = (path: string, text: string): void => {
  const parsed = parseJsonText(text)
  if ("problem" in parsed) throw new Error(`what would be written is not JSON: ${parsed.problem}`)
  const target = resolved(path)
  const mode = modeOf(target)
  const fresh = join(dirname(target), `.config.json.${process.pid}`)
  rmSync(fresh, { force: true })
  try {
    const fd = openSync(fresh, "wx", 0o600)
    try {
      if (mode !== null) fchmodSync(fd, mode)
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, target)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

/** Where a link leads; the path itself when there is nothing yet. */
const resolved = (path: string): string => {
  try {
    return realpathSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return path
    throw error
  }
}

const modeOf = (path: string): number | null => {
  try {
    return statSync(path).mode & 0o777
  } catch {
    return null
  }
}
