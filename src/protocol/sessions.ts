import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Activity } from "./activity.ts"
import { Endless } from "./endless.ts"
import {
  added,
  Cells,
  MIN_ID_PREFIX,
  Millis,
  Offset,
  SessionId,
  SessionName,
  SessionRef,
  Tags,
  Timestamp
} from "./ids.ts"
import { LimitsInForce, SessionLimits } from "./limits.ts"
import { Restart, RestartedFrom, RestartMax, RestartPolicy } from "./restart.ts"

/** `pty`: a command under a pseudo-terminal. `pipe`: a command on three pipes, for programs that speak a protocol. */
export const SessionKind = Schema.Literals(["pty", "pipe"])
export type SessionKind = typeof SessionKind.Type

/**
 * `starting` → `running` → `exited` (an exit is recorded) or `lost` (the session-host died, the log is kept).
 */
export const SessionState = Schema.Literals(["starting", "running", "exited", "lost"])
export type SessionState = typeof SessionState.Type

/** How a program ended: exactly one of `code` (0 to 255) and `signal` (such as `SIGKILL`) is not null. */
export const SessionExit = Schema.Struct({
  code: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.String),
  at: Timestamp,
  /**
   * What ended it, if hob did: `killed` (somebody asked for it), `ttl`, `idle-stop`, `memory-limit`, `process-limit`;
   * null when it ended by itself or something else sent the signal. A string, because a newer hob may know more.
   */
  reason: added(Schema.NullOr(Schema.String), null)
})
export type SessionExit = typeof SessionExit.Type

/** Who holds a session's input lease: its name for people, such as `pts/3`, and since when. */
export const InputHolder = Schema.Struct({ client: Schema.String, since: Timestamp })
export type InputHolder = typeof InputHolder.Type

/** One session as everybody sees it: `hob ls --json` prints a list of these. */
export const Session = Schema.Struct({
  id: SessionId,
  name: Schema.NullOr(SessionName),
  tags: Schema.Array(Schema.String),
  /** The program and its arguments, as executed; never a shell line. */
  command: Schema.Array(Schema.String),
  cwd: Schema.String,
  kind: SessionKind,
  state: SessionState,
  /** What the program is about while it runs under a terminal; null on pipes, and once it has ended. */
  activity: added(Schema.NullOr(Activity), null),
  /** The title that the program gave its terminal. */
  title: added(Schema.NullOr(Schema.String), null),
  /** The program's process id while it runs. */
  pid: Schema.NullOr(Schema.Int),
  cols: Cells,
  rows: Cells,
  createdAt: Timestamp,
  /** Set once, when the program has been waited for. Output may follow until `closedAt`. */
  exit: Schema.NullOr(SessionExit),
  /** When the last byte of output was read: no byte follows. */
  closedAt: Schema.NullOr(Timestamp),
  /** Retained output: `oldest` is the first byte still in the log, `end` the next byte to come. */
  output: Schema.Struct({ oldest: Offset, end: Offset }),
  /** Output bytes that reached clients but not the log, because the disk was full or failed. */
  logLostBytes: Schema.Int,
  /** Clients attached or following now. */
  clients: Schema.Int,
  /** What it may use up, how long it may stay, and what holds it to that. */
  limits: added(LimitsInForce, {}),
  /** Whether it is started anew when it ends; null: it is not. */
  restart: added(Schema.NullOr(Restart), null),
  /** The session that this one was started anew for; null for one that somebody started. */
  restartedFrom: added(Schema.NullOr(RestartedFrom), null),
  /** The session that was started anew for this one. */
  restartedAs: added(Schema.NullOr(SessionId), null),
  /** The attached client that may type and decides the terminal's size; null when none does. */
  input: added(Schema.NullOr(InputHolder), null)
})
export type Session = typeof Session.Type

/** No session has this id, prefix or name. */
export class SessionNotFound extends Schema.TaggedError<SessionNotFound>()("SessionNotFound", {
  session: Schema.String
}) {
  override get message() {
    const short =
      this.session.length < MIN_ID_PREFIX ? ` Of an id at least ${MIN_ID_PREFIX} characters are needed.` : ""
    return `No session matches "${this.session}".${short} \`hob ls --all\` lists them.`
  }
}

/** More than one session has this prefix. */
export class SessionAmbiguous extends Schema.TaggedError<SessionAmbiguous>()("SessionAmbiguous", {
  session: Schema.String,
  candidates: Schema.Array(Schema.Struct({ id: SessionId, name: Schema.NullOr(SessionName) }))
}) {
  override get message() {
    const list = this.candidates.map(({ id, name }) => (name === null ? id : `${id} (${name})`)).join(", ")
    return `"${this.session}" matches ${this.candidates.length} sessions: ${list}`
  }
}

/** Another session that has not ended has this name. */
export class SessionNameTaken extends Schema.TaggedError<SessionNameTaken>()("SessionNameTaken", {
  name: SessionName,
  id: SessionId
}) {
  override get message() {
    return `The name "${this.name}" belongs to session ${this.id}. Choose another, or end that one with \`hob kill ${this.name}\`.`
  }
}

/** The session has ended, so this can't be done to it. */
export class SessionEnded extends Schema.TaggedError<SessionEnded>()("SessionEnded", {
  id: SessionId,
  state: SessionState
}) {
  override get message() {
    return `Session ${this.id} has ended (${this.state}).`
  }
}

/** The session is running, and this needs it ended first. */
export class SessionRunning extends Schema.TaggedError<SessionRunning>()("SessionRunning", {
  id: SessionId
}) {
  override get message() {
    return `Session ${this.id} is still running. \`hob kill\` ends it; \`hob rm --force\` does both.`
  }
}

/** The command could not be started. `reason` says which part of it is wrong. */
export class SpawnFailed extends Schema.TaggedError<SpawnFailed>()("SpawnFailed", {
  reason: Schema.Literals([
    "empty-command",
    "command-not-found",
    "not-executable",
    "cwd-missing",
    "cwd-not-a-directory",
    "cwd-unreadable",
    "cwd-no-answer",
    "bad-environment",
    "bad-argument",
    "too-many-sessions",
    "limit-unavailable",
    "unknown-template",
    "pty-unavailable",
    "system"
  ]),
  /** The thing that was wrong: the command, the directory, the variable, the limit. */
  subject: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return this.detail
  }
}

/** The session-host can't be reached and could not be started. */
export class SessionHostUnavailable extends Schema.TaggedError<SessionHostUnavailable>()("SessionHostUnavailable", {
  detail: Schema.String
}) {
  override get message() {
    return `The session-host is not available: ${this.detail}`
  }
}

/** The program isn't reading its input and the session's input queue is full; nothing of this send was accepted. */
export class InputQueueFull extends Schema.TaggedError<InputQueueFull>()("InputQueueFull", {
  id: SessionId,
  queuedBytes: Schema.Int,
  limitBytes: Schema.Int
}) {
  override get message() {
    return `Session ${this.id} is not reading its input: ${this.queuedBytes} bytes are waiting (limit ${this.limitBytes}).`
  }
}

/** A session has at most 32 tags. */
export class TooManyTags extends Schema.TaggedError<TooManyTags>()("TooManyTags", {
  id: SessionId,
  count: Schema.Int
}) {
  override get message() {
    return `Session ${this.id} would have ${this.count} tags, and 32 is the limit. Take some off with \`hob tag rm\`.`
  }
}

/** The caller runs inside this very session, and did not say that it means it. */
export class OwnSession extends Schema.TaggedError<OwnSession>()("OwnSession", {
  id: SessionId,
  name: Schema.NullOr(SessionName)
}) {
  override get message() {
    return `You are inside session ${this.name ?? this.id}: this would end it, and you with it. Say \`--self\` if that is meant.`
  }
}

/** The signal's name is not one this system knows. */
export class UnknownSignal extends Schema.TaggedError<UnknownSignal>()("UnknownSignal", {
  signal: Schema.String
}) {
  override get message() {
    return `"${this.signal}" is not a signal. Names are as in \`kill -l\`: TERM, INT, HUP, KILL, …`
  }
}

/** Errors of every method that names a session. */
export const Lookup = Schema.Union([SessionNotFound, SessionAmbiguous, SessionHostUnavailable])

/**
 * What a client shows to the session-host to get a session's bytes: connect to the Unix socket `path`, send an
 * `open` frame with `ticket` (see protocol/sessionHost.ts), once, within 30 seconds.
 */
export const DataTicket = Schema.Struct({
  session: Session,
  path: Schema.String,
  ticket: Schema.String
})
export type DataTicket = typeof DataTicket.Type

/** A piece of a session's output: `data` is base64, possibly empty; `offset` is that of its first byte; `gap` counts bytes that are missing before it. */
export const OutputChunk = Schema.Struct({
  offset: Offset,
  data: Schema.String,
  gap: Schema.Int
})
export type OutputChunk = typeof OutputChunk.Type

/** One log line, in the format of claude-sessions: `data` is base64 of `size` raw bytes, which may end inside a character. */
export const LogLine = Schema.Struct({
  timestamp: Timestamp,
  session_id: SessionId,
  direction: Schema.Literals(["input", "output", "stdin", "stdout", "stderr"]),
  data: Schema.String,
  size: Schema.Int
})
export type LogLine = typeof LogLine.Type

/** What is announced of sessions, in order, from the moment of subscribing. */
export const SessionEvent = Schema.Struct({
  type: Schema.Literals([
    "started",
    "exited",
    "closed",
    "lost",
    "removed",
    "changed",
    "activity",
    "log-lost",
    "log-restored",
    "host-lost",
    "host-upgraded",
    "host-not-upgraded"
  ]),
  at: Timestamp,
  /** Null only for those of the session-host, which are about all of them. */
  session: Schema.NullOr(Session)
})
export type SessionEvent = typeof SessionEvent.Type

/**
 * Starts a command in a new session. `command` defaults to the user's shell; `env` is the whole environment of the
 * caller (hob removes what its deny list names and adds `TERM`, `HOB_SESSION_ID`, `HOB_SOCKET`); without `env` the
 * session gets a login environment by allow list. Answers once the program runs.
 */
export const Run = Rpc.make("sessions.run", {
  payload: {
    name: Schema.optionalKey(SessionName),
    tags: Schema.optionalKey(Tags),
    command: Schema.optionalKey(Schema.Array(Schema.String)),
    cwd: Schema.optionalKey(Schema.String),
    env: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
    kind: Schema.optionalKey(SessionKind),
    cols: Schema.optionalKey(Cells),
    rows: Schema.optionalKey(Cells),
    limits: Schema.optionalKey(SessionLimits),
    restart: Schema.optionalKey(RestartPolicy),
    restartMax: Schema.optionalKey(RestartMax),
    /** A template of the configuration; what is said here goes before what it says, and `command` is added to its own. */
    template: Schema.optionalKey(Schema.String),
    /** With a template: the caller's directory. It is used where the template names none, and below it a relative one is found. */
    callerCwd: Schema.optionalKey(Schema.String),
    /** Variables that go before those of a template, as `env` doesn't, and that `sessions.environmentDeny` does not take away. */
    overrideEnv: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
  },
  success: Session,
  error: Schema.Union([SpawnFailed, SessionNameTaken, SessionHostUnavailable])
})

/** Lists sessions, newest first: those that have not ended, or with `all` every one that is kept; with `tags` those that have all of them. */
export const List = Rpc.make("sessions.list", {
  payload: { all: Schema.optionalKey(Schema.Boolean), tags: Schema.optionalKey(Tags) },
  success: Schema.Struct({
    sessions: Schema.Array(Session),
    /** Why the session-host can't be asked: then what runs is not known, and the list is what was last heard. */
    hostUnavailable: Schema.optionalKey(Schema.String)
  })
})

/** One session. */
export const Show = Rpc.make("sessions.show", {
  payload: { session: SessionRef },
  success: Session,
  error: Lookup
})

/**
 * Opens a session's bytes: answered here, then carried as binary frames straight from the session-host.
 * - `mode: "attach"`: recent output, then live; the client may send input unless `readOnly`. Skips with a `gap` when
 *   the client falls too far behind.
 * - `mode: "follow"`: from `since` (or the last `tail` bytes) and then live, never skipping retained output.
 * - `mode: "read"`: from `since` (or the last `tail` bytes) to the present end, then `end`.
 * - `mode: "records"`: the whole log with time and direction of each piece, then `end`.
 */
export const Attach = Rpc.make("sessions.attach", {
  payload: {
    session: SessionRef,
    mode: Schema.Literals(["attach", "follow", "read", "records"]),
    readOnly: Schema.optionalKey(Schema.Boolean),
    since: Schema.optionalKey(Offset),
    tail: Schema.optionalKey(Offset),
    cols: Schema.optionalKey(Cells),
    rows: Schema.optionalKey(Cells)
  },
  success: DataTicket,
  error: Lookup
})

/** A session's output as a stream of base64 chunks: the way for WebSockets and for languages without the binary frames. */
export const Output = Rpc.make("sessions.output", {
  payload: {
    session: SessionRef,
    since: Schema.optionalKey(Offset),
    tail: Schema.optionalKey(Offset),
    follow: Schema.optionalKey(Schema.Boolean)
  },
  success: OutputChunk,
  error: Lookup,
  stream: true
}).annotate(Endless, true)

/**
 * Types `data` (base64) into a session. All of it is accepted, or none. `queuedBytes` is what the program has yet to
 * read. With `endInput` the program then meets the end of its input: its standard input is closed, behind what is
 * queued; at a terminal Ctrl-D is typed.
 */
export const Send = Rpc.make("sessions.send", {
  payload: {
    session: SessionRef,
    data: Schema.String.check(Schema.isBase64()),
    endInput: Schema.optionalKey(Schema.Boolean)
  },
  success: Schema.Struct({ acceptedBytes: Schema.Int, queuedBytes: Schema.Int }),
  error: Schema.Union([Lookup, SessionEnded, InputQueueFull])
})

/** Tells a session's terminal its size. */
export const Resize = Rpc.make("sessions.resize", {
  payload: { session: SessionRef, cols: Cells, rows: Cells },
  success: Session,
  error: Schema.Union([Lookup, SessionEnded])
})

/** Who asks: the session inside which the caller runs, and whether that one is meant too. */
const caller = {
  /** The caller's `HOB_SESSION_ID`. What would end this session is refused with {@link OwnSession}. */
  from: Schema.optionalKey(Schema.String),
  /** Does it all the same. */
  self: Schema.optionalKey(Schema.Boolean)
}

/**
 * Ends a session: `signal` (default `SIGTERM`) to every process of it, then `SIGKILL` to what is left after
 * `graceMillis` (default 5000). Answers once the program has ended. Killing an ended session changes nothing, but one that waits to be started anew is not started any more.
 */
export const Kill = Rpc.make("sessions.kill", {
  payload: {
    session: SessionRef,
    signal: Schema.optionalKey(Schema.String),
    graceMillis: Schema.optionalKey(Millis),
    ...caller
  },
  success: Session,
  error: Schema.Union([Lookup, UnknownSignal, OwnSession])
})

/** Forgets an ended session and deletes its log; with `force`, kills it first. */
export const Remove = Rpc.make("sessions.remove", {
  payload: { session: SessionRef, force: Schema.optionalKey(Schema.Boolean), ...caller },
  success: Schema.Struct({ id: SessionId }),
  error: Schema.Union([Lookup, SessionRunning, OwnSession])
})

/** A session's whole log as lines, oldest first: the way for clients without the binary frames. */
export const Export = Rpc.make("sessions.export", {
  payload: { session: SessionRef },
  success: LogLine,
  error: Lookup,
  stream: true
})

/**
 * What happens to sessions from now on: events of the `types` asked for. Without `types`, those that every version of
 * hob knows: all but `changed`, `activity`, `host-upgraded` and `host-not-upgraded`.
 */
export const Events = Rpc.make("sessions.events", {
  payload: { types: Schema.optionalKey(Schema.Array(SessionEvent.fields.type)) },
  success: SessionEvent,
  stream: true
}).annotate(Endless, true)

export const SessionsRpcs = RpcGroup.make(Run, List, Show, Attach, Output, Send, Resize, Kill, Remove, Export, Events)
