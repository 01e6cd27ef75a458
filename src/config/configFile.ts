import { Effect } from "effect"
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs"
import { ConfigInvalid } from "../protocol/daemon.ts"
import { parseJsonText, type JsonText } from "./jsonText.ts"

const MAX_BYTES = 1024 * 1024

/**
 * Reads `config.json`; null when there is none. Fails with {@link ConfigInvalid} when it can't be read, is not JSON
 * (the error tells line and column), or could have been written by somebody else: it decides what hob executes.
 * A link is followed (people keep such files in repositories); what it leads to is held to the same rules.
 */
export const readConfigFile = (path: string): Effect.Effect<JsonText | null, ConfigInvalid> =>
  Effect.suspend(() => {
    let content: Buffer | string | null
    try {
      content = readOwn(path)
    } catch (error) {
      return invalid(path, `can't be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`)
    }
    if (content === null) return Effect.succeed(null)
    if (typeof content === "string") return invalid(path, content)
    let text: string
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(content)
    } catch {
      return invalid(path, "is not UTF-8")
    }
    if (text.trim() === "") return invalid(path, "is empty: write {} or remove it")
    const parsed = parseJsonText(text)
    if ("problem" in parsed) {
      return invalid(path, `is not JSON: line ${parsed.place.line}, column ${parsed.place.column}: ${parsed.problem}`)
    }
    return Effect.succeed(parsed)
  })

const invalid = (source: string, expected: string) => Effect.fail(new ConfigInvalid({ source, key: "", expected }))

/** The content; null when there is no such file; a text says what is wrong with it. */
const readOwn = (path: string): Buffer | string | null => {
  let fd: number
  try {
    // Non-blocking: a named pipe that lies there must not hold the daemon up.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    return isLink(path) ? "is a link to nothing" : null
  }
  try {
    const stat = fstatSync(fd)
    const self = process.geteuid?.() ?? stat.uid
    if (!stat.isFile()) return "is not a file"
    if (stat.uid !== self && stat.uid !== 0) {
      return `belongs to user ${stat.uid}, and this is user ${self}: it must be your own (chown ${self} ${path})`
    }
    if ((stat.mode & 0o022) !== 0) return `can be written by others: take that away (chmod go-w ${path})`
    if (stat.size > MAX_BYTES) return `is larger than ${MAX_BYTES} bytes`
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

const isLink = (path: string): boolean => {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}
