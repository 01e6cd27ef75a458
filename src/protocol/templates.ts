import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { SessionName, Tags } from "./ids.ts"
import { SessionLimits } from "./limits.ts"
import { RestartMax, RestartPolicy } from "./restart.ts"
import { SessionKind } from "./sessions.ts"

/** A command with all that goes with it, by name: `templates.<name>` of the configuration. */
export const Template = Schema.Struct({
  /** The program and its arguments; what `hob run --template NAME -- …` adds stands behind them. */
  command: Schema.Array(Schema.String).check(Schema.isMinLength(1)),
  /** A directory; `~` is the home, a relative one is below the caller's. */
  cwd: Schema.optionalKey(Schema.String),
  /** Variables beside those of the caller. */
  env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  name: Schema.optionalKey(SessionName),
  tags: Schema.optionalKey(Tags),
  kind: Schema.optionalKey(SessionKind),
  limits: Schema.optionalKey(SessionLimits),
  restart: Schema.optionalKey(RestartPolicy),
  restartMax: Schema.optionalKey(RestartMax)
})
export type Template = typeof Template.Type

/** The templates of the configuration in force, by name. */
export const Templates = Rpc.make("sessions.templates", {
  success: Schema.Struct({ templates: Schema.Record(SessionName, Template) })
})

export const TemplatesRpcs = RpcGroup.make(Templates)
