/** Which git work tree a directory is in, read from git's own files: no program is started for it. Plain Node. */
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, resolve } from "node:path"

/** A work tree of git. */
export interface WorkTree {
  /** Its top directory, without links. */
  readonly root: string
  /** Its own git directory: `.git`, or below that of the repository for a further work tree or a submodule. */
  readonly gitDirectory: string
  /** What all work trees of the repository share. */
  readonly commonDirectory: string
  /** The branch that is checked out; null where none is. */
  readonly branch: string | null
}

/** `bare`: a git directory without a work tree, or the inside of one. `missing`: there is no such directory. */
export type NoWorkTree = "none" | "bare" | "missing"

const MOST_BYTES = 4096

/** The beginning of a small file; undefined when it can't be read. */
const small = (path: string): string | undefined => {
  let fd: number
  try {
    fd = openSync(path, "r")
  } catch {
    return undefined
  }
  try {
    const bytes = Buffer.alloc(MOST_BYTES)
    return bytes.toString("utf8", 0, readSync(fd, bytes, 0, MOST_BYTES, 0))
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}

const isDirectory = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

const isGitDirectory = (path: string): boolean =>
  small(join(path, "HEAD")) !== undefined &&
  (isDirectory(join(path, "objects")) || small(join(path, "commondir")) !== undefined)

/** What `.git` of a directory stands for. */
const gitDirectoryOf = (directory: string): string | undefined => {
  const path = join(directory, ".git")
  const found = statSync(path, { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (found.isDirectory()) return isGitDirectory(path) ? path : undefined
  // Of a further work tree or a submodule: a file that says where it is.
  const target = /^gitdir: ([^\r\n]+)/.exec(small(path) ?? "")?.[1]
  if (target === undefined) return undefined
  const pointed = isAbsolute(target) ? target : resolve(directory, target)
  return isGitDirectory(pointed) ? pointed : undefined
}

/** The work tree that `directory` is in, or why there is none. Never throws. */
export const findWorkTree = (directory: string): WorkTree | NoWorkTree => {
  try {
    const start = realpathSync(directory)
    if (!isDirectory(start)) return "missing"
    for (let at = start; ; at = dirname(at)) {
      const gitDirectory = gitDirectoryOf(at)
      if (gitDirectory !== undefined) {
        return { root: at, gitDirectory, commonDirectory: commonOf(gitDirectory), branch: branchOf(gitDirectory) }
      }
      if (isGitDirectory(at)) return "bare"
      if (dirname(at) === at) return "none"
    }
  } catch {
    return "missing"
  }
}

const commonOf = (gitDirectory: string): string => {
  const common = small(join(gitDirectory, "commondir"))?.trim()
  return common === undefined || common === "" ? gitDirectory : resolve(gitDirectory, common)
}

const branchOf = (gitDirectory: string): string | null => {
  const name = /^ref: refs\/heads\/([^\r\n]+)/.exec(small(join(gitDirectory, "HEAD")) ?? "")?.[1]
  return name === undefined || name === ".invalid" ? null : name.toWellFormed()
}
