import { Schema } from "effect"
import { MethodName } from "./methodNames.ts"
import { Namespace } from "./namespaces.ts"

/** What a method asks its caller. */
export const Question = Schema.Struct({
  /** What to ask, for a person. */
  message: Schema.String,
  /** - `text`: any answer. - `confirm`: true or false. - `select`: the value of one of the options. */
  type: Schema.Literals(["text", "confirm", "select"]),
  options: Schema.optionalKey(Schema.Array(Schema.Struct({ value: Schema.String, label: Schema.String }))),
  /** What is meant by no answer. */
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

/** A method that can be called. */
export const MethodInfo = Schema.Struct({
  namespace: Namespace,
  method: MethodName,
  /** `module`: a function of a module. `command`: an entry of the configuration (`methods.commands`). */
  kind: Schema.Literals(["module", "command"]),
  /** Of a module's: the file. */
  file: Schema.optionalKey(Schema.String),
  /** Of an entry of the configuration: the program and its arguments. */
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  description: Schema.optionalKey(Schema.String),
  /** JSON Schema of what it takes and of what it answers with, where that is declared. */
  params: Schema.optionalKey(Schema.Json),
  result: Schema.optionalKey(Schema.Json),
  /** Its own time limit. */
  timeoutMillis: Schema.optionalKey(Schema.Int)
})
export type MethodInfo = typeof MethodInfo.Type

/** Nobody is there to answer a method's question, or who was asked gave no answer. */
export class PromptRefused extends Schema.TaggedError<PromptRefused>()("PromptRefused", {
  /** Why, as a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return this.reason
  }
}
