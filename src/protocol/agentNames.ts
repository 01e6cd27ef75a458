import { Schema } from "effect"

/** What hob calls an agent: 1 to 64 of letters, digits, `.`, `_`, `-`. */
export const AgentName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, {
    expected: "1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  })
)

/**
 * How an agent is told what to do. `stream-json`: a line of JSON on standard input for each turn, as Claude Code reads
 * them, the first one too. `argument`: once, as its last argument, or as the end of it where the command ends with an option
 * and its `=`, as in `--prompt=`. `text`: once, on standard input, which ends behind it.
 */
export const AgentInput = Schema.Literals(["stream-json", "argument", "text"])
export type AgentInput = typeof AgentInput.Type

/** What an agent writes to standard output: lines of JSON in the spelling of Claude Code, Codex or Gemini CLI; or anything. */
export const AgentOutput = Schema.Literals(["claude", "codex", "gemini", "text"])
export type AgentOutput = typeof AgentOutput.Type
