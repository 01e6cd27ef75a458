import { type FSWatcher, realpathSync, watch } from "node:fs"
import { dirname } from "node:path"
import { filePrint } from "../config/filePrint.ts"

/** Directories that are watched for one module. */
const MAX_DIRECTORIES = 64

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

/** Tells when something has happened in the directories of a module's files. Says nothing of what. */
export class FileWatch {
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #changed: () => void
  readonly #failed: (reason: string) => void

  constructor(changed: () => void, failed: (reason: string) => void) {
    this.#changed = changed
    this.#failed = failed
  }

  /** Watches where these files are, beside what is watched already. */
  add(files: Iterable<string>): void {
    for (const directory of new Set([...files].flatMap(directoriesOf))) {
      if (this.#watchers.has(directory) || this.#watchers.size === MAX_DIRECTORIES) continue
      try {
        const watcher = watch(directory, { persistent: false }, this.#changed)
        watcher.on("error", (error) => {
          watcher.close()
          this.#watchers.delete(directory)
          this.#failed(error.message)
        })
        this.#watchers.set(directory, watcher)
      } catch (error) {
        this.#failed((error as Error).message)
      }
    }
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }
}
