/** The log where a foreign program's users look for it: who does finds whom to ask. Nothing of what is said is in it. */
import { Effect, type Scope } from "effect"
import { closeSync, constants, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { prepareRunDirectory } from "../wire/runDirectory.ts"

const MOST_BYTES = 64 * 1024

const append = (path: string, sentence: string): void => {
  try {
    // Anybody may have put something else in its place.
    prepareRunDirectory(dirname(path))
    const flags =
      constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK
    const fd = openSync(path, flags, 0o600)
    try {
      if (!fstatSync(fd).isFile()) return
      if (fstatSync(fd).size > MOST_BYTES) ftruncateSync(fd, 0)
      writeSync(fd, `[${new Date().toISOString()}] ${sentence}\n`)
    } finally {
      closeSync(fd)
    }
  } catch {
    // It is for people's eyes alone; hob's own log has more.
  }
}

/** Says in it that hob answers, and with the scope that it does no more. */
export const keepLog = (path: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => append(path, `hob (pid ${process.pid}) answers here; \`hob logs\` has its log`)),
    () => Effect.sync(() => append(path, "hob answers here no more"))
  )
