/** Agents as people write them in the configuration. */
import { Schema } from "effect"
import { AgentInput, AgentName, AgentOutput } from "../protocol/agentNames.ts"

/** One agent in `config.json`. */
export const AgentCommand = Schema.Struct({
  /** The program and its arguments. */
  command: Schema.Array(Schema.String.check(Schema.isPattern(/^[^\0]*$/u))).check(
    Schema.makeFilter((words) => (words.length > 0 && words[0] !== "" ? undefined : "a program and its arguments"))
  ),
  /** Default: `argument`. */
  input: Schema.optionalKey(AgentInput),
  /** Default: `text`. */
  output: Schema.optionalKey(AgentOutput)
})
export type AgentCommand = typeof AgentCommand.Type

/** All of them, by name. */
export const AgentCommands = Schema.Record(AgentName, AgentCommand)
