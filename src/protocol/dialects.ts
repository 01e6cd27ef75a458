import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ConfigInvalid } from "./daemon.ts"
import { DialectStatus } from "./dialectStatus.ts"

/** There is no dialect of this name. */
export class DialectUnknown extends Schema.TaggedError<DialectUnknown>()("DialectUnknown", {
  dialect: Schema.String,
  known: Schema.Array(Schema.String)
}) {
  override get message() {
    return `There is no dialect "${this.dialect}". There are: ${this.known.join(", ")}.`
  }
}

/** The dialect can't be enabled with these arguments. */
export class DialectArguments extends Schema.TaggedError<DialectArguments>()("DialectArguments", {
  dialect: Schema.String,
  args: Schema.Array(Schema.String),
  /** What it takes, in words. */
  expected: Schema.String
}) {
  override get message() {
    return `The dialect ${this.dialect} takes ${this.expected}, and not "${this.args.join(" ")}".`
  }
}

/** The dialect can't listen where its clients look for it; nothing was changed. */
export class DialectRefused extends Schema.TaggedError<DialectRefused>()("DialectRefused", {
  dialect: Schema.String,
  socket: Schema.String,
  reason: Schema.String,
  /** The process that answers there, if that is the reason and it can be seen. */
  pid: Schema.NullOr(Schema.Int)
}) {
  override get message() {
    return `The dialect ${this.dialect} can't be had: ${this.reason}`
  }
}

/** Which dialects are enabled is said where a command can't change it. */
export class DialectsFixed extends Schema.TaggedError<DialectsFixed>()("DialectsFixed", {
  source: Schema.Literals(["flag", "environment"])
}) {
  override get message() {
    return this.source === "flag"
      ? "The daemon was started with `-c dialects.enabled=…`, which goes before the configuration file: start it without."
      : "The daemon's environment has HOB_DIALECTS_ENABLED, which goes before the configuration file: take it away and restart the daemon."
  }
}

/** The configuration file can't be written; nothing was changed. */
export class ConfigNotWritten extends Schema.TaggedError<ConfigNotWritten>()("ConfigNotWritten", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${this.file} can't be written: ${this.detail}`
  }
}

const which = {
  name: Schema.String.check(Schema.isMaxLength(64)),
  args: Schema.optionalKey(
    Schema.Array(Schema.String.check(Schema.isPattern(/^[^\s\0]{1,128}$/u))).check(Schema.isMaxLength(16))
  )
}

/** Every dialect: those that are enabled, and those of which none is. */
export const ListDialects = Rpc.make("dialects.list", {
  success: Schema.Struct({ dialects: Schema.Array(DialectStatus) })
})

/**
 * Speaks a dialect from now on, and after each start: written to the configuration file. Answers once it is up. Asks
 * the path first: where somebody else answers it refuses. Enabling one that is up changes nothing; one that was closed
 * or refused tries anew; with other arguments at the same path it takes the former one's place.
 */
export const EnableDialect = Rpc.make("dialects.enable", {
  payload: which,
  success: DialectStatus,
  error: Schema.Union([
    DialectUnknown,
    DialectArguments,
    DialectRefused,
    DialectsFixed,
    ConfigInvalid,
    ConfigNotWritten
  ])
})

/** Ends a dialect and takes it out of the configuration file; without `args` all of this name. Its sessions run on. */
export const DisableDialect = Rpc.make("dialects.disable", {
  payload: which,
  success: Schema.Struct({ dialects: Schema.Array(DialectStatus) }),
  error: Schema.Union([DialectUnknown, DialectsFixed, ConfigInvalid, ConfigNotWritten])
})

export const DialectsRpcs = RpcGroup.make(ListDialects, EnableDialect, DisableDialect)
