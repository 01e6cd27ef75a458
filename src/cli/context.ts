import type { Paths } from "../config/paths.ts"

/** What every command is given: whose daemon, and whether it may be started. */
export interface Context {
  readonly paths: Paths
  readonly env: Readonly<Record<string, string | undefined>>
  /** False with `--no-start` or `HOB_NO_START=1`. */
  readonly mayStart: boolean
  /** `key=value` of each `-c`: settings of a daemon that this command starts, and of the command itself. */
  readonly settings: ReadonlyArray<string>
}

/** Flags that stand before or after any command. */
export interface SharedFlags {
  readonly noStart: boolean
  readonly settings: ReadonlyArray<string>
}

const isSet = (value: string | undefined): boolean => value !== undefined && value !== "" && value !== "0"

export const makeContext = (paths: Paths, env: NodeJS.ProcessEnv, shared: SharedFlags): Context => ({
  paths,
  env,
  mayStart: !shared.noStart && !isSet(env["HOB_NO_START"]),
  settings: shared.settings
})
