import { mkdirSync, statSync } from "node:fs"
import { mkdir, stat } from "node:fs/promises"
import { dirname, resolve } from "node:path"

/** So many directories are made for one that is asked for. */
const MAX_MISSING = 64

/**
 * Makes a directory with its missing parents, one after the other: Node's own `recursive` never returns below `/proc`.
 * Gives whether it had to. Rejects with what the system says.
 */
export const makeDirectory = async (path: string, mode = 0o777): Promise<boolean> => {
  const missing: Array<string> = []
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch(orMissing)
    if (found !== undefined) {
      if (!found.isDirectory()) throw notADirectory(at)
      break
    }
    missing.push(at)
    if (missing.length > MAX_MISSING) throw tooDeep(path)
  }
  for (const directory of missing.toReversed()) await mkdir(directory, mode).catch(orThere)
  return missing.length > 0
}

/** The same, for who can't wait. */
export const makeDirectorySync = (path: string, mode = 0o777): void => {
  const missing: Array<string> = []
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false })
    if (found !== undefined) {
      if (!found.isDirectory()) throw notADirectory(at)
      break
    }
    missing.push(at)
    if (missing.length > MAX_MISSING) throw tooDeep(path)
  }
  for (const directory of missing.toReversed()) {
    try {
      mkdirSync(directory, mode)
    } catch (error) {
      orThere(error as NodeJS.ErrnoException)
    }
  }
}

const orMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== "ENOENT") throw error
}

/** Somebody else has made it meanwhile. */
const orThere = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== "EEXIST") throw error
}

const failure = (code: string, message: string) => Object.assign(new Error(`${code}: ${message}`), { code })
const notADirectory = (path: string) => failure("ENOTDIR", `not a directory, '${path}'`)
const tooDeep = (path: string) => failure("ENAMETOOLONG", `more than ${MAX_MISSING} directories to make, '${path}'`)
