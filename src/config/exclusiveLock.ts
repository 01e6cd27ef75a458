/** A lock that one process holds and the kernel frees when it ends, however it ends. Plain Node. */
import { chmodSync, closeSync, constants, ftruncateSync, lstatSync, openSync, type BigIntStats } from "node:fs"
import { DatabaseSync } from "node:sqlite"

/**
 * How long an attempt goes on. Contenders that start together can hinder each other for an instant, and then nobody
 * would have the lock; a holder outlasts this.
 */
const CONTENTION_MILLIS = 200

const SQLITE_BUSY = 5
const SQLITE_NOTADB = 26

/** The lock, held until {@link HeldLock.release} or the end of the process. */
export interface HeldLock {
  /** False when the file was removed or replaced: somebody else may hold the lock at this path now. */
  readonly isStillOurs: () => boolean
  readonly release: () => void
}

/** The file can't serve as a lock. The message names it and what to do. */
export class LockFileUnusable extends Error {
  readonly _tag = "LockFileUnusable"
  override readonly name = "LockFileUnusable"
  readonly path: string

  constructor(path: string, problem: string, fix: string, cause?: unknown) {
    super(`${path}: ${problem} ${fix}`, cause === undefined ? undefined : { cause })
    this.path = path
  }
}

/**
 * Takes the lock at `path`, in a directory that is there; null when another process, or this one, has it. Node knows no
 * `flock`: an exclusive transaction of SQLite is one. The file's content means nothing; what SQLite can't use is
 * emptied. Throws {@link LockFileUnusable}.
 *
 * Nothing else in a process that holds the lock may open the file: by POSIX, closing any descriptor of a file gives up
 * all locks on it. Nor may it ever be removed: a lock belongs to the file, not to its name.
 */
export const takeExclusiveLock = (path: string): HeldLock | null => {
  for (let attempt = 1; ; attempt++) {
    const file = prepareFile(path)
    let database: DatabaseSync | undefined
    try {
      database = new DatabaseSync(path, { timeout: CONTENTION_MILLIS })
      database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
    } catch (cause) {
      database?.close()
      if (isCode(cause, SQLITE_BUSY)) return null
      if (!isCode(cause, SQLITE_NOTADB) || attempt > 3) {
        const fix = "Make sure that its file system has locks and that you may write there, or set HOB_HOME elsewhere."
        throw new LockFileUnusable(path, `can't be locked (${(cause as Error).message}).`, fix, cause)
      }
      // Nobody holds it, or it would have been busy; whoever takes it meanwhile loses nothing, for it stays the same file.
      empty(path)
      continue
    }
    const held = database
    const isStillOurs = () => isSame(file, statOrNull(path))
    if (isStillOurs()) return { isStillOurs, release: () => held.close() }
    held.close()
    if (attempt > 3) throw new LockFileUnusable(path, "is replaced again and again.", "Find out what does that.")
  }
}

/** Whether somebody has the lock at `path`, without taking it. False where there is no such file. */
export const isLocked = (path: string): boolean => {
  if (statOrNull(path) === null) return false
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: 0, readOnly: true })
    database.exec("PRAGMA schema_version")
    return false
  } catch (cause) {
    return isCode(cause, SQLITE_BUSY)
  } finally {
    database?.close()
  }
}

/** The file, mode 0600 from birth; never through a link. */
const prepareFile = (path: string): BigIntStats => {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EEXIST") {
      const fix =
        "Make its directory one that you can write to (is the disk full, or mounted read-only?), or set HOB_HOME."
      throw new LockFileUnusable(path, `can't be created (${(cause as NodeJS.ErrnoException).code}).`, fix, cause)
    }
  }
  const file = statOrNull(path)
  if (file === null) throw new LockFileUnusable(path, "vanished at once.", "Find out what removes it.")
  if (file.isSymbolicLink()) {
    throw new LockFileUnusable(path, "is a symbolic link.", `Remove it (rm ${path}); hob follows no links here.`)
  }
  if (!file.isFile()) {
    throw new LockFileUnusable(path, "is not a file.", `Move it out of the way (mv ${path} ${path}.old).`)
  }
  const self = process.geteuid?.()
  if (self !== undefined && file.uid !== BigInt(self)) {
    const problem = `belongs to user ${file.uid}, and this is user ${self}.`
    throw new LockFileUnusable(path, problem, `Have its owner remove it while no hob runs, or set HOB_HOME elsewhere.`)
  }
  if ((file.mode & 0o777n) !== 0o600n) chmodSync(path, 0o600)
  return file
}

const empty = (path: string): void => {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW)
  try {
    ftruncateSync(fd, 0)
  } finally {
    closeSync(fd)
  }
}

/** The low byte of SQLite's extended codes says what it is. */
const isCode = (error: unknown, code: number): boolean => ((error as { errcode?: number }).errcode ?? 0) % 256 === code

const statOrNull = (path: string): BigIntStats | null =>
  lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null

const isSame = (a: BigIntStats, b: BigIntStats | null): boolean => b !== null && a.ino === b.ino && a.dev === b.dev
