/**
 * What the daemon and a module's process say to one another: one JSON value per line, on a socket that the process has
 * inherited as descriptor 3. Both are of the same build.
 */
import { Schema } from "effect"
import { MethodDeclaration, Progress, Question } from "./methods.ts"

/** The first thing that the process hears. */
export interface Open {
  readonly type: "open"
  readonly namespace: string
  /** The module, an absolute path. */
  readonly file: string
  /** The daemon's socket, for what methods do with the rest of hob. */
  readonly socket: string
  /** The longest result, as JSON. */
  readonly resultBytes: number
  /** The most memory of the whole process. */
  readonly memoryBytes: number
}

/** To the process. `params` and `value` are JSON. */
export type ToWorker =
  | Open
  | {
      readonly type: "call"
      readonly id: number
      readonly method: string
      readonly params: unknown
      readonly caller: { readonly kind: string; readonly id?: string }
      /** Whether there is somebody to ask. */
      readonly asks: boolean
    }
  /** The caller wants no more of the call; `reason` is for the signal. */
  | { readonly type: "cancel"; readonly id: number; readonly reason: string }
  | { readonly type: "answer"; readonly id: number; readonly prompt: number; readonly value: unknown }
  | { readonly type: "refuse"; readonly id: number; readonly prompt: number; readonly reason: string }
  /** Is answered as soon as the process's loop turns. */
  | { readonly type: "ping" }
  /** Nothing more will come: say goodbye and end. */
  | { readonly type: "end" }

const id = Schema.Int

/** Why a call has failed, as the process knows. */
export const CallProblem = Schema.Literals(["params", "result", "thrown", "unknown"])
export type CallProblem = typeof CallProblem.Type

/** From the process. */
export const FromWorker = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("ready"),
    kind: Schema.Literals(["class", "functions"]),
    methods: Schema.Array(MethodDeclaration)
  }),
  /** The module can't be loaded; the process ends. */
  Schema.Struct({ type: Schema.Literal("broken"), problem: Schema.String }),
  /** The module and the files that it has imported from its own directory, all so far: each as it was before it was read. */
  Schema.Struct({ type: Schema.Literal("files"), files: Schema.Record(Schema.String, Schema.String) }),
  Schema.Struct({ type: Schema.Literal("result"), id, value: Schema.optionalKey(Schema.Json) }),
  Schema.Struct({ type: Schema.Literal("failed"), id, problem: CallProblem, message: Schema.String }),
  Schema.Struct({ type: Schema.Literal("progress"), id, progress: Progress }),
  Schema.Struct({ type: Schema.Literal("emitted"), id, value: Schema.Json }),
  Schema.Struct({ type: Schema.Literal("prompt"), id, prompt: Schema.Int, question: Question }),
  Schema.Struct({ type: Schema.Literal("pong") }),
  /** It ends because it uses more memory than it may. */
  Schema.Struct({ type: Schema.Literal("memory"), bytes: Schema.Int })
])
export type FromWorker = typeof FromWorker.Type
