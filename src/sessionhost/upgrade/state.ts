/**
 * What a session-host tells its successor: everything it knows that is not on disk, and the numbers of the descriptors
 * that the successor inherits. Read by other versions of hob: fields are only added, each with a default, and
 * {@link STATE_FORMAT} grows when that isn't possible.
 */
import { Schema } from "effect"
import { SessionId } from "../../protocol/ids.ts"
import { HostRequest, LogLimits, OpenFrame, SessionFile } from "../../protocol/sessionHost.ts"
import { SessionExit } from "../../protocol/sessions.ts"

export const STATE_FORMAT = 1

const Base64 = Schema.String
const Descriptor = Schema.Int

/** What the processes of a session have in common, as `SessionTraits` of ProcessTable.ts. */
export const TraitsState = Schema.Struct({
  root: Schema.Struct({ pid: Schema.Int, start: Schema.Int }),
  /** Null while the program has not been waited for. */
  ended: Schema.NullOr(Schema.Number),
  marker: Schema.NullOr(Schema.String),
  files: Schema.Array(Schema.String),
  terminal: Schema.Int
})
export type TraitsState = typeof TraitsState.Type

/** A program, running or ended, with the descriptors by which it is held. */
export const ProgramState = Schema.Union([
  Schema.Struct({
    kind: Schema.Literal("pty"),
    pid: Schema.Int,
    traits: TraitsState,
    /** The program has been waited for. */
    exited: Schema.Boolean,
    /** Null once the terminal has been read to its end. */
    master: Schema.NullOr(Descriptor),
    /** Null once the program has been waited for. */
    slave: Schema.NullOr(Descriptor),
    /** Input that the program has not taken. */
    input: Base64
  }),
  Schema.Struct({
    kind: Schema.Literal("pipe"),
    pid: Schema.Int,
    traits: TraitsState,
    exited: Schema.Boolean,
    /** Null once it is closed. */
    stdin: Schema.NullOr(Descriptor),
    stdout: Schema.NullOr(Descriptor),
    stderr: Schema.NullOr(Descriptor),
    input: Base64,
    /** Nothing follows behind `input`. */
    inputEnded: Schema.Boolean
  })
])
export type ProgramState = typeof ProgramState.Type
export type PtyState = Extract<ProgramState, { readonly kind: "pty" }>
export type PipeState = Extract<ProgramState, { readonly kind: "pipe" }>

/** Where the writer of a session's log stands. Sizes in bytes. */
export const LogState = Schema.Struct({
  /** Oldest first. */
  segments: Schema.Array(
    Schema.Struct({
      output: Schema.Int,
      input: Schema.Int,
      outBytes: Schema.Int,
      inBytes: Schema.Int,
      idxBytes: Schema.Int
    })
  ),
  /** Whether the last segment is being written. */
  open: Schema.Boolean,
  /** The log can't be written; from which offset on. */
  lostFrom: Schema.NullOr(Schema.Int),
  outputEnd: Schema.Int,
  inputEnd: Schema.Int,
  lostBytes: Schema.Int
})
export type LogState = typeof LogState.Type

export const SessionState = Schema.Struct({
  file: SessionFile,
  limits: LogLimits,
  recentBytes: Schema.Int,
  inputQueueBytes: Schema.Int,
  exit: Schema.NullOr(SessionExit),
  /** Why hob is ending it. */
  endReason: Schema.optionalKey(Schema.NullOr(Schema.String)),
  closedAt: Schema.NullOr(Schema.String),
  /** The last output, input or departure of a client, in milliseconds since 1970. */
  quietSince: Schema.optionalKey(Schema.Number),
  /** The last input. */
  typedAt: Schema.optionalKey(Schema.Number),
  /** Which of the program's questions to its terminal were answered: `WrittenAnswers`. */
  answers: Schema.optionalKey(
    Schema.Struct({ answeredTo: Schema.Int, older: Schema.Int, newer: Schema.Int, newerAge: Schema.Number })
  ),
  log: LogState,
  /** Null once everything of it is closed. */
  program: Schema.NullOr(ProgramState),
  /** The size of its terminal at the first byte that the log has. */
  firstSize: Schema.optionalKey(Schema.Struct({ cols: Schema.Int, rows: Schema.Int }))
})
export type SessionState = typeof SessionState.Type

/** What a connection still has to send, and what it received of a frame that is not complete. */
const wire = { fd: Descriptor, unsent: Base64, received: Base64, ending: Schema.Boolean }

const Size = Schema.Struct({ cols: Schema.Int, rows: Schema.Int })

/** A client of a session's bytes: what it asked for, and how far it was served. */
export const DataClientState = Schema.Struct({
  grant: HostRequest,
  open: OpenFrame,
  /** Null when nothing was sent yet. */
  begun: Schema.NullOr(
    Schema.Struct({
      cursor: Schema.Int,
      /** Where a mere read stops. */
      until: Schema.Int,
      /** Changes of size up to the cursor that it was not told of. */
      sizesUntold: Schema.Int,
      exitTold: Schema.Boolean,
      leaseUntold: Schema.Boolean,
      screenWanted: Schema.Boolean
    })
  ),
  /** What it typed and the session did not take; null stands for the end of standard input. */
  typed: Schema.Array(Schema.NullOr(Base64)),
  size: Schema.NullOr(Size),
  /** Since when it holds the input lease; null when it does not. */
  leaseSince: Schema.NullOr(Schema.String)
})
export type DataClientState = typeof DataClientState.Type

/** A client of the whole log: up to where in each of its streams it was served, and where it is to end, if it doesn't follow. */
export const RecordsState = Schema.Struct({
  output: Schema.Int,
  input: Schema.Int,
  end: Schema.Int,
  follow: Schema.Boolean,
  counted: Schema.Boolean
})
export type RecordsState = typeof RecordsState.Type

export const ConnectionState = Schema.Union([
  /** One that has not said yet what it is, or to which only its last bytes have to be sent. */
  Schema.Struct({ kind: Schema.Literal("new"), ...wire }),
  Schema.Struct({
    kind: Schema.Literal("control"),
    ...wire,
    /** The version of the protocol that it said hello with, and so gets events; null before that. */
    protocol: Schema.NullOr(Schema.Int),
    /** Requests without an answer. `begun`: a `kill` whose signal has been sent, its grace being what is left of it. */
    requests: Schema.Array(Schema.Struct({ request: HostRequest, begun: Schema.Boolean }))
  }),
  Schema.Struct({ kind: Schema.Literal("data"), ...wire, session: SessionId, client: DataClientState }),
  Schema.Struct({ kind: Schema.Literal("records"), ...wire, session: SessionId, client: RecordsState })
])
export type ConnectionState = typeof ConnectionState.Type

/** A ticket that was given out and not used: the request that did, and for how long it is good. */
export const GrantState = Schema.Struct({ ticket: Schema.String, grant: HostRequest, leftMillis: Schema.Number })
export type GrantState = typeof GrantState.Type

/** A version of hob, and how its host is run. */
export const HostBuild = Schema.Struct({
  version: Schema.String,
  /** The file that Node runs. */
  entry: Schema.String,
  node: Schema.String
})
export type HostBuild = typeof HostBuild.Type

/** The whole state. What is in lists is decoded one by one, so that one piece that can't be understood costs only itself. */
export const HostState = Schema.Struct({
  format: Schema.Literal(STATE_FORMAT),
  /** Who wrote it, and is to come back when the successor can't begin. */
  from: HostBuild,
  to: HostBuild,
  /** Why a successor gave the state back to who wrote it; null on the way there. */
  returned: Schema.NullOr(Schema.String),
  /** The connection and the request that asked for the upgrade. */
  startedAt: Schema.String,
  /** Whether SIGTERM has been received. */
  terminating: Schema.Boolean,
  /** The lock's open file. */
  lock: Schema.NullOr(Descriptor),
  listener: Schema.Struct({ fd: Descriptor, dev: Schema.String, ino: Schema.String }),
  sessions: Schema.Array(Schema.Unknown),
  connections: Schema.Array(Schema.Unknown),
  grants: Schema.Array(Schema.Unknown)
})
export type HostState = typeof HostState.Type

/** As {@link HostState}, its lists decoded. */
export interface Handover extends Omit<HostState, "sessions" | "connections" | "grants"> {
  readonly sessions: ReadonlyArray<SessionState>
  readonly connections: ReadonlyArray<ConnectionState>
  readonly grants: ReadonlyArray<GrantState>
}
