import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import {
  AbsolutePath,
  Capture,
  CaptureAmbiguous,
  CaptureEntry,
  CaptureId,
  CaptureMetadata,
  CaptureNotFound,
  CaptureRef,
  CaptureRole,
  CaptureTool,
  CodeChangeKind,
  TooManyCaptures
} from "./captureEntries.ts"
import { TellHook } from "./captureHooks.ts"
import { ListCaptureSaves, MoveCaptureSaves, SaveCapture } from "./captureSaves.ts"
import { SessionId, Timestamp } from "./ids.ts"
import { StorageError } from "./storage.ts"
import { wellFormed } from "./texts.ts"

/** A path without NUL, absolute or below the repository. */
const AnyPath = Schema.String.check(
  Schema.isPattern(/^[^\0]{1,4096}$/u, { expected: "a path of 1 to 4096 characters" }),
  wellFormed
)

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

/** An entry in which a text stands. */
export const CaptureMatch = Schema.Struct({
  capture: CaptureId,
  tool: Schema.String,
  repository: Schema.NullOr(Schema.String),
  seq: Schema.Int,
  at: Timestamp,
  type: Schema.Literals(["message", "codeChange"]),
  /** Who said it, or which file it is. */
  of: Schema.String,
  /** The line, cut around the text. */
  line: Schema.String
})
export type CaptureMatch = typeof CaptureMatch.Type

/** Finds a text in all that is captured, newest first: in what was said, in names of files and their diffs. The first search after a start reads everything once. */
export const SearchCaptures = Rpc.make("capture.search", {
  payload: {
    text: Schema.String.check(Schema.isBetweenLength(1, 1000), wellFormed),
    ignoreCase: Schema.optionalKey(Schema.Boolean),
    repository: Schema.optionalKey(AbsolutePath),
    /** Default 100. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })))
  },
  success: Schema.Struct({
    matches: Schema.Array(CaptureMatch),
    /** There are more. */
    isCut: Schema.Boolean
  }),
  error: StorageError
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
  claudeSessions: Schema.Boolean,
  encrypt: Schema.Boolean,
  saveOnStop: Schema.Boolean,
  saveOnStopMillis: Schema.Int,
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
  TellHook,
  SearchCaptures,
  SaveCapture,
  ListCaptureSaves,
  MoveCaptureSaves,
  DiscardCapture,
  GetCaptureConfig
)
