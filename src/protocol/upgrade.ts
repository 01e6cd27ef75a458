/** What runs of hob in which version, and how the session-host is replaced by another one. */
import { Schema } from "effect"
import { Timestamp } from "./ids.ts"
import { UpgradeFailure } from "./sessionHost.ts"

/** The version of a process. What an older process does not tell is absent. */
export const ProcessVersion = Schema.Struct({
  version: Schema.optionalKey(Schema.String),
  /** What its build was made from; null when it runs from source. Tells builds of one version apart. */
  build: Schema.optionalKey(Schema.NullOr(Schema.String))
})
export type ProcessVersion = typeof ProcessVersion.Type

/** One attempt to have the session-host replaced. */
export const HostUpgradeAttempt = Schema.Struct({
  at: Timestamp,
  from: ProcessVersion,
  to: ProcessVersion,
  /** Whether somebody asked for it, or the daemon did it by itself. */
  asked: Schema.Boolean,
  /** Null when it was replaced. Otherwise it goes on as it was. */
  failure: Schema.NullOr(
    Schema.Struct({
      reason: Schema.Union([UpgradeFailure, Schema.Literals(["newer", "older-protocol", "unavailable"])]),
      detail: Schema.String
    })
  )
})
export type HostUpgradeAttempt = typeof HostUpgradeAttempt.Type

/** The session-host, as `daemon.status` tells of it. */
export const SessionHostStatus = Schema.Struct({
  pid: Schema.Int,
  startedAt: Timestamp,
  protocol: Schema.Int,
  ...ProcessVersion.fields,
  /** When it was replaced in place last; null when it never was. */
  upgradedAt: Schema.optionalKey(Schema.NullOr(Timestamp)),
  /** How its build stands to the daemon's; `other` is another build of the same version. */
  relation: Schema.optionalKey(Schema.Literals(["same", "older", "newer", "other"])),
  /** Whether it can be replaced in place; false: it goes with its last session. */
  upgradable: Schema.optionalKey(Schema.Boolean),
  /** It is being replaced, or is about to be. */
  upgrading: Schema.optionalKey(Schema.Boolean),
  /** The last attempt of this daemon to have it replaced; null when there was none. */
  lastUpgrade: Schema.optionalKey(Schema.NullOr(HostUpgradeAttempt)),
  /** The process that knows what is on every terminal session's screen; null while there is none. */
  screens: Schema.optionalKey(Schema.NullOr(Schema.Struct({ pid: Schema.Int, ...ProcessVersion.fields })))
})
export type SessionHostStatus = typeof SessionHostStatus.Type

/** The session-host was not replaced, and goes on as it was: no session noticed. */
export class HostNotUpgraded extends Schema.TaggedError<HostNotUpgraded>()("HostNotUpgraded", {
  /** `newer`: it is newer than the daemon, and `downgrade` was not set. */
  reason: Schema.Union([UpgradeFailure, Schema.Literal("newer")]),
  /** One sentence. */
  detail: Schema.String,
  /** What the session-host is, and stays. */
  host: ProcessVersion
}) {
  override get message() {
    return `The session-host was not replaced and goes on as it was: ${this.detail}`
  }
}
