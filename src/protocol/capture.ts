import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { SessionId, Timestamp } from "./ids.ts"
import { StorageError } from "./storage.ts"

/** What happens to the capture `x` is said on the channel `capture:x`. */
export const CAPTURE_PREFIX = "capture:"

/** A capture's identity: 16 hexadecimal digits, given by hob and never used again. */
export const CaptureId = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{16}$/u, { expected: "16 hexadecimal digits" })
).pipe(Schema.brand("CaptureId"))
export type CaptureId = typeof CaptureId.Type

/** How a person names a capture: its id, or at least two digits that only its id begins with. */
export const CaptureRef = Schema.String.check(
  Schema.isPattern(/^[0-9a-f]{2,16}$/u, { expected: "a capture's id or its beginning: 2 to 16 hexadecimal digits" })
)
export type CaptureRef = typeof CaptureRef.Type

/** The program that is talked to, such as `claude-code`: 1 to 64 of letters, digits, `.`, `_`, `-`, beginning with a letter or digit. */
export const CaptureTool = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, {
    expected: "1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  })
)

const wellFormed = Schema.makeFilter((text: string) =>
  text.isWellFormed() ? undefined : "must be well-formed Unicode"
)

/** An absolute path without NUL. */
export const AbsolutePath = Schema.String.check(
  Schema.isPattern(/^\/[^\0]{0,4095}$/u, { expected: "an absolute path" }),
  wellFormed
)

/** A path without NUL, absolute or below the repository. */
const AnyPath = Schema.String.check(
  Schema.isPattern(/^[^\0]{1,4096}$/u, { expected: "a path of 1 to 4096 characters" }),
  wellFormed
)

/** A git commit: 40 hexadecimal digits, 64 in repositories with SHA-256. */
export const CommitSha = Schema.String.check(
  Schema.isPattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u, {
    expected: "the whole hash of a commit, 40 hexadecimal digits"
  })
)

/** Who said it. */
export const CaptureRole = Schema.Literals(["user", "assistant", "system", "tool"])
export type CaptureRole = typeof CaptureRole.Type

export const CodeChangeKind = Schema.Literals(["created", "modified", "deleted", "renamed"])
export type CodeChangeKind = typeof CodeChangeKind.Type

/** Numbers and texts that a program says of itself, such as `model` and `temperature`; they are written where the capture is saved. */
export const CaptureMetadata = Schema.Record(
  Schema.String.check(Schema.isPattern(/^[A-Za-z][A-Za-z0-9_]{0,63}$/u)),
  Schema.Union([
    Schema.String.check(Schema.isMaxLength(4096), wellFormed),
    Schema.Finite,
    Schema.Boolean,
    Schema.Array(Schema.String.check(Schema.isMaxLength(256), wellFormed)).check(Schema.isMaxLength(64))
  ])
).check(Schema.makeFilter((record) => (Object.keys(record).length <= 64 ? undefined : "must have at most 64 fields")))
export type CaptureMetadata = typeof CaptureMetadata.Type

/** What was said to a coding agent and what it said and changed, from one beginning to one end. */
export const Capture = Schema.Struct({
  id: CaptureId,
  tool: Schema.String,
  /** The agent's own name for its session. */
  agentSession: Schema.NullOr(Schema.String),
  /** The terminal session of hob in which it runs. */
  session: Schema.NullOr(SessionId),
  cwd: Schema.NullOr(Schema.String),
  /** The top directory of the work tree that `cwd` is in. */
  repository: Schema.NullOr(Schema.String),
  /** The branch that was checked out when it began; null when none was. */
  branch: Schema.NullOr(Schema.String),
  /** `closed`: its agent has ended, it was closed, or nothing was heard for long; what comes later opens it again. */
  state: Schema.Literals(["open", "closed"]),
  startedAt: Timestamp,
  lastAt: Timestamp,
  messages: Schema.Int,
  codeChanges: Schema.Int,
  /** Of messages and changes, those that no save has written yet. */
  unsaved: Schema.Int,
  /** Of all its texts. */
  bytes: Schema.Int,
  /** How many secrets were masked in it. */
  masked: Schema.Int,
  /** How many texts were cut. */
  cut: Schema.Int,
  /** How many were left out because the capture had reached `capture.captureBytes`. */
  dropped: Schema.Int,
  /** How many code changes were left out: of files that `capture.excludePatterns` names, or outside the repository. */
  excluded: Schema.Int
})
export type Capture = typeof Capture.Type

const entry = {
  /** Counts from 1 within the capture. */
  seq: Schema.Int,
  at: Timestamp,
  /** Bytes that are missing from its text, which says so at its end. */
  cutBytes: Schema.Int,
  /** A save has written it. */
  saved: Schema.Boolean
}

export const CaptureMessage = Schema.Struct({
  type: Schema.Literal("message"),
  ...entry,
  role: Schema.String,
  content: Schema.String
})
export type CaptureMessage = typeof CaptureMessage.Type

export const CodeChange = Schema.Struct({
  type: Schema.Literal("codeChange"),
  ...entry,
  /** Below the repository where it is in one, else absolute. */
  path: Schema.String,
  kind: CodeChangeKind,
  /** Unified, without its two lines of file names. */
  diff: Schema.String
})
export type CodeChange = typeof CodeChange.Type

export const CaptureEntry = Schema.Union([CaptureMessage, CodeChange])
export type CaptureEntry = typeof CaptureEntry.Type

/** There is no capture of this id. */
export class CaptureNotFound extends Schema.TaggedError<CaptureNotFound>()("CaptureNotFound", {
  capture: Schema.String
}) {
  override get message() {
    return `No capture has the id "${this.capture}", or one that begins so.`
  }
}

/** Several ids begin so. */
export class CaptureAmbiguous extends Schema.TaggedError<CaptureAmbiguous>()("CaptureAmbiguous", {
  capture: Schema.String,
  matches: Schema.Array(CaptureId)
}) {
  override get message() {
    return `Several captures have an id that begins with "${this.capture}": ${this.matches.join(", ")}.`
  }
}

/** As many captures are kept as may be, and none of them may be forgotten. */
export class TooManyCaptures extends Schema.TaggedError<TooManyCaptures>()("TooManyCaptures", { limit: Schema.Int }) {
  override get message() {
    return `${this.limit} captures are kept, as many as may be (capture.maxCount). Discard some, or save them.`
  }
}

/** The setting `capture.enabled` is off. */
export class CaptureDisabled extends Schema.TaggedError<CaptureDisabled>()("CaptureDisabled", {}) {
  override get message() {
    return "Nothing is captured: capture.enabled is false."
  }
}

/** The file is outside the repository of its capture. */
export class PathOutsideRepository extends Schema.TaggedError<PathOutsideRepository>()("PathOutsideRepository", {
  path: Schema.String,
  repository: Schema.String
}) {
  override get message() {
    return `${this.path} is outside of ${this.repository}, the repository of this capture: its changes are not captured.`
  }
}

const lookup = [CaptureNotFound, CaptureAmbiguous] as const
const refused = [...lookup, CaptureDisabled, StorageError] as const

const added = Schema.Struct({
  /** Null where it was left out. */
  seq: Schema.NullOr(Schema.Int),
  /** Its text was cut to `capture.messageBytes`. */
  cut: Schema.Boolean,
  /** How many secrets were masked in it. */
  masked: Schema.Int,
  /** Why it was left out: the capture is full (`capture.captureBytes`), or its file is excluded (`capture.excludePatterns`). */
  leftOut: Schema.NullOr(Schema.Literals(["full", "excluded"]))
})
export type CaptureAdded = typeof added.Type

/** Begins a capture. */
export const CreateCapture = Rpc.make("capture.create", {
  payload: {
    tool: CaptureTool,
    cwd: Schema.optionalKey(AbsolutePath),
    session: Schema.optionalKey(SessionId),
    agentSession: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 256), wellFormed)),
    metadata: Schema.optionalKey(CaptureMetadata)
  },
  success: Capture,
  error: Schema.Union([CaptureDisabled, TooManyCaptures, StorageError])
})

/** Adds what somebody said. Answers once it is in the store, with its secrets masked: it survives the death of every process. */
export const AddMessage = Rpc.make("capture.addMessage", {
  payload: {
    capture: CaptureRef,
    role: CaptureRole,
    content: Schema.String
  },
  success: added,
  error: Schema.Union(refused)
})

/** Adds what became of a file: as a diff, or as what was in it before and is after. */
export const AddCodeChange = Rpc.make("capture.addCodeChange", {
  payload: {
    capture: CaptureRef,
    path: AnyPath,
    /** Default: what `before` and `after` tell. */
    kind: Schema.optionalKey(CodeChangeKind),
    before: Schema.optionalKey(Schema.NullOr(Schema.String)),
    after: Schema.optionalKey(Schema.NullOr(Schema.String)),
    diff: Schema.optionalKey(Schema.String)
  },
  success: added,
  error: Schema.Union([...refused, PathOutsideRepository])
})

/** The captures that are open, or with `all` every one, newest first. */
export const ListCaptures = Rpc.make("capture.list", {
  payload: {
    all: Schema.optionalKey(Schema.Boolean),
    /** Those of this work tree. */
    repository: Schema.optionalKey(AbsolutePath),
    /** Those of this terminal session. */
    session: Schema.optionalKey(SessionId)
  },
  success: Schema.Struct({ captures: Schema.Array(Capture) }),
  error: StorageError
})

/** One capture with what was said and changed, in order; of a long one a part. */
export const ShowCapture = Rpc.make("capture.show", {
  payload: {
    capture: CaptureRef,
    /** Behind this `seq`. Default 0: from the beginning. */
    after: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)))
  },
  success: Schema.Struct({
    capture: Capture,
    metadata: CaptureMetadata,
    entries: Schema.Array(CaptureEntry),
    /** What to ask with next (`after`); null at the end. */
    next: Schema.NullOr(Schema.Int)
  }),
  error: Schema.Union([...lookup, StorageError])
})

/** Forgets a capture and all that is in it. What was saved stays where it is. */
export const DiscardCapture = Rpc.make("capture.discard", {
  payload: { capture: CaptureRef },
  success: Capture,
  error: Schema.Union([...lookup, StorageError])
})

/** How captures are made: the settings of the group `capture` that are in force. */
export const CaptureConfig = Schema.Struct({
  enabled: Schema.Boolean,
  excludePatterns: Schema.Array(Schema.String),
  secretPatterns: Schema.Array(Schema.String),
  messageBytes: Schema.Int,
  captureBytes: Schema.Int,
  maxCount: Schema.Int,
  closeMillis: Schema.Int,
  retainMillis: Schema.Int
})
export type CaptureConfig = typeof CaptureConfig.Type

export const GetCaptureConfig = Rpc.make("capture.config", { success: CaptureConfig })

export const CaptureRpcs = RpcGroup.make(
  CreateCapture,
  AddMessage,
  AddCodeChange,
  ListCaptures,
  ShowCapture,
  DiscardCapture,
  GetCaptureConfig
)
