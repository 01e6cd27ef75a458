import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats
} from "node:fs"
import { dirname, resolve } from "node:path"
import { SocketPathError } from "./socketErrors.ts"

/**
 * Makes sure that `directory` is a place for sockets: a real directory, ours, closed to everybody else (0700).
 * Creates it and its missing parents (0700 each); takes group and other permissions away where it finds them.
 * Throws {@link SocketPathError} when it is a link, not a directory, somebody else's, or can't be made.
 */
export const prepareRunDirectory = (directory: string): void => {
  const path = resolve(directory)
  createDirectories(path)
  const found = lstatSync(path)
  if (found.isSymbolicLink()) {
    throw new SocketPathError(
      "is-a-link",
      path,
      "is a symbolic link.",
      `Remove it (rm ${path}); hob follows no links here.`
    )
  }
  if (!found.isDirectory()) {
    throw new SocketPathError(
      "not-a-directory",
      path,
      "is not a directory.",
      `Move it out of the way (mv ${path} ${path}.old).`
    )
  }
  const self = process.geteuid?.()
  if (self !== undefined && found.uid !== self) {
    throw new SocketPathError(
      "foreign-owner",
      path,
      `belongs to user ${found.uid}, and this is user ${self}.`,
      "Set HOB_HOME or XDG_RUNTIME_DIR to a directory of your own, or have its owner remove it."
    )
  }
  if ((found.mode & 0o777) !== 0o700) closeToOthers(path, found)
}

/**
 * The directories from the root that are missing, one `mkdir` each. Not `mkdir({ recursive: true })`: under /proc that
 * goes round for ever in Node.
 */
const createDirectories = (path: string): void => {
  const missing: Array<string> = []
  for (let at = path; ; at = dirname(at)) {
    const found = statOrUndefined(at)
    if (found !== undefined || dirname(at) === at) break
    missing.push(at)
  }
  for (const directory of missing.toReversed()) {
    try {
      mkdirSync(directory, 0o700)
      // A umask may have taken away what the owner needs.
      chmodSync(directory, 0o700)
    } catch (cause) {
      if (errorCode(cause) === "EEXIST") continue
      const fix = "Create it by hand (mkdir -p -m 700), or set HOB_HOME to a place you can write to."
      throw new SocketPathError("cannot-create", directory, `can't be created (${errorCode(cause)}).`, fix, cause)
    }
  }
}

const statOrUndefined = (path: string): Stats | undefined => {
  try {
    return lstatSync(path)
  } catch (cause) {
    const code = errorCode(cause)
    if (code === "ENOENT") return undefined
    const problem = code === "ENOTDIR" ? "lies below something that is not a directory." : `can't be read (${code}).`
    throw new SocketPathError("cannot-create", path, problem, "Set HOB_HOME to a place you can write to.", cause)
  }
}

// Through a descriptor that was opened without following links: the path may have been exchanged since it was looked at.
const closeToOthers = (path: string, expected: Stats): void => {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    const opened = fstatSync(fd)
    if (opened.ino !== expected.ino || opened.dev !== expected.dev) {
      throw new SocketPathError("not-a-directory", path, "was exchanged while it was looked at.", "Try again.")
    }
    fchmodSync(fd, 0o700)
  } finally {
    closeSync(fd)
  }
}

/** The `code` of a Node system error; `"unknown"` of anything else. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown"
