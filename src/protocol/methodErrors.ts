import { Schema } from "effect"

/** As it was asked for: a name that there can be no method of is told too. */
const which = { namespace: Schema.String, method: Schema.String }

/** No module and no entry of the configuration has a method of this name in this namespace. */
export class UnknownMethod extends Schema.TaggedError<UnknownMethod>()("UnknownMethod", which) {
  override get message() {
    return `There is no method "${this.method}" in the namespace "${this.namespace}". \`hob methods ls --all\` lists those there are; \`hob methods add FILE\` adds a module's.`
  }
}

/** The parameters are not what the method declares. It was not called. */
export class InvalidParams extends Schema.TaggedError<InvalidParams>()("InvalidParams", {
  ...which,
  /** What is wrong, and where. */
  problem: Schema.String
}) {
  override get message() {
    return `The parameters of "${this.method}" are wrong: ${this.problem}. \`hob methods ls --json\` shows what it takes.`
  }
}

/** The method returned something that is not JSON, is too large, or is not what it declares. It has run all the same. */
export class InvalidResult extends Schema.TaggedError<InvalidResult>()("InvalidResult", {
  ...which,
  problem: Schema.String
}) {
  override get message() {
    return `The result of "${this.method}" can't be answered with: ${this.problem}. The method has run; mend what it returns.`
  }
}

/** The method threw, or its command failed. The stack is in the daemon's log. */
export class MethodFailed extends Schema.TaggedError<MethodFailed>()("MethodFailed", {
  ...which,
  /** What it said: the message of the error, or the last line that the command wrote to stderr. */
  reason: Schema.String,
  /** Of a command: what it exited with. */
  exitCode: Schema.optionalKey(Schema.Int)
}) {
  override get message() {
    return this.reason === "" ? `The method "${this.method}" failed and did not say why.` : this.reason
  }
}

/** The method did not end within its time limit. It was told to stop, and its process ended if it did not. */
export class MethodTimedOut extends Schema.TaggedError<MethodTimedOut>()("MethodTimedOut", {
  ...which,
  timeoutMillis: Schema.Int
}) {
  override get message() {
    return `The method "${this.method}" did not end within ${this.timeoutMillis} ms and was stopped. Give it more time, or see what holds it up (\`hob logs\`).`
  }
}

/** The process that ran the method ended before the method did. Whether the method took effect is not known. */
export class WorkerEnded extends Schema.TaggedError<WorkerEnded>()("WorkerEnded", {
  ...which,
  /** How it ended, as the end of a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return `The process of "${this.method}" ended while the method ran: ${this.reason}. It is started anew; how far the method got is not known.`
  }
}

/** As much as may be is in hand for the module already. The method was not called. */
export class MethodsBusy extends Schema.TaggedError<MethodsBusy>()("MethodsBusy", {
  ...which,
  /** Calls in hand. */
  inFlight: Schema.Int
}) {
  override get message() {
    return `${this.inFlight} calls are in hand beside that of "${this.method}", as much as may be (methods.maxInFlightCount, methods.queueBytes). Try again later.`
  }
}

/** The module can't be loaded. */
export class ModuleBroken extends Schema.TaggedError<ModuleBroken>()("ModuleBroken", {
  file: Schema.String,
  /** What Node says of it. */
  problem: Schema.String
}) {
  override get message() {
    return `${this.file} can't be loaded: ${this.problem}`
  }
}

/** What a call of a method can come to. */
export const MethodError = Schema.Union([
  UnknownMethod,
  InvalidParams,
  InvalidResult,
  MethodFailed,
  MethodTimedOut,
  WorkerEnded,
  MethodsBusy,
  ModuleBroken
])
export type MethodError = typeof MethodError.Type
