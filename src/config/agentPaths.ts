import { homedir } from "node:os"
import { join } from "node:path"

type Environment = Readonly<Record<string, string | undefined>>

export const agentNames = ["claude", "codex", "gemini", "cursor"] as const
export type AgentName = (typeof agentNames)[number]

/** The directory of an agent's own configuration. */
export const agentDirectory = (agent: AgentName, env: Environment): string => {
  const home = env["HOME"] || homedir()
  return {
    claude: env["CLAUDE_CONFIG_DIR"] || join(home, ".claude"),
    codex: env["CODEX_HOME"] || join(home, ".codex"),
    gemini: join(env["GEMINI_CLI_HOME"] || home, ".gemini"),
    cursor: join(home, ".cursor")
  }[agent]
}

/** The files in which its user says what it runs when something happens. */
export const agentHookFile = (agent: AgentName, env: Environment): string =>
  join(
    agentDirectory(agent, env),
    { claude: "settings.json", codex: "hooks.json", gemini: "settings.json", cursor: "hooks.json" }[agent]
  )

/** Where Codex is told which program to notify. */
export const codexConfigFile = (env: Environment): string => join(agentDirectory("codex", env), "config.toml")

/** Where an agent keeps what was said; null of one whose transcripts hob does not read. */
export const transcriptDirectory = (agent: AgentName, env: Environment): string | null => {
  const below = { claude: "projects", codex: "sessions", gemini: "tmp", cursor: null }[agent]
  return below === null ? null : join(agentDirectory(agent, env), below)
}
