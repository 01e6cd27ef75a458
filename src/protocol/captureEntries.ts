/** Captures and what they are made of. */
import { Schema } from "effect"
import { SessionId, Timestamp } from "./ids.ts"
import { wellFormed } from "./texts.ts"

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

/** An absolute path without NUL. */
export const AbsolutePath = Schema.String.check(
  Schema.isPattern(/^\/[^\0]{0,4095}$/u, { expected: "an absolute path" }),
  wellFormed
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
