import { type FSWatcher, realpathSync, statSync, watch } from "node:fs"
import { basename, dirname } from "node:path"
import { filePrint } from "../config/filePrint.ts"

/** Directories that are watched for one module. */
const MAX_DIRECTORIES = 64
/** How often a directory may come or go while it is being found. */
const MOST_TURNS = 10

/** The files that a module consists of, each as it was before it was read. */
export type Files = ReadonlyMap<string, string>

export const filesNow = (files: Iterable<string>): Files =>
  new Map(Array.from(files, (file) => [file, filePrint(file)]))

/** Whether any of them is not what it was. */
export const haveChanged = (files: Files): boolean => {
  for (const [file, print] of files) if (filePrint(file) !== print) return true
  return false
}

/** Where a file is, and where it is in truth: what a link leads to changes there. */
const directoriesOf = (file: string): ReadonlyArray<string> => {
  try {
    return [dirname(file), dirname(realpathSync(file))]
  } catch {
    return [dirname(file)]
  }
}

/** What tells whether a directory is still the same one. Undefined: there is none. */
const identityOf = (directory: string): string | undefined => {
  try {
    const stat = statSync(directory)
    return stat.isDirectory() ? `${stat.dev} ${stat.ino}` : undefined
  } catch {
    return undefined
  }
}

/** A watched directory, or the nearest one above it while it is not there. */
interface Watched {
  readonly watcher: FSWatcher
  readonly at: string
  readonly identity: string | undefined
}

/**
 * Tells when something has happened in the directories of a module's files. Says nothing of what. A directory that was
 * deleted, or moved away, is waited for.
 */
export class FileWatch {
  readonly #watched = new Map<string, Watched>()
  readonly #changed: () => void
  readonly #failed: (reason: string) => void

  constructor(changed: () => void, failed: (reason: string) => void) {
    this.#changed = changed
    this.#failed = failed
  }

  /** Watches where these files are, beside what is watched already. */
  add(files: Iterable<string>): void {
    for (const directory of new Set([...files].flatMap(directoriesOf))) {
      if (!this.#watched.has(directory) && this.#watched.size < MAX_DIRECTORIES) this.#watch(directory)
    }
  }

  #watch(directory: string): void {
    try {
      let watched = this.#open(directory)
      // It may have come, or gone, meanwhile.
      for (let again = 0; again < MOST_TURNS && !isThere(directory, watched); again++) {
        watched.watcher.close()
        watched = this.#open(directory)
      }
      this.#watched.set(directory, watched)
    } catch (error) {
      this.#failed((error as Error).message)
    }
  }

  #open(directory: string): Watched {
    const at = nearestOf(directory)
    const identity = identityOf(at)
    const watcher = watch(at, { persistent: false }, (event, name) => this.#happened(directory, watcher, event, name))
    watcher.on("error", (error) => {
      watcher.close()
      if (this.#watched.get(directory)?.watcher === watcher) this.#watched.delete(directory)
      this.#failed(error.message)
    })
    return { watcher, at, identity }
  }

  #happened(directory: string, watcher: FSWatcher, event: string, name: string | null): void {
    const watched = this.#watched.get(directory)
    if (watched?.watcher !== watcher) return
    // What is written into a file changes no directory. A directory that is deleted tells its own name last; one that is
    // made at once in its place may get its number too, and nobody hears of that one by the old watcher.
    const isOver = event === "rename" && (name === basename(watched.at) || !isThere(directory, watched))
    if (isOver) {
      watcher.close()
      this.#watched.delete(directory)
      this.#watch(directory)
    } else if (watched.at !== directory) return
    this.#changed()
  }

  close(): void {
    for (const { watcher } of this.#watched.values()) watcher.close()
    this.#watched.clear()
  }
}

/** It, or what is above it. */
const nearestOf = (directory: string): string => {
  let at = directory
  while (identityOf(at) === undefined && dirname(at) !== at) at = dirname(at)
  return at
}

/** Whether that is still what is to be watched. */
const isThere = (directory: string, { at, identity }: Watched): boolean =>
  identityOf(at) === identity && nearestOf(directory) === at
