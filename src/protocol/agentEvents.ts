import { Schema } from "effect"
import { Offset } from "./ids.ts"

const base = {
  /** Behind the line in the session's output that says it: what to ask for with `since` to go on from here. */
  offset: Offset,
  /** The line, where it was asked for. */
  raw: Schema.optionalKey(Schema.Json)
}

const said = {
  ...base,
  text: Schema.String,
  /** The tool call of the subagent that says it; null: the agent itself does. */
  parent: Schema.NullOr(Schema.String)
}

/** What an agent says on its standard output, the same for all of them. Others may be added: ignore a `type` that is not known. */
export const AgentEvent = Schema.Union([
  /** It has begun a turn. */
  Schema.Struct({
    type: Schema.Literal("ready"),
    ...base,
    agentSession: Schema.NullOr(Schema.String),
    model: Schema.NullOr(Schema.String),
    cwd: Schema.NullOr(Schema.String)
  }),
  /** What it was told, where it says so. */
  Schema.Struct({ type: Schema.Literal("prompt"), ...said }),
  /** Its answer, or a part of it. */
  Schema.Struct({ type: Schema.Literal("text"), ...said }),
  /** A piece of an answer that follows whole. */
  Schema.Struct({ type: Schema.Literal("delta"), ...said }),
  Schema.Struct({ type: Schema.Literal("thinking"), ...said }),
  /** It calls a tool. */
  Schema.Struct({
    type: Schema.Literal("tool"),
    ...base,
    id: Schema.NullOr(Schema.String),
    name: Schema.String,
    input: Schema.Json,
    parent: Schema.NullOr(Schema.String)
  }),
  Schema.Struct({
    type: Schema.Literal("tool-result"),
    ...said,
    id: Schema.NullOr(Schema.String),
    isError: Schema.Boolean
  }),
  /** It has ended a turn, and waits for the next one, or ends. */
  Schema.Struct({
    type: Schema.Literal("turn-ended"),
    ...base,
    isError: Schema.Boolean,
    text: Schema.NullOr(Schema.String),
    /** Why, in the agent's own word. */
    reason: Schema.NullOr(Schema.String),
    durationMillis: Schema.NullOr(Schema.Number),
    costUsd: Schema.NullOr(Schema.Number),
    usage: Schema.NullOr(Schema.Json)
  }),
  /** It says that something is wrong, and goes on. */
  Schema.Struct({ type: Schema.Literal("notice"), ...base, text: Schema.String }),
  /** Something else, by the agent's own name for it. */
  Schema.Struct({ type: Schema.Literal("other"), ...base, name: Schema.String }),
  /** A line that is not JSON, or too long to be read. */
  Schema.Struct({ type: Schema.Literal("unreadable"), ...base, text: Schema.String }),
  /** Output between these offsets is no longer kept. */
  Schema.Struct({ type: Schema.Literal("gap"), ...base, from: Offset, to: Offset })
])
export type AgentEvent = typeof AgentEvent.Type
