import { Data } from "effect"
import * as fs from "node:fs"
import { dirname } from "node:path"
import { prepareRunDirectory } from "../wire/runDirectory.ts"
import type { StorageDamage } from "../protocol/storage.ts"
import { describe, fileProblem, headerProblem, setAsideDamagedRows } from "./inspect.ts"
import { appliedSteps, migrate } from "./migrate.ts"
import type { Migration } from "./migrations.ts"
import { salvage } from "./salvage.ts"
import { Connection, type Durability, troubleOf } from "./sqlite.ts"
import { damagedAt } from "./walCheck.ts"

/** The store can't be opened, and hob must not help itself: the message names the file and what to do. */
export class StoreUnusable extends Data.TaggedError("StoreUnusable")<{
  readonly path: string
  readonly problem: string
  readonly fix: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.path} ${this.problem}. ${this.fix}`
  }
}

export interface OpenOptions {
  readonly durability: Durability
  readonly steps: ReadonlyArray<Migration>
}

export interface Opened {
  readonly connection: Connection
  /** What was found damaged just now. */
  readonly damage: ReadonlyArray<StorageDamage>
}

const LOG = "-wal"

/**
 * Opens the store at `path`; makes it, and its directory, where they are missing. A damaged file is moved aside, what can
 * be read of it is brought over into a new one; damaged rows are set aside. Throws {@link StoreUnusable}, and nothing
 * else.
 */
export const openStore = (path: string, options: OpenOptions): Opened => {
  try {
    if (!fs.existsSync(dirname(path))) prepareRunDirectory(dirname(path))
    if (!fs.existsSync(path) && !isLink(path)) {
      const damage = keepOrphanedLog(path)
      return { connection: create(path, options), damage }
    }
    guard(path)
    return openExisting(path, options)
  } catch (error) {
    throw error instanceof StoreUnusable ? error : unusable(path, error)
  }
}

const openExisting = (path: string, options: OpenOptions): Opened => {
  const at = new Date().toISOString()
  const problem = headerProblem(path)
  if (problem !== null) return replace(path, problem, at, options)
  const log = keepDamagedLog(path, at)
  let connection: Connection | undefined
  try {
    connection = new Connection(path, options.durability)
    const found = fileProblem(connection, path, options.steps)
    if (found !== null) {
      connection.close()
      return replace(path, found, at, options)
    }
    refuseNewer(path, appliedSteps(connection), options.steps)
    if (appliedSteps(connection).length < options.steps.length) migrate(connection, options.steps)
    const rows = setAsideDamagedRows(connection, at).map(({ content, table }): StorageDamage => {
      const detail = `a row of ${table} failed its checksum and was moved to damaged_rows: ${describe(content)}`
      return { kind: "row", detail, at }
    })
    return { connection, damage: [...log, ...rows] }
  } catch (error) {
    connection?.close()
    if (error instanceof StoreUnusable || troubleOf(error) !== "corrupt") throw error
    return replace(path, (error as Error).message, at, options)
  }
}

/** Made under another name and renamed once it is whole, so that an empty or half-made store is never met. */
const create = (path: string, { durability, steps }: OpenOptions): Connection => {
  const temporary = `${path}.new`
  for (const leftover of [temporary, temporary + LOG]) fs.rmSync(leftover, { force: true })
  fs.closeSync(fs.openSync(temporary, "wx", 0o600))
  const connection = new Connection(temporary, "power-loss")
  try {
    connection.db.exec("PRAGMA page_size = 4096")
    migrate(connection, steps)
    connection.checkpoint()
  } finally {
    connection.close()
  }
  fs.renameSync(temporary, path)
  syncDirectory(dirname(path))
  return new Connection(path, durability)
}

/** Moves a damaged file aside and begins a new one with what can be saved. */
const replace = (path: string, problem: string, at: string, options: OpenOptions): Opened => {
  const aside = `${path}.damaged-${at.replace(/[:.]/g, "")}`
  fs.renameSync(path, aside)
  if (fs.existsSync(path + LOG)) fs.renameSync(path + LOG, aside + LOG)
  const connection = create(path, options)
  const { incomplete, rows } = salvage(aside, connection)
  const lost = incomplete.length === 0 ? "" : `; parts of ${incomplete.join(", ")} may be missing`
  const detail = `${path} was damaged (${problem}) and is now ${aside}; ${rows} rows were brought over${lost}`
  return { connection, damage: [{ kind: "file", detail, at }] }
}

/** SQLite uses a log up to where it is damaged and forgets the rest: a copy is kept of one that is. */
const keepDamagedLog = (path: string, at: string): ReadonlyArray<StorageDamage> => {
  const offset = damagedAt(path + LOG)
  if (offset === null) return []
  const aside = `${path}${LOG}.damaged-${at.replace(/[:.]/g, "")}`
  fs.copyFileSync(path + LOG, aside, fs.constants.COPYFILE_FICLONE)
  const detail = `${path}${LOG} is damaged at byte ${offset}: the newest changes may be gone; it is kept as ${aside}`
  return [{ kind: "log", detail, at }]
}

/** A log that lies there without its file would be taken for that of the next one. */
const keepOrphanedLog = (path: string): ReadonlyArray<StorageDamage> => {
  if (!fs.existsSync(path + LOG)) return []
  const at = new Date().toISOString()
  const aside = `${path}${LOG}.damaged-${at.replace(/[:.]/g, "")}`
  fs.renameSync(path + LOG, aside)
  return [{ kind: "log", detail: `${path} was gone, and its ${path}${LOG} not: it is kept as ${aside}`, at }]
}

const refuseNewer = (path: string, applied: ReadonlyArray<string>, steps: ReadonlyArray<Migration>): void => {
  const unknown = applied.findIndex((name, index) => steps[index]?.name !== name)
  if (unknown < 0) return
  throw new StoreUnusable({
    path,
    problem: `was written by a newer hob (version ${applied.length}, "${applied[unknown]}"; this one knows ${steps.length})`,
    fix: "Use that hob, or move the file away to begin anew without what it holds."
  })
}

const isLink = (path: string): boolean => fs.lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false

const guard = (path: string): void => {
  const refuse = (problem: string, fix: string) => {
    throw new StoreUnusable({ path, problem, fix })
  }
  const found = fs.lstatSync(path)
  if (found.isSymbolicLink()) refuse("is a symbolic link", "Remove it; hob follows no links here.")
  if (!found.isFile()) refuse("is not a file", `Move it out of the way (mv ${path} ${path}.old).`)
  const self = process.geteuid?.() ?? found.uid
  if (found.uid !== self) {
    refuse(
      `belongs to user ${found.uid}, and this is user ${self}`,
      "Have its owner move it, or set HOB_HOME elsewhere."
    )
  }
  if ((found.mode & 0o777) !== 0o600) fs.chmodSync(path, 0o600)
}

const syncDirectory = (path: string): void => {
  const fd = fs.openSync(path, "r")
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const unusable = (path: string, cause: unknown): StoreUnusable => {
  const { code, message } = cause as NodeJS.ErrnoException
  const trouble = troubleOf(cause)
  if (trouble === "locked") {
    return new StoreUnusable({ path, problem: "is open in another process", fix: "End that process first.", cause })
  }
  if (trouble === "full" || code === "ENOSPC") {
    return new StoreUnusable({ path, problem: "can't be made ready: the disk is full", fix: "Make room first.", cause })
  }
  return new StoreUnusable({
    path,
    problem: `can't be opened (${code === undefined || code === "ERR_SQLITE_ERROR" ? message : code})`,
    fix: "Make sure that its directory is one you can write to and that its disk is well, or set HOB_HOME elsewhere.",
    cause
  })
}
