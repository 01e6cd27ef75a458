/** A `claude` that is the program of a session is given hob's hooks, so that what is said in it is captured. */
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import {
  hasHobHooks,
  isClaude,
  isInline,
  type SettingsGiven,
  settingsGiven,
  withHobHooks
} from "../agentHooks/claudeSettings.ts"
import { ownCommand } from "../agentHooks/ownCommand.ts"
import { agentHookFile } from "../config/agentPaths.ts"
import { ownBinary } from "../config/entrypoints.ts"
import type { Paths } from "../config/paths.ts"
import type { Settings } from "../config/settings.ts"
import { captureVariable } from "../config/variables.ts"
import type { SessionFile } from "../protocol/sessionHost.ts"

/** Words among the arguments of a program, before the one of this index. */
export interface Insert {
  readonly at: number
  readonly words: ReadonlyArray<string>
}

const MOST_BYTES = 1024 * 1024

/** A small file of the user's; null where it is none, such as the descriptor of another process' output. */
const textOf = (path: string): string | null => {
  const found = statSync(path, { throwIfNoEntry: false })
  return found?.isFile() === true && found.size <= MOST_BYTES ? readFileSync(path, "utf8") : null
}

const givenText = (
  { value }: SettingsGiven,
  cwd: string
): { readonly text: string; readonly isFile: boolean } | null => {
  if (isInline(value)) return { text: value, isFile: false }
  const text = textOf(resolve(cwd, value))
  return text === null ? null : { text, isFile: true }
}

/** Whether the user's own settings have them already, and will be read. */
const isInstalled = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>>, command: string): boolean => {
  if (args.some((arg) => arg.startsWith("--setting-sources"))) return false
  const text = textOf(agentHookFile("claude", env))
  return text !== null && hasHobHooks(text, command)
}

/** The program has ended: nobody reads its settings any more. */
export const removeClaudeSettings = (paths: Paths, id: string): Effect.Effect<void> =>
  Effect.sync(() => rmSync(join(paths.claudeSettings, `${id}.json`), { force: true })).pipe(
    Effect.catchDefect((defect) =>
      Effect.logWarning(`the settings of session ${id} were not removed: ${String(defect)}`)
    )
  )

/** The files of sessions that are not there any more. */
const sweep = (directory: string, isOpen: (id: string) => boolean): void => {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    if (!isOpen(name.replace(/\.json$/, ""))) rmSync(join(directory, name), { force: true })
  }
}

/** Once it is known which sessions there are: programs may have ended while no daemon was there. */
export const sweepClaudeSettings = (paths: Paths, isOpen: (id: string) => boolean): Effect.Effect<void> =>
  Effect.sync(() => sweep(paths.claudeSettings, isOpen)).pipe(
    Effect.catchDefect((defect) => Effect.logWarning(`settings of ended sessions were not removed: ${String(defect)}`))
  )

interface Given {
  readonly paths: Paths
  readonly capture: Settings["capture"]
  readonly file: SessionFile
  readonly env: Readonly<Record<string, string>>
}

const prepare = ({ capture, env, file, paths }: Given): Insert | string | null => {
  const [program = "", ...args] = file.command
  if (!isClaude(program) || !capture.enabled || !capture.claudeSessions || env[captureVariable] === "false") return null
  const command = ownCommand(paths)
  if (!existsSync(ownBinary()) || isInstalled(args, env, command)) return null
  const last = settingsGiven(args)
  const given = last === null ? null : givenText(last, file.cwd)
  const text = last !== null && given === null ? null : withHobHooks(given, command)
  if (text === null) return `what it was given by --settings (${last!.value.slice(0, 100)}) can't be taken along`
  mkdirSync(paths.claudeSettings, { recursive: true, mode: 0o700 })
  const path = join(paths.claudeSettings, `${file.id}.json`)
  writeFileSync(path, text, { mode: 0o600, flag: "wx" })
  return { at: last?.behind ?? 0, words: ["--settings", path] }
}

/** What goes among the arguments of a session's program; null where nothing does. A session starts in any case. */
export const claudeHooks = (given: Given): Effect.Effect<Insert | null> =>
  Effect.try({
    try: () => prepare(given),
    catch: (error) => (error instanceof Error ? error.message : String(error))
  }).pipe(
    Effect.catch(Effect.succeed),
    Effect.flatMap((insert) =>
      typeof insert === "string"
        ? Effect.as(Effect.logWarning(`session ${given.file.id} has none of hob's hooks: ${insert}`), null)
        : Effect.succeed(insert)
    )
  )
