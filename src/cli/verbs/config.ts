import { Effect } from "effect"
import { inspectConfig, loadConfig } from "../../config/loadConfig.ts"
import type { EffectiveSetting } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { callPatiently } from "../patience.ts"
import { ExitCode, Fault } from "../exit.ts"
import { columns, plural } from "../render/text.ts"
import { toFault } from "../report.ts"
import { printError, printJson, printLine } from "../stdio.ts"

export interface ConfigShowOptions {
  readonly json: boolean
}

const ANSWER_MILLIS = 3000

/** What flags, this environment and the file amount to. A mistake is a {@link Fault} that names where it is. */
const load = (context: Context) =>
  Effect.runPromise(
    Effect.result(loadConfig({ paths: context.paths, env: context.env, flags: context.settings }))
  ).then((result) => {
    if (result._tag === "Success") return result.success
    const { message, source } = result.failure
    throw new Fault(source === "flag" ? ExitCode.usage : ExitCode.failure, message)
  })

/** What the running daemon has in force, or null when none answers. */
const inForce = async (context: Context): Promise<ReadonlyMap<string, unknown> | null> => {
  try {
    const { settings } = await callPatiently<{ readonly settings: ReadonlyArray<EffectiveSetting> }>(
      { ...context, mayStart: false },
      "daemon.config",
      {},
      ANSWER_MILLIS
    )
    return new Map(settings.map(({ key, value }) => [key, value]))
  } catch (error) {
    if (toFault(error).exitCode === ExitCode.notRunning) return null
    throw error
  }
}

/** `hob config show` */
export const configShow = async (context: Context, options: ConfigShowOptions): Promise<number> => {
  const { effective, warnings } = await load(context)
  const running = await inForce(context)
  if (options.json) {
    const settings = effective.map((setting) => ({
      ...setting,
      ...(running?.has(setting.key) === true ? { running: running.get(setting.key) } : {})
    }))
    printJson({ file: context.paths.config, settings })
    return ExitCode.ok
  }
  const rows = effective.map(({ key, source, value }) => {
    const now = running?.get(key)
    const differs = now !== undefined && JSON.stringify(now) !== JSON.stringify(value)
    return [key, shown(value), differs ? `${source}; the running daemon has ${shown(now)}` : source]
  })
  printLine(columns([["SETTING", "VALUE", "FROM"], ...rows]))
  for (const warning of warnings) printError(`hob: ${warning}`)
  return ExitCode.ok
}

const LONGEST_VALUE = 60

const shown = (value: unknown): string => {
  const text = JSON.stringify(value)
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE - 1)}…` : text
}

/** `hob config path` */
export const configPath = (context: Context): Promise<number> => {
  printLine(context.paths.config)
  return Promise.resolve(ExitCode.ok)
}

export interface ConfigCheckOptions {
  readonly json: boolean
}

/** `hob config check`: every mistake, not just the one that a daemon would stop at. */
export const configCheck = async (context: Context, options: ConfigCheckOptions): Promise<number> => {
  const { effective, mistakes, warnings } = await Effect.runPromise(
    inspectConfig({ paths: context.paths, env: context.env, flags: context.settings })
  )
  const changed = effective.filter(({ source }) => source !== "default").length
  if (options.json) {
    const told = mistakes.map(({ expected, key, message, source }) => ({ source, key, expected, message }))
    printJson({ file: context.paths.config, mistakes: told, warnings, changed, settings: effective.length })
  } else {
    for (const { message } of mistakes) printError(`hob: ${message}`)
    for (const warning of warnings) printError(`hob: ${warning}`)
    if (mistakes.length === 0) {
      printLine(
        `${context.paths.config}: no mistakes; ${changed} of ${effective.length} settings differ from the defaults.`
      )
    } else
      printError(
        `${plural(mistakes.length, "mistake")}. Until ${mistakes.length === 1 ? "it is" : "they are"} mended, no daemon starts, and a running one keeps what it has.`
      )
  }
  if (mistakes.length === 0) return ExitCode.ok
  return mistakes.every(({ source }) => source === "flag") ? ExitCode.usage : ExitCode.failure
}

/** `hob config reload`: has the running daemon read the configuration again; what is wrong with it changes nothing. */
export const configReload = async (context: Context, { json }: ConfigShowOptions): Promise<number> => {
  const { changed, needRestart } = await call<{
    readonly changed: ReadonlyArray<string>
    readonly needRestart: ReadonlyArray<string>
  }>({ ...context, mayStart: false }, "daemon.reload", {})
  if (json) printJson({ changed, needRestart })
  else if (changed.length === 0 && needRestart.length === 0) printLine("Nothing has changed.")
  else {
    if (changed.length > 0) printLine(`Changed: ${changed.join(", ")}.`)
    if (needRestart.length > 0) printLine(`After \`hob restart\`: ${needRestart.join(", ")}.`)
  }
  return ExitCode.ok
}
