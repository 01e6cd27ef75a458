import { Effect } from "effect"
import { realpath, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { isAbsolute, join, normalize } from "node:path"
import { makeDirectory } from "../config/makeDirectory.ts"
import { AgentDirectoryUnusable } from "../protocol/agents.ts"

/** File systems that don't answer. */
const PATIENCE = "5 seconds"
/** What looks like directories and is the kernel's: an agent that writes there does not write files. */
const systems = ["/proc", "/sys", "/dev"]

type Reason = AgentDirectoryUnusable["reason"]

const isSystem = (path: string): boolean =>
  systems.some((system) => path === system || path.startsWith(`${system}/`)) && !path.startsWith("/dev/shm/")

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ""

/** Where an agent is to run: absolute, there, and a place for files. With `create` it is made where there is none. */
export const usableDirectory = (
  directory: string,
  { create = false, home = homedir() }: { readonly create?: boolean; readonly home?: string } = {}
): Effect.Effect<string, AgentDirectoryUnusable> => {
  const refuse = (reason: Reason, detail = "") => new AgentDirectoryUnusable({ directory, reason, detail })
  const expanded = directory === "~" ? home : directory.startsWith("~/") ? join(home, directory.slice(2)) : directory
  if (!isAbsolute(expanded) || expanded.includes("\0")) return Effect.fail(refuse("relative"))
  const path = normalize(expanded)
  // Before anything is made there.
  if (isSystem(path)) return Effect.fail(refuse("system"))

  const look = async (): Promise<string> => {
    const real = await realpath(path)
    if (isSystem(real)) throw refuse("system")
    if (!(await stat(real)).isDirectory()) throw refuse("not-a-directory")
    return path
  }
  const find = async (): Promise<string> => {
    try {
      return await look()
    } catch (error) {
      if (!create || !["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error
    }
    try {
      await makeDirectory(path)
    } catch (error) {
      throw refuse("cannot-be-made", words(error))
    }
    return await look()
  }
  return Effect.tryPromise({
    try: find,
    catch: (error) => {
      if (error instanceof AgentDirectoryUnusable) return error
      if (codeOf(error) === "ENOENT") return refuse("missing")
      return codeOf(error) === "ENOTDIR" ? refuse("not-a-directory") : refuse("forbidden", words(error))
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: PATIENCE,
      orElse: () => Effect.fail(refuse("forbidden", "the file system does not answer"))
    })
  )
}

const known: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system can't be written to",
  ENOSPC: "the disk is full",
  EEXIST: "a part of it is a file",
  ENOTDIR: "a part of it is a file",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "its name is too long"
}

const words = (error: unknown): string => known[codeOf(error)] ?? (error as Error).message
