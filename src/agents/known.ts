/** The agents that are known by themselves, and those of the configuration. Pure. */
import type { Settings } from "../config/settings.ts"
import type { Agent } from "../protocol/agents.ts"

type Known = Pick<Agent, "command" | "input" | "output">

const builtIn: Readonly<Record<string, Known>> = {
  claude: {
    command: ["claude", "--print", "--output-format", "stream-json", "--verbose", "--input-format", "stream-json"],
    input: "stream-json",
    output: "claude"
  },
  codex: { command: ["codex", "exec", "--json", "--"], input: "argument", output: "codex" },
  gemini: { command: ["gemini", "--output-format", "stream-json", "--prompt="], input: "argument", output: "gemini" }
}

/** By name, those of the configuration in the place of others. */
export const knownAgents = (settings: Settings["agents"]): ReadonlyArray<Agent> => {
  const configured = Object.entries(settings.commands).map(
    ([name, { command, input = "argument", output = "text" }]) => [name, { command, input, output }] as const
  )
  const all = new Map<string, Known>([...Object.entries(builtIn), ...configured])
  return Array.from(all, ([name, { command, input, output }]) => ({
    name,
    command,
    input,
    output,
    isDefault: name === settings.default
  }))
}

/**
 * The command of an agent that is told what to do by an argument. A prompt may begin with a dash, and must not be read as
 * options: it stands behind what ends with `=`, as in `--prompt=`, in one argument with it, or else by itself, behind the
 * `--` of a command that has one.
 */
export const withPrompt = (command: ReadonlyArray<string>, prompt: string): ReadonlyArray<string> => {
  const last = command.at(-1)
  return last?.startsWith("-") === true && last.endsWith("=")
    ? [...command.slice(0, -1), `${last}${prompt}`]
    : [...command, prompt]
}

/** One turn as a line that Claude Code reads. */
export const turnLine = (text: string): string =>
  `${JSON.stringify({ type: "user", message: { role: "user", content: text } })}\n`
