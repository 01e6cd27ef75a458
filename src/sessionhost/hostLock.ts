import { DatabaseSync } from "node:sqlite"

const SQLITE_BUSY = 5

/** Holds the lock until the process ends, however it ends: the kernel frees it. */
export interface HostLock {
  readonly release: () => void
}

/**
 * Takes the exclusive lock that makes a session-host the only one of its home; null when another process has it.
 * Throws when the lock file can't be used. Node has no `flock`; an exclusive transaction of SQLite is one.
 */
export const takeHostLock = (path: string): HostLock | null => {
  const database = new DatabaseSync(path, { timeout: 0 })
  try {
    database.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE")
  } catch (error) {
    database.close()
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return null
    throw error
  }
  return { release: () => database.close() }
}
