/** Captures saved into repositories. */
import { Schema } from "effect"
import { Rpc } from "effect/rpc"
import { AbsolutePath, CaptureAmbiguous, CaptureId, CaptureNotFound, CaptureRef } from "./captureEntries.ts"
import { Timestamp } from "./ids.ts"
import { StorageError } from "./storage.ts"

/** A git commit: 40 hexadecimal digits, 64 in repositories with SHA-256. */
export const CommitSha = Schema.String.check(
  Schema.isPattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/u, {
    expected: "the whole hash of a commit, 40 hexadecimal digits"
  })
)

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
 * - `sealed`: it is encrypted, and the key is not there
 */
export class CaptureNotSaved extends Schema.TaggedError<CaptureNotSaved>()("CaptureNotSaved", {
  capture: CaptureId,
  reason: Schema.Literals(["no-repository", "gone", "bare", "refused", "read-only", "full", "system", "git", "sealed"]),
  /** Empty where it has none. */
  path: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `The capture ${this.capture} was not saved: ${this.path === "" ? "" : `${this.path}: `}${this.detail}`
  }
}

const lookup = [CaptureNotFound, CaptureAmbiguous] as const

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
