/** Where agents have their configuration, and what hob writes into it. */
import { existsSync } from "node:fs"
import {
  type AgentConfig,
  claudeConfig,
  codexConfig,
  cursorConfig,
  geminiConfig,
  withNotify,
  withoutNotify
} from "../../agentHooks/configs.ts"
import { agentDirectory, agentHookFile, type AgentName, codexConfigFile } from "../../config/agentPaths.ts"
import { type Given, LeftAlone, readGiven, removeGiven, replaceGiven } from "./givenFile.ts"

type Environment = Readonly<Record<string, string | undefined>>

export const isThere = (agent: AgentName, env: Environment): boolean => existsSync(agentDirectory(agent, env))

const configs: Readonly<Record<AgentName, AgentConfig>> = {
  claude: claudeConfig,
  codex: codexConfig,
  gemini: geminiConfig,
  cursor: cursorConfig
}

/** What was done, or why nothing was: a sentence. */
export interface Outcome {
  readonly done: boolean
  readonly sentence: string
}

const attempt = (agent: AgentName, act: () => Outcome | null): ReadonlyArray<Outcome> => {
  try {
    const outcome = act()
    return outcome === null ? [] : [outcome]
  } catch (error) {
    if (!(error instanceof LeftAlone)) throw error
    return [{ done: false, sentence: `${agent}: ${error.message}` }]
  }
}

const notUnderstood = ({ file }: Given): LeftAlone =>
  new LeftAlone(`${file} is not JSON, or its \`hooks\` are something else than hob knows: it is left as it is.`)

const installHooks = (agent: AgentName, file: string, command: string): Outcome => {
  const given = readGiven(file)
  const next = configs[agent].install(given.text, command)
  if (next === null) throw notUnderstood(given)
  if (next !== given.text) replaceGiven(given, next)
  const what = `prompts, answers and edits are captured (hooks in ${file})`
  return {
    done: true,
    sentence: `${agent}: ${agent === "codex" ? `${what} once you have trusted them: Codex asks for it when it starts, and until then notify alone tells` : what}`
  }
}

const installNotify = (file: string, words: ReadonlyArray<string>): Outcome => {
  const given = readGiven(file)
  const next = withNotify(given.text, words)
  if (next === null)
    throw new LeftAlone(`${file} notifies another program already, and Codex knows one only: it is left as it is.`)
  if (next !== given.text) replaceGiven(given, next)
  return {
    done: true,
    sentence: `codex: prompts, answers and patches are captured at the end of each turn (notify in ${file})`
  }
}

/** `words` and `command` run this hob: one as a list, one for a shell. */
export const installAgent = (
  agent: AgentName,
  env: Environment,
  words: ReadonlyArray<string>,
  command: string
): ReadonlyArray<Outcome> => [
  ...(agent === "codex" ? attempt(agent, () => installNotify(codexConfigFile(env), words)) : []),
  ...attempt(agent, () => installHooks(agent, agentHookFile(agent, env), command))
]

const uninstallFrom = (
  file: string,
  without: (given: Given) => string | null,
  isEmpty: (text: string) => boolean
): boolean => {
  const given = readGiven(file)
  if (!given.text.includes("capture")) return false
  const next = without(given)
  if (next === null) throw notUnderstood(given)
  if (next === given.text) return false
  if (isEmpty(next)) removeGiven(given, next)
  else replaceGiven(given, next)
  return true
}

/** None where nothing of hob's was there. */
export const uninstallAgent = (agent: AgentName, env: Environment): ReadonlyArray<Outcome> => {
  const told = (file: string, isDone: boolean): Outcome | null =>
    isDone ? { done: true, sentence: `${agent}: nothing is captured any more (${file})` } : null
  const hooks = agentHookFile(agent, env)
  const toml = codexConfigFile(env)
  const { isEmpty, uninstall } = configs[agent]
  return [
    ...(agent === "codex"
      ? attempt(agent, () =>
          told(
            toml,
            uninstallFrom(
              toml,
              ({ text }) => withoutNotify(text),
              (text) => text === ""
            )
          )
        )
      : []),
    ...attempt(agent, () =>
      told(
        hooks,
        uninstallFrom(hooks, ({ text }) => uninstall(text), isEmpty)
      )
    )
  ]
}
