import { Schema } from "effect"
import { MethodName } from "../protocol/methodNames.ts"

/** What a job does, as it is asked for and stored. */
export const Work = Schema.Union([
  Schema.Struct({ method: MethodName, params: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)) }),
  Schema.Struct({
    command: Schema.Array(Schema.String),
    params: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    cwd: Schema.optionalKey(Schema.String),
    env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  })
])
export type Work = typeof Work.Type
export type CommandWork = Extract<Work, { readonly command: unknown }>

export type WorkKind = "method" | "command"

export const kindOf = (work: Work): WorkKind => ("method" in work ? "method" : "command")
