/** What a hook leaves for a daemon that does not answer. */
import { randomBytes } from "node:crypto"
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeSync
} from "node:fs"
import { join } from "node:path"
import type { Paths } from "../config/paths.ts"
import type { SpoolRecord } from "../protocol/captureHooks.ts"

/** Beyond so many nothing more is left: nobody seems to take them. */
const MOST = 10_000

/** The spool is full. */
export class SpoolFull extends Error {
  override readonly name = "SpoolFull"
}

/** Patterns of the user's own, of the configuration file as it stands: to read all of it would take too long. */
const ownPatterns = (file: string): ReadonlyArray<string> => {
  try {
    const { capture } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly capture?: { readonly secretPatterns?: unknown }
    }
    const patterns = capture?.secretPatterns
    return Array.isArray(patterns) ? patterns.filter((pattern) => typeof pattern === "string") : []
  } catch {
    return []
  }
}

/** All texts of a value without their secrets. */
const masked = (value: unknown, mask: (text: string) => string): unknown => {
  if (typeof value === "string") return mask(value)
  if (Array.isArray(value)) return value.map((each) => masked(each, mask))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, masked(each, mask)]))
}

/** Writes a record down, without its secrets, for the next daemon: a file that is there whole or not at all. */
export const leave = async (paths: Paths, record: SpoolRecord): Promise<void> => {
  let clean: SpoolRecord = record
  if (record.type === "hook") {
    const { makeMask } = await import("../masking/mask.ts")
    const mask = makeMaskOrNot(makeMask, ownPatterns(paths.config))
    clean = { ...record, event: masked(record.event, mask) as typeof record.event }
  }
  mkdirSync(paths.captureSpool, { recursive: true, mode: 0o700 })
  if (readdirSync(paths.captureSpool).length >= MOST) throw new SpoolFull(`${paths.captureSpool} is full`)
  const name = `${Date.now()}-${process.hrtime.bigint().toString().padStart(20, "0")}-${randomBytes(4).toString("hex")}`
  const temporary = join(paths.captureSpool, `${name}.tmp`)
  const fd = openSync(
    temporary,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600
  )
  try {
    try {
      const bytes = Buffer.from(JSON.stringify(clean))
      for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, join(paths.captureSpool, `${name}.json`))
  } catch (error) {
    unlinkSync(temporary)
    throw error
  }
}

type MakeMask = typeof import("../masking/mask.ts").makeMask

/** A pattern that is none is told by the daemon. */
const makeMaskOrNot = (makeMask: MakeMask, patterns: ReadonlyArray<string>): ((text: string) => string) => {
  const valid = patterns.filter((pattern) => {
    try {
      return new RegExp(pattern, "dgmu") instanceof RegExp
    } catch {
      return false
    }
  })
  const mask = makeMask({ patterns: valid })
  return (text) => mask(text).text
}
