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

/** Where a capture is saved: files below `.prompts/` of its work tree, or a note of git (`refs/notes/prompts`) at its commit. */
export const CaptureDestination = Schema.Literals(["prompts", "notes"])
export type CaptureDestination = typeof CaptureDestination.Type

/** One part of a capture as a save wrote it. */
export const CaptureSave = Schema.Struct({
  capture: CaptureId,
  repository: Schema.String,
  destination: CaptureDestination,
  /** The name of the prompt, the same for all parts of a capture. */
  slug: Schema.String,
  /** Of this part: 8 hexadecimal digits. */
  version: Schema.String,
  /** Where it is, below the repository; null in a note. */
  file: Schema.NullOr(Schema.String),
  /** The commit it belongs to; null where it was saved without one. */
  commit: Schema.NullOr(Schema.String),
  /** The first and the last of its entries. */
  fromSeq: Schema.Int,
  toSeq: Schema.Int,
  messages: Schema.Int,
  codeChanges: Schema.Int,
  savedAt: Timestamp
})
export type CaptureSave = typeof CaptureSave.Type

/**
 * A capture could not be saved; it is as it was, and the next save tries again.
 * - `no-repository`: its directory is in no git work tree
 * - `gone`: the repository is not there any more
 * - `bare`: the repository has no work tree
 * - `refused`: `path` is a link, or no directory: hob writes through none
 * - `read-only`, `full`, `system`: what the file system said
 * - `git`: what git said
 */
export class CaptureNotSaved extends Schema.TaggedError<CaptureNotSaved>()("CaptureNotSaved", {
  capture: CaptureId,
  reason: Schema.Literals(["no-repository", "gone", "bare", "refused", "read-only", "full", "system", "git"]),
  path: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `The capture ${this.capture} was not saved: ${this.path}: ${this.detail}`
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

/**
 * Writes what no save has written yet: of one capture, or of every one of a work tree. Where there is nothing new nothing
 * is written. Of several those that can be saved are; the error tells of the first that could not.
 */
export const SaveCapture = Rpc.make("capture.save", {
  payload: {
    /** One of the two. */
    capture: Schema.optionalKey(CaptureRef),
    /** The top directory of a work tree. */
    repository: Schema.optionalKey(AbsolutePath),
    /** The commit that it led to. Notes belong to one. */
    commit: Schema.optionalKey(CommitSha),
    /** Default: what `hob capture install` was told for the repository, else `prompts`. */
    destination: Schema.optionalKey(CaptureDestination),
    /** Also write it as Markdown. Default: what `hob capture install` was told, else not. */
    markdown: Schema.optionalKey(Schema.Boolean),
    /** The capture is closed by it. */
    close: Schema.optionalKey(Schema.Boolean)
  },
  success: Schema.Struct({
    saves: Schema.Array(CaptureSave),
    /** What was written, below the repository. */
    files: Schema.Array(Schema.String),
    /** What was wrong with the files that are there, and what was done about it. */
    mended: Schema.Array(Schema.String)
  }),
  error: Schema.Union([...lookup, CaptureNotSaved, StorageError])
})

/** What saves have written, newest first: of a commit, a capture or a work tree. */
export const ListCaptureSaves = Rpc.make("capture.saves", {
  payload: {
    commit: Schema.optionalKey(
      Schema.String.check(Schema.isPattern(/^[0-9a-f]{4,64}$/u, { expected: "a commit, or at least 4 digits of it" }))
    ),
    capture: Schema.optionalKey(CaptureRef),
    repository: Schema.optionalKey(AbsolutePath),
    /** Default 100. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })))
  },
  success: Schema.Struct({ saves: Schema.Array(CaptureSave) }),
  error: Schema.Union([...lookup, StorageError])
})

/** Commits have become others, as after `git rebase` or `git commit --amend`: what was saved with the old ones belongs to the new. */
export const MoveCaptureSaves = Rpc.make("capture.rewrite", {
  payload: {
    repository: AbsolutePath,
    commits: Schema.Array(Schema.Struct({ from: CommitSha, to: CommitSha })).check(Schema.isMaxLength(10_000))
  },
  success: Schema.Struct({ moved: Schema.Int }),
  error: StorageError
})

/** The agents whose hooks are understood. */
export const CaptureAgent = Schema.Literals(["claude", "codex", "gemini", "cursor"])
export type CaptureAgent = typeof CaptureAgent.Type

/** What one call of an agent's hook says: also what stands in the spool while no daemon answers. */
export const HookCall = Schema.Struct({
  agent: CaptureAgent,
  /** Of this call: told twice, it counts once. */
  id: Schema.String.check(Schema.isPattern(/^[0-9a-f]{16,64}$/u, { expected: "16 to 64 hexadecimal digits" })),
  /** What the agent gave to its hook, as it is. */
  event: Schema.Record(Schema.String, Schema.Unknown),
  /** When it was, if not now. */
  at: Schema.optionalKey(Timestamp),
  /** The terminal session of hob in which the agent runs. */
  session: Schema.optionalKey(SessionId)
})
export type HookCall = typeof HookCall.Type

/** An agent's hook was called: `hob capture hook` tells it. Events that captures have no use for are taken and forgotten. */
export const TellHook = Rpc.make("capture.hook", {
  payload: HookCall.fields,
  success: Schema.Struct({
    /** Null where it was of no use. */
    capture: Schema.NullOr(CaptureId),
    /** How many messages and changes it brought, those that were there already among them. */
    entries: Schema.Int
  }),
  error: Schema.Union([TooManyCaptures, StorageError])
})

/** What a hook leaves in the spool when no daemon answers: a call of an agent's, a commit, or commits that became others. */
export const SpoolRecord = Schema.Union([
  Schema.Struct({ type: Schema.Literal("hook"), ...HookCall.fields }),
  Schema.Struct({ type: Schema.Literal("commit"), repository: AbsolutePath, commit: CommitSha }),
  Schema.Struct({
    type: Schema.Literal("rewrite"),
    repository: AbsolutePath,
    commits: MoveCaptureSaves.payloadSchema.fields.commits
  })
])
export type SpoolRecord = typeof SpoolRecord.Type

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
