import { Schema } from "effect"
import { SessionId } from "./ids.ts"

/** No agent has this name. */
export class UnknownAgent extends Schema.TaggedError<UnknownAgent>()("UnknownAgent", {
  agent: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `There is no agent "${this.agent}". Known are ${this.known.join(", ")}; others are written into agents.commands of the configuration.`
  }
}

/** No agent can be started in this directory. */
export class AgentDirectoryUnusable extends Schema.TaggedError<AgentDirectoryUnusable>()("AgentDirectoryUnusable", {
  directory: Schema.String,
  reason: Schema.Literals(["relative", "missing", "not-a-directory", "system", "forbidden", "cannot-be-made"]),
  /** What the system says, if anything. */
  detail: Schema.String
}) {
  override get message() {
    const quoted = `"${this.directory}"`
    switch (this.reason) {
      case "relative":
        return `The directory ${quoted} must be an absolute path, or begin with "~/".`
      case "missing":
        return `The directory ${quoted} does not exist. With "createDirectory": true it is made.`
      case "not-a-directory":
        return `${quoted} is not a directory.`
      case "system":
        return `${quoted} is the system's own: no agent is started below /proc, /sys or /dev.`
      case "forbidden":
        return `The directory ${quoted} can't be entered: ${this.detail}.`
      case "cannot-be-made":
        return `The directory ${quoted} can't be made: ${this.detail}.`
    }
  }
}

/** A request with this key came before, and asked for something else. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {
  idempotencyKey: Schema.String,
  session: SessionId
}) {
  override get message() {
    return `The key "${this.idempotencyKey}" was given with another request, which started session ${this.session}. Choose a new key.`
  }
}

/** What runs there is given no turns: it is no agent, or one that is told what to do once. */
export class AgentTakesNoTurns extends Schema.TaggedError<AgentTakesNoTurns>()("AgentTakesNoTurns", {
  session: Schema.String,
  /** Null: it is no agent session. */
  agent: Schema.NullOr(Schema.String)
}) {
  override get message() {
    return this.agent === null
      ? `In session ${this.session} runs no agent. \`hob send\` types into any session.`
      : `The agent "${this.agent}" is told what to do once, when it is started. Start another one.`
  }
}

/** This agent is told what to do when it is started, and nobody has said what. */
export class AgentNeedsPrompt extends Schema.TaggedError<AgentNeedsPrompt>()("AgentNeedsPrompt", {
  agent: Schema.String
}) {
  override get message() {
    return `The agent "${this.agent}" is told what to do when it is started: give a prompt.`
  }
}
