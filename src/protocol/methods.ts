import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Endless } from "./endless.ts"
import { Millis, Timestamp } from "./ids.ts"
import { MethodError, ModuleBroken } from "./methodErrors.ts"
import { MethodName } from "./methodNames.ts"
import { Namespace } from "./namespaces.ts"
import { StorageError } from "./storage.ts"

/** What a method asks its caller. */
export const Question = Schema.Struct({
  /** What to ask, for a person. */
  message: Schema.String,
  /** - `text`: any text. - `confirm`: true or false. - `select`: the value of one of the options. */
  type: Schema.Literals(["text", "confirm", "select"]),
  options: Schema.optionalKey(Schema.Array(Schema.Struct({ value: Schema.String, label: Schema.String }))),
  /** What is meant by an empty answer. */
  default: Schema.optionalKey(Schema.Json),
  /** The answer is not to be shown while it is typed. */
  secret: Schema.optionalKey(Schema.Boolean)
})
export type Question = typeof Question.Type

/** How far a method has got. */
export const Progress = Schema.Struct({
  /** 0 to 100. */
  percent: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
  description: Schema.optionalKey(Schema.String)
})
export type Progress = typeof Progress.Type

/** What a module says of one of its methods. */
export const MethodDeclaration = Schema.Struct({
  method: MethodName,
  description: Schema.optionalKey(Schema.String),
  /** JSON Schema of what it takes and of what it answers with, where that is declared and can be said so. */
  params: Schema.optionalKey(Schema.Json),
  result: Schema.optionalKey(Schema.Json),
  /** Its own time limit. */
  timeoutMillis: Schema.optionalKey(Schema.Int)
})
export type MethodDeclaration = typeof MethodDeclaration.Type

/** A method that can be called. */
export const MethodInfo = Schema.Struct({
  namespace: Namespace,
  ...MethodDeclaration.fields,
  /** `module`: a function of a module. `command`: an entry of the configuration (`methods.commands`). */
  kind: Schema.Literals(["module", "command"]),
  /** Of a module's: the file. */
  file: Schema.optionalKey(Schema.String),
  /** Of an entry of the configuration: the program and its arguments. */
  command: Schema.optionalKey(Schema.Array(Schema.String))
})
export type MethodInfo = typeof MethodInfo.Type

/** An absolute path. */
export const ModuleFile = Schema.String.check(
  Schema.isPattern(/^\/[^\0]{0,4095}$/u, { expected: "an absolute path, of a file that Node can import" })
)

/** A module that was added. */
export const ModuleInfo = Schema.Struct({
  namespace: Namespace,
  file: Schema.String,
  /** A class has one instance in the namespace, which keeps its state; functions have none. */
  kind: Schema.Literals(["class", "functions"]),
  /**
   * - `idle`: no process runs; the next call starts one. - `starting`. - `up`. - `restarting`: its process ended by
   * itself, and the next one waits a while. - `broken`: it can't be loaded.
   */
  state: Schema.Literals(["idle", "starting", "up", "restarting", "broken"]),
  pid: Schema.NullOr(Schema.Int),
  /** How often its process has ended by itself. */
  restarts: Schema.Int,
  /** Calls in hand, those of older code among them. */
  inFlight: Schema.Int,
  /** What was wrong the last time, and since when; with `up` the code is that of before. */
  problem: Schema.NullOr(Schema.Struct({ at: Timestamp, reason: Schema.String })),
  addedAt: Timestamp
})
export type ModuleInfo = typeof ModuleInfo.Type

/** Another module of the namespace has a method of this name. */
export class MethodNameTaken extends Schema.TaggedError<MethodNameTaken>()("MethodNameTaken", {
  namespace: Namespace,
  method: MethodName,
  /** Whose it is: a file, or the key of the configuration. */
  owner: Schema.String
}) {
  override get message() {
    return `"${this.method}" is a method of ${this.owner} in the namespace "${this.namespace}" already. Rename one of them, or add the module to a namespace of its own (\`--namespace\`).`
  }
}

/** As many modules as may be have been added. */
export class TooManyModules extends Schema.TaggedError<TooManyModules>()("TooManyModules", { limit: Schema.Int }) {
  override get message() {
    return `${this.limit} modules have been added, as many as may be (methods.maxModuleCount). Remove one first.`
  }
}

/** No such module was added. */
export class UnknownModule extends Schema.TaggedError<UnknownModule>()("UnknownModule", {
  namespace: Namespace,
  file: Schema.String
}) {
  override get message() {
    return `${this.file} is no module of the namespace "${this.namespace}". \`hob methods ls --all\` lists the modules there are.`
  }
}

/** No call of this connection waits for an answer to this question. */
export class UnknownPrompt extends Schema.TaggedError<UnknownPrompt>()("UnknownPrompt", { prompt: Schema.String }) {
  override get message() {
    return `No call of this connection waits for an answer to "${this.prompt}": the call has ended, or it was answered.`
  }
}

/** Nobody is there to answer a method's question, or who was asked gave no answer. */
export class PromptRefused extends Schema.TaggedError<PromptRefused>()("PromptRefused", {
  /** Why, as a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return this.reason
  }
}

const module = { namespace: Schema.optionalKey(Namespace), file: ModuleFile }

/**
 * Adds a module: it is loaded, in a process of its own, and its methods can be called from then on, also after a restart
 * of the daemon. A module that can't be loaded is not added. One that is there already is loaded anew.
 */
export const AddModule = Rpc.make("methods.add", {
  payload: module,
  success: Schema.Struct({ module: ModuleInfo, methods: Schema.Array(MethodInfo) }),
  error: Schema.Union([ModuleBroken, MethodNameTaken, TooManyModules, StorageError])
})

/** The modules and methods of a namespace, or with `all` of every one; by name. */
export const ListMethods = Rpc.make("methods.list", {
  payload: { namespace: Schema.optionalKey(Namespace), all: Schema.optionalKey(Schema.Boolean) },
  success: Schema.Struct({ modules: Schema.Array(ModuleInfo), methods: Schema.Array(MethodInfo) })
})

/** What a caller hears of a call, in order; the result is the last. Others may be added: ignore a `type` that is not known. */
export const CallItem = Schema.Union([
  Schema.Struct({ type: Schema.Literal("progress"), ...Progress.fields }),
  /** What the method emits without naming a channel. */
  Schema.Struct({ type: Schema.Literal("emitted"), value: Schema.Json }),
  /** To be answered by `methods.answer` on the same connection. */
  Schema.Struct({ type: Schema.Literal("prompt"), prompt: Schema.String, question: Question }),
  /** So many items were left out, for the caller read too slowly. */
  Schema.Struct({ type: Schema.Literal("dropped"), count: Schema.Int }),
  /** Without `value` when the method returned nothing. */
  Schema.Struct({ type: Schema.Literal("result"), value: Schema.optionalKey(Schema.Json) })
])
export type CallItem = typeof CallItem.Type

/**
 * Calls a method. Cancelling the call, or closing the connection, aborts the method. A call by a person has no time limit
 * unless it names one or the method declares one.
 */
export const CallMethod = Rpc.make("methods.call", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    method: MethodName,
    /** Default: `{}`. */
    params: Schema.optionalKey(Schema.Json),
    timeoutMillis: Schema.optionalKey(Millis.check(Schema.isGreaterThan(0)))
  },
  success: CallItem,
  error: MethodError,
  stream: true
}).annotate(Endless, true)

/** Answers a question of a method that this connection has called: with a value, or by refusing to. */
export const AnswerPrompt = Rpc.make("methods.answer", {
  payload: {
    prompt: Schema.String,
    /** Absent: there will be no answer, and the method hears so. */
    value: Schema.optionalKey(Schema.Json),
    /** Why there will be none, as a sentence. */
    reason: Schema.optionalKey(Schema.String)
  },
  success: Schema.Struct({ answered: Schema.Boolean }),
  error: UnknownPrompt
})

/**
 * Loads a module anew, or all of the namespace, as if its file had changed: calls in flight finish on the old code. Of
 * one that can't be loaded the old code stays in charge; its `problem` says why.
 */
export const ReloadModules = Rpc.make("methods.reload", {
  payload: { namespace: Schema.optionalKey(Namespace), file: Schema.optionalKey(ModuleFile) },
  success: Schema.Struct({ modules: Schema.Array(ModuleInfo) }),
  error: UnknownModule
})

/** Removes a module: its methods can't be called any more; calls in flight finish. */
export const RemoveModule = Rpc.make("methods.remove", {
  payload: module,
  success: Schema.Struct({ module: ModuleInfo }),
  error: Schema.Union([UnknownModule, StorageError])
})

export const MethodsRpcs = RpcGroup.make(AddModule, ListMethods, CallMethod, AnswerPrompt, ReloadModules, RemoveModule)
