import { Schema } from "effect"
import { agentCommands, text } from "./setting.ts"

/** Coding agents that are started by name. */
export const AgentsSettings = Schema.Struct({
  default: text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, "the name of an agent", {
    default: "claude",
    description: "The agent that is started where none is named.",
    applies: "at once"
  }),
  commands: agentCommands({
    default: {},
    description:
      "Agents beside claude, codex and gemini, or in their place, by name, each with `command` (a list), and, if wanted, `input` (how it is told what to do: stream-json, argument or text) and `output` (what it writes: claude, codex, gemini or text). The command of one with `argument`, which is the default, should end with `--` or with an option and its `=` (`--prompt=`), whichever it takes, or a prompt that begins with a dash is read as options. `hob agent known` lists them.",
    applies: "at once"
  })
})
