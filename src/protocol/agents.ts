import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import {
  AgentDirectoryUnusable,
  AgentNeedsPrompt,
  AgentTakesNoTurns,
  IdempotencyConflict,
  UnknownAgent
} from "./agentErrors.ts"
import { AgentEvent } from "./agentEvents.ts"
import { AgentInput, AgentName, AgentOutput } from "./agentNames.ts"
import { Endless } from "./endless.ts"
import { Offset, SessionName, SessionRef, Tags, Timestamp } from "./ids.ts"
import {
  InputQueueFull,
  Lookup,
  Session,
  SessionEnded,
  SessionHostUnavailable,
  SessionNameTaken,
  SpawnFailed
} from "./sessions.ts"
import { StorageError } from "./storage.ts"

export * from "./agentErrors.ts"
export * from "./agentEvents.ts"
export * from "./agentNames.ts"

/** What an agent says of the session `<id>` is said on the channel `agents:<id>`. */
export const AGENTS_PREFIX = "agents:"

/** An agent that can be started by name. */
export const Agent = Schema.Struct({
  name: AgentName,
  command: Schema.Array(Schema.String),
  input: AgentInput,
  output: AgentOutput,
  /** Started where none is named. */
  isDefault: Schema.Boolean
})
export type Agent = typeof Agent.Type

/** How a turn ended. */
export const TurnResult = Schema.Struct({
  isError: Schema.Boolean,
  text: Schema.NullOr(Schema.String),
  at: Timestamp
})

/** A session in which an agent runs, or ran. */
export const AgentSession = Schema.Struct({
  session: Session,
  /** Null: a command that was started without an agent's name. */
  agent: Schema.NullOr(AgentName),
  /** `working`: it has a turn in hand. `idle`: it waits for the next one. */
  state: Schema.Literals(["working", "idle", "ended"]),
  /** Whether it can be given another turn. */
  takesTurns: Schema.Boolean,
  /** The agent's own name for the conversation, by which it can be resumed. */
  agentSession: Schema.NullOr(Schema.String),
  model: Schema.NullOr(Schema.String),
  /** Turns that have ended. */
  turns: Schema.Int,
  lastResult: Schema.NullOr(TurnResult),
  /** As the agent counts it. */
  costUsd: Schema.NullOr(Schema.Number),
  /** Up to which output all this is true. */
  offset: Offset
})
export type AgentSession = typeof AgentSession.Type

/** A caller's own name for a request: asked again with the same, it is not done again. */
export const IdempotencyKey = Schema.String.check(
  Schema.isPattern(/^[\x21-\x7e]{1,255}$/u, { expected: "1 to 255 visible ASCII characters" })
)

/** What an agent session is started with. */
export const StartAgentFields = {
  /** An absolute path, or one below `~`. */
  directory: Schema.String.check(Schema.isBetweenLength(1, 4096, { expected: "a path" })),
  /** The first turn. Without it the agent waits for one. */
  prompt: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 1024 * 1024, { expected: "a text" }))),
  /** Default: that of the configuration, where there is no `command`. */
  agent: Schema.optionalKey(AgentName),
  /** With `agent`: in place of its own, spoken to and read as that one is. Alone: any program; a prompt is its standard input. */
  command: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMinLength(1))),
  /** Variables beside those that every session without a terminal gets. */
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  name: Schema.optionalKey(SessionName),
  tags: Schema.optionalKey(Tags),
  idempotencyKey: Schema.optionalKey(IdempotencyKey),
  /** Makes the directory where there is none. */
  createDirectory: Schema.optionalKey(Schema.Boolean),
  /** There will be no further turn: it ends when it has answered the prompt. */
  endInput: Schema.optionalKey(Schema.Boolean)
}

/** Why an agent session can't be started. */
export const StartAgentError = Schema.Union([
  UnknownAgent,
  AgentDirectoryUnusable,
  AgentNeedsPrompt,
  IdempotencyConflict,
  SpawnFailed,
  SessionNameTaken,
  SessionHostUnavailable,
  StorageError
])
export type StartAgentError = typeof StartAgentError.Type

/** Starts an agent in a pipe session of its own. Answers once its program runs. */
export const StartAgent = Rpc.make("agents.start", {
  payload: {
    ...StartAgentFields,
    /** The caller's whole environment, as for `sessions.run`; `env` goes before it. */
    callerEnv: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  },
  success: Schema.Struct({
    session: AgentSession,
    /** False: a request with this key came before, and this is what it started. */
    isNew: Schema.Boolean
  }),
  error: StartAgentError
})

/** Gives an agent its next turn, on its standard input. */
export const AgentTurn = Rpc.make("agents.turn", {
  payload: {
    session: SessionRef,
    text: Schema.String.check(Schema.isBetweenLength(1, 1024 * 1024, { expected: "a text" })),
    /** There will be no further one: it ends when it has answered. */
    endInput: Schema.optionalKey(Schema.Boolean)
  },
  success: Schema.Struct({ acceptedBytes: Schema.Int, queuedBytes: Schema.Int }),
  error: Schema.Union([Lookup, SessionEnded, InputQueueFull, AgentTakesNoTurns])
})

/**
 * What an agent has said since `since`, read from the session's output: everything of it is there for as long as the
 * output is kept. With `follow`, also what it says from now on, until it ends.
 */
export const AgentEvents = Rpc.make("agents.events", {
  payload: {
    session: SessionRef,
    /** The offset of the last event that is known. */
    since: Schema.optionalKey(Offset),
    follow: Schema.optionalKey(Schema.Boolean),
    /** Each with the line that it was read from. */
    raw: Schema.optionalKey(Schema.Boolean)
  },
  success: AgentEvent,
  error: Schema.Union([Lookup, AgentTakesNoTurns]),
  stream: true
}).annotate(Endless, true)

/** Sessions in which agents run, newest first; with `all` those that have ended too. */
export const ListAgentSessions = Rpc.make("agents.list", {
  payload: { all: Schema.optionalKey(Schema.Boolean) },
  success: Schema.Struct({ sessions: Schema.Array(AgentSession) })
})

/** The agents that can be started by name. */
export const KnownAgents = Rpc.make("agents.known", {
  success: Schema.Struct({ agents: Schema.Array(Agent) })
})

export const AgentsRpcs = RpcGroup.make(StartAgent, AgentTurn, AgentEvents, ListAgentSessions, KnownAgents)
