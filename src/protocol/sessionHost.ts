/**
 * The private protocol of the session-host: what the daemon asks of it, and how a session's bytes reach a client.
 *
 * One Unix socket, `host.sock`. Both sides send frames: a 4-byte big-endian length of what follows, one byte of
 * `FrameType`, the payload. The first frame of a connection decides what it is:
 * `control` (the daemon: JSON requests and answers, and events) or `open` (a client: one session's bytes).
 *
 * The host outlives the daemon that started it, so a newer daemon meets an older host: fields are only ever added,
 * unknown fields are ignored, and `hello` tells both sides the other's version.
 */
import { Schema } from "effect"
import { Cells, Millis, Offset, SessionId, SessionName, Timestamp } from "./ids.ts"
import { LimitHolders, SessionLimits } from "./limits.ts"
import { RestartedFrom, RestartPlan } from "./restart.ts"
import { ScreensEvent } from "./screens.ts"
import { InputHolder, SessionExit, SessionKind, SpawnFailed } from "./sessions.ts"

export * from "./sessionFrames.ts"

/** 2: events `started`, `changed` and `removed`, and {@link HostScreensEvent}. Who says a lower one is spared what is later. */
export const HOST_PROTOCOL_VERSION = 2
/** The oldest version that this build still speaks, as daemon and as host. */
export const OLDEST_HOST_PROTOCOL_VERSION = 1

/** How long the log of a session may get. */
export const LogLimits = Schema.Struct({
  /** A new segment file is begun at this size. */
  segmentBytes: Schema.Int,
  /** The oldest segments are deleted when all of them together are larger. */
  maxBytes: Schema.Int,
  /** Whether what is typed into the session is logged too. */
  logInput: Schema.Boolean
})
export type LogLimits = typeof LogLimits.Type

/**
 * `session.json` in the session's directory: what was asked for. Written before the program is started. The
 * environment is not in it: it holds secrets.
 */
export const SessionFile = Schema.Struct({
  id: SessionId,
  name: Schema.NullOr(SessionName),
  tags: Schema.Array(Schema.String),
  command: Schema.Array(Schema.String),
  cwd: Schema.String,
  kind: SessionKind,
  cols: Cells,
  rows: Cells,
  createdAt: Timestamp,
  limits: Schema.optionalKey(SessionLimits),
  /** What holds each limit: filled in by the host. */
  limitedBy: Schema.optionalKey(LimitHolders),
  /** Only of a session that may be started anew. Its environment is in `environment.json` then. */
  restart: Schema.optionalKey(RestartPlan),
  restartedFrom: Schema.optionalKey(RestartedFrom),
  /** The session that was started anew for this one. */
  restartedAs: Schema.optionalKey(SessionId),
  /** Why it is not started anew any more. */
  restartStopped: Schema.optionalKey(Schema.String),
  /** The boot of the machine in which it was started: filled in by the host where the system tells. */
  bootId: Schema.optionalKey(Schema.String)
})
export type SessionFile = typeof SessionFile.Type

/** `exit.json` in the session's directory: written by the host when the session has closed. Without it, and unknown to the host, a session is lost. */
export const ExitFile = Schema.Struct({
  exit: SessionExit,
  closedAt: Timestamp,
  output: Schema.Struct({ oldest: Offset, end: Offset }),
  logLostBytes: Schema.Int
})
export type ExitFile = typeof ExitFile.Type

/**
 * `environment.json` in the session's directory, readable by its owner only: the whole environment of a session that
 * may be started anew. Deleted once that has happened or can't happen any more.
 */
export const EnvironmentFile = Schema.Record(Schema.String, Schema.String)

/** A session the host holds: running, or exited and not yet closed. */
export const HostSession = Schema.Struct({
  ...SessionFile.fields,
  /** Null once the program has been waited for. */
  pid: Schema.NullOr(Schema.Int),
  exit: Schema.NullOr(SessionExit),
  closedAt: Schema.NullOr(Timestamp),
  output: Schema.Struct({ oldest: Offset, end: Offset }),
  logLostBytes: Schema.Int,
  clients: Schema.Int,
  /** How long its log may get. A host before hob 0.2 does not say, nor one that does not hold the session. */
  logMaxBytes: Schema.optionalKey(Schema.Int),
  /** The last time that there was output, input or an attached client. A host before hob 0.2 does not say. */
  quietSince: Schema.optionalKey(Timestamp),
  /** The last time that somebody typed into it, or sent something. Absent: nobody has, or a host before hob 0.2. */
  typedAt: Schema.optionalKey(Timestamp),
  /** Who holds the input lease. */
  input: Schema.optionalKey(Schema.NullOr(InputHolder))
})
export type HostSession = typeof HostSession.Type

/** Daemon → host. Each is answered by one {@link HostReply} with the same `id`. */
export const HostRequest = Schema.Union([
  /** First on every control connection. Answer: {@link HelloReply}. From then on the host sends events on it. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("hello"), protocol: Schema.Int, daemonPid: Schema.Int }),
  /** Starts a program. `file` is the absolute path of the executable, `env` the whole environment. Answer: {@link HostSession}. */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("spawn"),
    session: SessionFile,
    file: Schema.String,
    env: Schema.Record(Schema.String, Schema.String),
    limits: LogLimits,
    /** Bytes of recent output kept in memory. */
    recentBytes: Schema.Int,
    /** Bytes of input that may wait for the program. */
    inputQueueBytes: Schema.Int,
    /** Words that stand among the program's arguments, before the one of this index; the session's `command` is without them. */
    insert: Schema.optionalKey(Schema.Struct({ at: Schema.Int, words: Schema.Array(Schema.String) })),
    /** Writes `env` down for a later restart: {@link EnvironmentFile}. */
    keepEnvironment: Schema.optionalKey(Schema.Boolean)
  }),
  /** Sessions the host holds. Answer: {@link ListReply}. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("list") }),
  /** Any session with a directory, running or not, also one of an earlier host. Answer: {@link HostSession}. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("inspect"), session: SessionId }),
  /** Types base64 `data`. Answer: {@link SendReply}; error `input-queue-full` or `ended`. */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("send"),
    session: SessionId,
    data: Schema.String,
    /** On pipes: standard input is closed behind `data`. */
    endInput: Schema.optionalKey(Schema.Boolean)
  }),
  /** Answer: {@link HostSession}; error `ended`. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("resize"), session: SessionId, cols: Cells, rows: Cells }),
  /** Signals every process of the session, then SIGKILL after the grace. Answers when the session has closed: {@link HostSession}. */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("kill"),
    session: SessionId,
    signal: Schema.String,
    graceMillis: Millis,
    /** Becomes the exit's `reason`. */
    reason: Schema.optionalKey(Schema.String)
  }),
  /**
   * Changes what `session.json` says of any session with a directory, running or not; what is absent stays. Once
   * `restartedAs` or `restartStopped` is set its environment is deleted. Answer: {@link HostSession}; event `changed`.
   */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("set"),
    session: SessionId,
    name: Schema.optionalKey(Schema.NullOr(SessionName)),
    tags: Schema.optionalKey(Schema.Array(Schema.String)),
    restartedAs: Schema.optionalKey(SessionId),
    restartStopped: Schema.optionalKey(Schema.String)
  }),
  /** Allows one `open` with this ticket within 30 s. Any session with a directory, running or not. Answer: {}. */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("grant"),
    ticket: Schema.String,
    session: SessionId,
    mode: Schema.Literals(["attach", "follow", "read", "records"]),
    readOnly: Schema.Boolean,
    since: Schema.NullOr(Offset),
    tail: Schema.NullOr(Offset),
    cols: Schema.NullOr(Cells),
    rows: Schema.NullOr(Cells),
    /** It is no client that anybody counts: the screens process, or hob itself. */
    uncounted: Schema.optionalKey(Schema.Boolean),
    /** Mode `records`, with `since`: where the input that the client has ends. */
    sinceInput: Schema.optionalKey(Offset),
    /** Mode `records`: goes on as the log grows, and ends when the session has closed. */
    follow: Schema.optionalKey(Schema.Boolean)
  }),
  /** Deletes the directory of a session that the host does not hold. Answer: {}; error `running`. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("remove"), session: SessionId }),
  /**
   * An answer to a question that the program asked its terminal, in the output before `offset`: typed unless one up to
   * there was typed already. Answer: {@link SendReply}.
   */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("answer"),
    session: SessionId,
    offset: Offset,
    data: Schema.String
  }),
  /** Asks the screens process: `request` is a `ScreensRequest`, handed on unread. Answer: its; error `screens` with its error inside. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("screens"), request: Schema.Unknown }),
  /** Nobody waits for the answer to the request `request` of this connection any more. Answer: {}. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("cancel"), request: Schema.Int }),
  /**
   * The host replaces itself by another version, in place: same process, programs, connections. Answer, by the successor:
   * {@link HelloReply}; error `upgrade-failed`, and then the host goes on as it was.
   */
  Schema.Struct({
    id: Schema.Int,
    op: Schema.Literal("upgrade"),
    /** The successor's file, an absolute path, and the Node that is to run it. */
    entry: Schema.String,
    node: Schema.String,
    /** What it has to be. */
    version: Schema.String,
    /** Only looks whether the successor could take over. Answer: {}. */
    check: Schema.optionalKey(Schema.Boolean)
  }),
  /** Ends the host if it holds no session. Answer: {}; error `running`. */
  Schema.Struct({ id: Schema.Int, op: Schema.Literal("stop") })
])
export type HostRequest = typeof HostRequest.Type

/** Why the session-host did not replace itself. */
export const UpgradeFailure = Schema.Literals([
  /** This host, its Node or its system can't do it, or not with what it holds now. */
  "unsupported",
  /** An upgrade is under way, or sessions are being started for longer than could be waited for. */
  "busy",
  /** There is no such file. */
  "missing",
  /** The successor did not start, or did not say that it can take over. */
  "check-failed",
  /** It did not answer in time. */
  "check-timeout",
  /** It is not the version that was asked for. */
  "wrong-version",
  /** It says that it can't. */
  "refused",
  /** What it has to know could not be written down. */
  "state",
  /** The system did not start it. */
  "exec",
  /** It started, could not take over, and gave everything back. */
  "returned"
])
export type UpgradeFailure = typeof UpgradeFailure.Type

/** Why the host refused. */
export const HostError = Schema.Struct({
  code: Schema.Literals([
    "bad-request",
    "unknown-session",
    "ended",
    "running",
    "input-queue-full",
    "unknown-signal",
    "spawn-failed",
    "screens",
    "screens-unavailable",
    "upgrade-failed",
    "internal"
  ]),
  message: Schema.String,
  /** With `spawn-failed`: the fields of {@link SpawnFailed}. */
  spawn: Schema.optionalKey(
    Schema.Struct({ reason: SpawnFailed.fields.reason, subject: Schema.String, detail: Schema.String })
  ),
  /** With `screens`: the `ScreensError`. */
  screens: Schema.optionalKey(Schema.Unknown),
  /** With `upgrade-failed`. */
  upgrade: Schema.optionalKey(UpgradeFailure),
  /** With `input-queue-full`. */
  queuedBytes: Schema.optionalKey(Schema.Int),
  limitBytes: Schema.optionalKey(Schema.Int)
})
export type HostError = typeof HostError.Type

/** Host → daemon: the answer to the request with this `id`: exactly one of `result` and `error`. */
export const HostReply = Schema.Struct({
  id: Schema.Int,
  result: Schema.optionalKey(Schema.Unknown),
  error: Schema.optionalKey(HostError)
})
export type HostReply = typeof HostReply.Type

export const HelloReply = Schema.Struct({
  protocol: Schema.Int,
  pid: Schema.Int,
  startedAt: Timestamp,
  /** Why PTY sessions can't be started here, or null. */
  ptyUnavailable: Schema.NullOr(Schema.String),
  /** What this host can do beyond what every host can: `set`, `limits`, `environment`, `upgrade`. */
  features: Schema.optionalKey(Schema.Array(Schema.String)),
  sessions: Schema.Array(HostSession),
  /** The version of hob that it is. A host before hob 0.2 does not say. */
  version: Schema.optionalKey(Schema.String),
  /** What its build was made from; null when it runs from source. Tells builds of one version apart. */
  build: Schema.optionalKey(Schema.NullOr(Schema.String)),
  /** When it replaced itself last; null when it never did. */
  upgradedAt: Schema.optionalKey(Schema.NullOr(Timestamp)),
  /** The oldest version of this protocol that it still speaks; absent: 1. */
  oldestProtocol: Schema.optionalKey(Schema.Int),
  /** The screens process; null while there is none. */
  screens: Schema.optionalKey(
    Schema.NullOr(
      Schema.Struct({
        pid: Schema.Int,
        version: Schema.optionalKey(Schema.String),
        build: Schema.optionalKey(Schema.NullOr(Schema.String))
      })
    )
  )
})
export type HelloReply = typeof HelloReply.Type

export const ListReply = Schema.Struct({ sessions: Schema.Array(HostSession) })
export const SendReply = Schema.Struct({ acceptedBytes: Schema.Int, queuedBytes: Schema.Int })

/** A client has attached to a session that has not closed, or is gone. */
export const ClientChange = Schema.Struct({
  change: Schema.Literals(["attached", "detached"]),
  /** Its name for people, such as `pts/3`; null when it gave none. */
  client: Schema.NullOr(Schema.String)
})
export type ClientChange = typeof ClientChange.Type

/** Host → daemon, unasked, on every control connection that has said hello. */
export const HostEvent = Schema.Struct({
  event: Schema.Literals(["started", "changed", "exited", "closed", "removed", "log-lost", "log-restored"]),
  session: HostSession,
  /** With `changed`: what has. A host before this field does not tell of clients. */
  client: Schema.optionalKey(ClientChange)
})
export type HostEvent = typeof HostEvent.Type

/** Host → daemon, unasked: what the screens process announces. */
export const HostScreensEvent = Schema.Struct({ screens: ScreensEvent })
export type HostScreensEvent = typeof HostScreensEvent.Type

export const OpenFrame = Schema.Struct({
  ticket: Schema.String,
  /** Goes before the ticket's own `since`: where the output that the client has ends. */
  since: Schema.optionalKey(Offset),
  /** Mode `attach`: the client wants the exact screen in a `screen` frame; without it recent output is sent as it is. */
  screen: Schema.optionalKey(Schema.Boolean),
  /** With `screen`: lines of history before it. */
  historyLines: Schema.optionalKey(Schema.Int),
  /** Who this is, for people: such as `pts/3`. */
  client: Schema.optionalKey(Schema.String),
  /** True takes the input lease from whoever has it, false leaves it even if nobody has; without it, it is taken if it is free. */
  take: Schema.optionalKey(Schema.Boolean)
})
export type OpenFrame = typeof OpenFrame.Type

export const OpenedFrame = Schema.Struct({
  session: HostSession,
  /** The offset of the first output byte that will be sent. */
  offset: Offset,
  /** Where the replay ends and the live stream begins. */
  liveFrom: Offset,
  /** The terminal's size at `offset`. A host before hob 0.2 does not say. */
  size: Schema.optionalKey(Schema.Struct({ cols: Cells, rows: Cells })),
  /**
   * With `screen`: whether what follows makes the exact screen, a `screen` frame or all output from byte 0. False: there
   * was none in time; recent output is sent as it is, and a `screen` frame follows once there is one.
   */
  exact: Schema.optionalKey(Schema.Boolean)
})
export type OpenedFrame = typeof OpenedFrame.Type

/**
 * The input lease of a session: its holder types, and its size is the terminal's. What others type is dropped, except
 * that a lease that nobody holds goes to who types.
 */
export const LeaseFrame = Schema.Struct({
  /** Whether this client holds it. */
  held: Schema.Boolean,
  /** Who does, when it is another; null when nobody does. */
  holder: Schema.NullOr(InputHolder)
})
export type LeaseFrame = typeof LeaseFrame.Type

export const GapFrame = Schema.Struct({
  from: Offset,
  to: Offset,
  /** `rotated`: deleted from the log; `log-lost`: the disk was full; `behind`: the client was too slow; `corrupt`: failed its checksum. */
  reason: Schema.Literals(["rotated", "log-lost", "behind", "corrupt"])
})
export type GapFrame = typeof GapFrame.Type

export const ErrorFrame = Schema.Struct({
  code: Schema.Literals(["bad-ticket", "bad-frame", "unknown-session"]),
  message: Schema.String
})
export type ErrorFrame = typeof ErrorFrame.Type
