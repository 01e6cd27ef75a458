/**
 * How a `claude` that hob starts tells hob of what happens: by a settings file of hob's own, given behind the one that
 * its user gave, if any. Of several `--settings` Claude Code heeds the last one alone, so what the user's says is in it.
 * Pure.
 */
import { basename } from "node:path"
import { claudeConfig, claudeEvents, isObject, type Json, ownCommands } from "./configs.ts"

export const isClaude = (program: string): boolean => basename(program) === "claude"

export interface SettingsGiven {
  readonly value: string
  /** The index of the argument behind it. */
  readonly behind: number
}

/** The last `--settings` among arguments; null where none is. */
export const settingsGiven = (args: ReadonlyArray<string>): SettingsGiven | null => {
  let found: SettingsGiven | null = null
  for (const [index, arg] of args.entries()) {
    if (arg === "--") break
    const next = args[index + 1]
    if (arg === "--settings" && next !== undefined) found = { value: next, behind: index + 2 }
    else if (arg.startsWith("--settings=")) found = { value: arg.slice("--settings=".length), behind: index + 1 }
  }
  return found
}

/** The value is the settings themselves, not the name of a file. */
export const isInline = (value: string): boolean => value.trimStart().startsWith("{")

const strings = (value: unknown): ReadonlyArray<string> =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(strings)
      : []

/**
 * Whether settings mean paths beside their own file: a rule such as `Read(/secrets/**)` counts from there. They would
 * mean others in another directory.
 */
const countsFromItsFile = ({ permissions, sandbox }: Json): boolean =>
  strings(permissions).some((rule) => /\(\s*\/(?!\/)/.test(rule)) ||
  strings(sandbox).some((path) => /^(?:\/(?!\/)|\.)/.test(path))

const parsed = (text: string): Json | null => {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ""))
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** The settings with hob's hooks in them; null where those of the user can't be taken along. */
export const withHobHooks = (
  given: { readonly text: string; readonly isFile: boolean } | null,
  command: string
): string | null => {
  if (given === null) return claudeConfig.install("", command)
  const config = parsed(given.text)
  if (config === null || (given.isFile && countsFromItsFile(config))) return null
  return claudeConfig.install(given.text, command)
}

/** The home that a hook's command names. */
const homeOf = (command: string): string | undefined => /\bHOB_HOME=('[^']*'|\S+)/.exec(command)?.[1]

/** Whether settings have hob's hooks already, all of them, for the same home. */
export const hasHobHooks = (text: string, command: string): boolean =>
  claudeEvents.every((event) => ownCommands(text, event).some((each) => homeOf(each) === homeOf(command)))
