import { homedir } from "node:os"
import { join, resolve } from "node:path"
import type { Paths } from "./paths.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** By what the remote server knows this machine. */
export interface MachinePaths {
  /** `HAPPY_HOME_DIR` where that is set, else `machine` in the home. */
  readonly directory: string
  /** Token and key, in the format of the program whose server it is. */
  readonly credentials: string
  /** The machine's id, in the same program's format. */
  readonly settings: string
  /** Whether the other program uses these very files. */
  readonly isShared: boolean
}

export const machinePaths = (paths: Pick<Paths, "home">, env: Environment): MachinePaths => {
  const isShared = Boolean(env["HAPPY_HOME_DIR"])
  const directory = isShared ? happyHome(env) : join(paths.home, "machine")
  return { ...filesIn(directory), isShared }
}

/** Where the other program has its files: `HAPPY_HOME_DIR`, else `~/.happy`. */
export const happyHome = (env: Environment): string => {
  const home = env["HOME"] || homedir()
  const said = env["HAPPY_HOME_DIR"]
  if (said === undefined || said === "") return join(home, ".happy")
  return resolve(home, said.replace(/^~(?=\/|$)/, home))
}

/** The other program's own, which can be used as they are. */
export const happyMachinePaths = (env: Environment): MachinePaths => ({ ...filesIn(happyHome(env)), isShared: true })

const filesIn = (directory: string) => ({
  directory,
  credentials: join(directory, "access.key"),
  settings: join(directory, "settings.json")
})
