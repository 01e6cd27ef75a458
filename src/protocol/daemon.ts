import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { DialectStatus } from "./dialectStatus.ts"
import { SessionId, SessionName, Timestamp } from "./ids.ts"
import { Immediate } from "./immediate.ts"
import { OwnSession, SessionHostUnavailable } from "./sessions.ts"
import { StorageStatus } from "./storage.ts"
import { HostNotUpgraded, ProcessVersion, SessionHostStatus } from "./upgrade.ts"

/** The version of the native protocol. Readers ignore unknown fields, so it grows only when something is taken away. */
export const PROTOCOL_VERSION = 1

/**
 * What this daemon knows beyond its methods: fields of requests that an older one ignores. `limits`, `restart` and
 * `templates` of `sessions.run`, `for` of `sessions.wait`.
 */
export const DAEMON_FEATURES = ["limits", "restart", "templates", "wait-for"] as const
export type DaemonFeature = (typeof DAEMON_FEATURES)[number]

/** One concern's health: how `hob status` shows it. */
export const ConcernStatus = Schema.Struct({
  name: Schema.String,
  state: Schema.Literals(["starting", "up", "restarting", "stopped"]),
  restarts: Schema.Int,
  /** The reason of the last failure in one line, and when. */
  lastFailure: Schema.NullOr(Schema.Struct({ at: Timestamp, reason: Schema.String }))
})
export type ConcernStatus = typeof ConcernStatus.Type

/** The daemon as it sees itself. */
export const DaemonStatus = Schema.Struct({
  version: Schema.String,
  /** What its build was made from; null when it runs from source. Tells builds of one version apart. */
  build: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** The file that is this daemon. */
  entry: Schema.optionalKey(Schema.String),
  protocol: Schema.Int,
  /** Every method this daemon answers. */
  capabilities: Schema.Array(Schema.String),
  /** What it knows beyond them: see `DAEMON_FEATURES`. An older daemon does not say. */
  features: Schema.optionalKey(Schema.Array(Schema.String)),
  pid: Schema.Int,
  startedAt: Timestamp,
  home: Schema.String,
  socket: Schema.String,
  node: Schema.String,
  connections: Schema.Int,
  concerns: Schema.Array(ConcernStatus),
  sessionHost: Schema.NullOr(SessionHostStatus),
  sessions: Schema.Struct({ running: Schema.Int, total: Schema.Int }),
  /** The store and how it is. */
  storage: Schema.optionalKey(StorageStatus),
  /** The dialects that are enabled, and how each is. */
  dialects: Schema.optionalKey(Schema.Array(DialectStatus)),
  /** The daemon before this one; `endedAt` is null when it was killed or crashed. Null when there was none, or nobody knows. */
  previousRun: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({
        pid: Schema.Int,
        version: Schema.String,
        startedAt: Timestamp,
        endedAt: Schema.NullOr(Timestamp)
      })
    )
  )
})
export type DaemonStatus = typeof DaemonStatus.Type

/** One effective setting and where its value came from: `flag`, `environment`, `file` or `default`. */
export const EffectiveSetting = Schema.Struct({
  key: Schema.String,
  value: Schema.Json,
  source: Schema.Literals(["flag", "environment", "file", "default"])
})
export type EffectiveSetting = typeof EffectiveSetting.Type

/** The configuration has a mistake; what was in force stays in force. */
export class ConfigInvalid extends Schema.TaggedError<ConfigInvalid>()("ConfigInvalid", {
  /** The file, `environment` or `flag`. */
  source: Schema.String,
  /** The setting's path, such as `sessions.maxCount`; empty when the whole file can't be read. */
  key: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return this.key === "" ? `${this.source}: ${this.expected}` : `${this.source}: "${this.key}" ${this.expected}`
  }
}

/** Answers at once: the daemon is alive and its loop turns. */
export const Ping = Rpc.make("daemon.ping", {
  success: Schema.Struct({ pong: Schema.Literal(true) })
}).annotate(Immediate, true)

export const Status = Rpc.make("daemon.status", { success: DaemonStatus })

/**
 * Asks the daemon to stop. Sessions run on in the session-host unless `sessions` is true. The answer comes before the
 * socket closes and says how many sessions run on.
 */
export const Stop = Rpc.make("daemon.stop", {
  payload: {
    sessions: Schema.optionalKey(Schema.Boolean),
    /** The caller's `HOB_SESSION_ID`: with `sessions`, a caller inside a session of this daemon is refused. */
    from: Schema.optionalKey(Schema.String),
    /** Ends the caller's session with the others. */
    self: Schema.optionalKey(Schema.Boolean)
  },
  success: Schema.Struct({ pid: Schema.Int, sessionsLeft: Schema.Int, sessionsEnded: Schema.Int }),
  error: OwnSession
})

/** Reads the configuration again, as SIGHUP does. */
export const Reload = Rpc.make("daemon.reload", {
  success: Schema.Struct({ changed: Schema.Array(Schema.String), needRestart: Schema.Array(Schema.String) }),
  error: ConfigInvalid
})

/** The settings in force, each with its source. */
export const Config = Rpc.make("daemon.config", {
  success: Schema.Struct({ file: Schema.String, settings: Schema.Array(EffectiveSetting) })
})

/**
 * Has the session-host replaced, in place, by that of the daemon's own build: same process, same programs, not a byte
 * lost. What is of that build already stays. An attempt that is under way is joined.
 */
export const Upgrade = Rpc.make("daemon.upgrade", {
  payload: {
    /** Only looks whether it could be done. */
    check: Schema.optionalKey(Schema.Boolean),
    /** Also when the session-host is the newer one. */
    downgrade: Schema.optionalKey(Schema.Boolean)
  },
  success: Schema.Struct({
    /** `current`: there was nothing to do. `possible`: with `check`, it would be replaced. */
    outcome: Schema.Literals(["replaced", "current", "possible"]),
    pid: Schema.Int,
    from: ProcessVersion,
    to: ProcessVersion,
    /** Those whose programs run on. */
    sessions: Schema.Array(
      Schema.Struct({ id: SessionId, name: Schema.NullOr(SessionName), pid: Schema.NullOr(Schema.Int) })
    )
  }),
  error: Schema.Union([HostNotUpgraded, SessionHostUnavailable])
})

export const DaemonRpcs = RpcGroup.make(Ping, Status, Stop, Reload, Config, Upgrade)
