/** Which paths a device may reach: those in listed directories, by what they really are. */
import { Effect } from "effect"
import { realpath } from "node:fs/promises"
import { homedir } from "node:os"
import { basename, dirname, isAbsolute, join, relative } from "node:path"
import { CallRefused } from "./RemoteCall.ts"

export const isInside = (directory: string, path: string): boolean => {
  const way = relative(directory, path)
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith("../"))
}

const expanded = (path: string): string =>
  path === "~" ? homedir() : path.startsWith("~/") ? join(homedir(), path.slice(2)) : path

/** The real paths of those that are there. */
export const realDirectories = async (directories: ReadonlyArray<string>): Promise<ReadonlyArray<string>> => {
  const found = await Promise.all(directories.map((each) => realpath(expanded(each)).catch(() => null)))
  return found.filter((each) => each !== null)
}

/** The real path of what is there; of what is to be made, that of its directory with its name behind. */
const real = async (path: string, isNew: boolean): Promise<string> => {
  try {
    return await realpath(path)
  } catch (error) {
    if (!isNew || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error
    return join(await realpath(dirname(path)), basename(path))
  }
}

/** The real path, if it is in one of the directories. What is outside is refused without a word on whether it is there. */
export const confine = (
  directories: ReadonlyArray<string>,
  path: string,
  { isNew = false }: { readonly isNew?: boolean } = {}
): Effect.Effect<string, CallRefused> => {
  const refused = new CallRefused({
    reason: "Access denied: the path is in none of machine.directories of hob's configuration, or is not there."
  })
  const wanted = expanded(path)
  if (!isAbsolute(wanted) || wanted.includes("\0")) return Effect.fail(refused)
  return Effect.tryPromise({
    try: async () => {
      const found = await real(wanted, isNew)
      const allowed = await realDirectories(directories)
      return allowed.some((directory) => isInside(directory, found)) ? found : null
    },
    catch: () => refused
  }).pipe(
    Effect.flatMap((found) => (found === null ? Effect.fail(refused) : Effect.succeed(found))),
    Effect.timeoutOrElse({
      duration: "5 seconds",
      orElse: () => Effect.fail(new CallRefused({ reason: "The file system does not answer." }))
    })
  )
}
