/** What a hook leaves for a daemon that does not answer. */
import { randomBytes } from "node:crypto"
import { closeSync, constants, openSync, readdirSync, readFileSync, renameSync, unlinkSync, writeSync } from "node:fs"
import { isAbsolute, join, resolve } from "node:path"
import { below, makeExcludes } from "../masking/changedPath.ts"
import { EnvValues } from "../masking/envValues.ts"
import { withoutExcluded } from "../agentHooks/withoutExcluded.ts"
import { excludedByDefault } from "../config/excludedByDefault.ts"
import type { Paths } from "../config/paths.ts"
import { findWorkTree } from "../config/workTree.ts"
import type { SpoolRecord } from "../protocol/captureHooks.ts"
import { prepareRunDirectory } from "../wire/runDirectory.ts"

type HookEvent = Extract<SpoolRecord, { readonly type: "hook" }>["event"]

/** Beyond so many nothing more is left: nobody seems to take them. */
const MOST = 10_000

/** The spool is full. */
export class SpoolFull extends Error {
  override readonly name = "SpoolFull"
}

/** Lists of patterns in the configuration file as it stands: to read all of the configuration would take too long. */
const listsIn = (file: string): Readonly<Record<"secretPatterns" | "excludePatterns", ReadonlyArray<string>>> => {
  const lists = { secretPatterns: [] as ReadonlyArray<string>, excludePatterns: excludedByDefault }
  try {
    const { capture } = JSON.parse(readFileSync(file, "utf8")) as {
      readonly capture?: Readonly<Record<string, unknown>>
    }
    for (const name of ["secretPatterns", "excludePatterns"] as const) {
      const patterns = capture?.[name]
      if (Array.isArray(patterns)) lists[name] = patterns.filter((pattern) => typeof pattern === "string")
    }
  } catch {
    // As where nothing is configured.
  }
  return lists
}

/** Where the agent works: by a member of its own, or Cursor's. */
const placeOf = (event: Readonly<Record<string, unknown>>): string | null => {
  const { cwd, workspace_roots: roots } = event
  const place = typeof cwd === "string" ? cwd : Array.isArray(roots) ? roots[0] : null
  return typeof place === "string" && isAbsolute(place) && !place.includes("\0") ? place : null
}

/** An event as it may be written down: without secrets, the work tree's own among them, and without excluded files. */
const clean = async (paths: Paths, event: HookEvent): Promise<HookEvent> => {
  const { makeMask } = await import("../masking/mask.ts")
  const { excludePatterns, secretPatterns } = listsIn(paths.config)
  const place = placeOf(event)
  const tree = place === null ? "none" : findWorkTree(place)
  const root = typeof tree === "string" ? null : tree.root
  const excludes = makeExcludes(excludePatterns)
  const isExcluded = (path: string): boolean => {
    const whole = place === null ? path : resolve(place, path)
    const inside = root === null ? path : below(root, whole)
    // What is outside is not captured either.
    return inside === null || excludes(inside)
  }
  const mask = makeMaskOrNot(makeMask, secretPatterns)
  const known = new EnvValues().of(root, 0)
  return masked(withoutExcluded(event, isExcluded), (text) => mask(text, known)) as HookEvent
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
  const written: SpoolRecord = record.type === "hook" ? { ...record, event: await clean(paths, record.event) } : record
  prepareRunDirectory(paths.captureSpool)
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
      const bytes = Buffer.from(JSON.stringify(written))
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
const makeMaskOrNot = (
  makeMask: MakeMask,
  patterns: ReadonlyArray<string>
): ((text: string, known: ReadonlyArray<string>) => string) => {
  const valid = patterns.filter((pattern) => {
    try {
      return new RegExp(pattern, "dgmu") instanceof RegExp
    } catch {
      return false
    }
  })
  const mask = makeMask({ patterns: valid })
  return (text, known) => mask(text, known).text
}
