/** Noticing that the file of a listening socket was removed: who connects then finds nobody, though somebody listens. */
import { existsSync, type FSWatcher, unwatchFile, watch, watchFile } from "node:fs"
import { dirname } from "node:path"

/** How often is looked where the system does not tell. */
const LOOK_MILLIS = 10_000

/**
 * Calls `gone` once, when nothing lies at `path` any more: at once where the system tells of changes in a directory. What
 * somebody else has put there is theirs, and nothing is said. Ends with what it returns, and keeps no process alive.
 */
export const onceGone = (path: string, gone: () => void): (() => void) => {
  let watcher: FSWatcher | undefined
  let over = false
  const poll = () => {
    watcher?.close()
    watcher = undefined
    watchFile(path, { interval: LOOK_MILLIS, persistent: false }, look)
  }
  const end = () => {
    over = true
    watcher?.close()
    watcher = undefined
    unwatchFile(path, look)
  }
  const look = () => {
    if (over || existsSync(path)) return
    end()
    gone()
  }
  try {
    watcher = watch(dirname(path), { persistent: false }, look)
    watcher.on("error", poll)
  } catch {
    // No more watches to be had, or no directory.
    poll()
  }
  // It may have happened before.
  queueMicrotask(look)
  return end
}
