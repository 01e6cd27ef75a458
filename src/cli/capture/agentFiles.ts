/** Where agents have their configuration, and what hob writes into it. */
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import {
  type AgentConfig,
  claudeConfig,
  cursorConfig,
  geminiConfig,
  withNotify,
  withoutNotify
} from "./agentConfigs.ts"

type Environment = Readonly<Record<string, string | undefined>>

export const agentNames = ["claude", "codex", "gemini", "cursor"] as const
export type AgentName = (typeof agentNames)[number]

/** The directory by which an agent is known to be there, and the file in it. */
const placeOf = (agent: AgentName, env: Environment): { readonly directory: string; readonly file: string } => {
  const home = env["HOME"] || homedir()
  const directory = {
    claude: env["CLAUDE_CONFIG_DIR"] || join(home, ".claude"),
    codex: env["CODEX_HOME"] || join(home, ".codex"),
    gemini: join(home, ".gemini"),
    cursor: join(home, ".cursor")
  }[agent]
  const name = { claude: "settings.json", codex: "config.toml", gemini: "settings.json", cursor: "hooks.json" }[agent]
  return { directory, file: join(directory, name) }
}

export const isThere = (agent: AgentName, env: Environment): boolean => existsSync(placeOf(agent, env).directory)

const configs: Readonly<Record<Exclude<AgentName, "codex">, AgentConfig>> = {
  claude: claudeConfig,
  gemini: geminiConfig,
  cursor: cursorConfig
}

/** What was done, or why nothing was: a sentence. */
export interface Outcome {
  readonly done: boolean
  readonly sentence: string
}

/** Through a link, as people have who keep their configuration elsewhere; in one step. */
const put = (file: string, text: string): void => {
  const target = existsSync(file) ? realpathSync(file) : file
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 })
  const mode = existsSync(target) ? statSync(target).mode & 0o777 : 0o600
  const temporary = `${target}.hob-${process.pid}`
  writeFileSync(temporary, text, { mode })
  renameSync(temporary, target)
}

const parse = (text: string): { [key: string]: unknown } | null => {
  if (text.trim() === "") return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as { [key: string]: unknown })
      : null
  } catch {
    return null
  }
}

const indentOf = (text: string): string | number => /^[{[]\s*\n([ \t]+)/.exec(text)?.[1] ?? 2

const unreadable = (agent: AgentName, file: string): Outcome => ({
  done: false,
  sentence: `${agent}: ${file} is no JSON that hob can write (a comment in it, perhaps): it is left as it is.`
})

export const installAgent = (
  agent: AgentName,
  env: Environment,
  words: ReadonlyArray<string>,
  command: string
): Outcome => {
  const { file } = placeOf(agent, env)
  const text = existsSync(file) ? readFileSync(file, "utf8") : ""
  if (agent === "codex") {
    const next = withNotify(text, words)
    if (next === null)
      return {
        done: false,
        sentence: `codex: ${file} notifies another program already, and Codex knows one only: it is left as it is.`
      }
    if (next !== text) put(file, next)
    return { done: true, sentence: `codex: prompts and answers are captured (notify in ${file})` }
  }
  const config = parse(text)
  if (config === null) return unreadable(agent, file)
  const next = configs[agent].install(config, command)
  if (JSON.stringify(next) !== JSON.stringify(config)) put(file, `${JSON.stringify(next, null, indentOf(text))}\n`)
  return { done: true, sentence: `${agent}: prompts, answers and edits are captured (hooks in ${file})` }
}

/** Null where nothing of hob's was there. */
export const uninstallAgent = (agent: AgentName, env: Environment): Outcome | null => {
  const { file } = placeOf(agent, env)
  if (!existsSync(file)) return null
  const text = readFileSync(file, "utf8")
  if (!text.includes("capture")) return null
  if (agent === "codex") {
    const next = withoutNotify(text)
    if (next === text) return null
    if (next === "") rmSync(realpathSync(file))
    else put(file, next)
    return { done: true, sentence: `codex: nothing is captured any more (${file})` }
  }
  const config = parse(text)
  if (config === null) return unreadable(agent, file)
  const next = configs[agent].uninstall(config)
  if (JSON.stringify(next) === JSON.stringify(config)) return null
  const isEmpty = Object.keys(next).every((key) => key === "version")
  if (isEmpty) rmSync(realpathSync(file))
  else put(file, `${JSON.stringify(next, null, indentOf(text))}\n`)
  return { done: true, sentence: `${agent}: nothing is captured any more (${file})` }
}
