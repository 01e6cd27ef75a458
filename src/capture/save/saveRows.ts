/** What saves have written, in the store. */
import { Option, Schema } from "effect"
import type { CaptureId } from "../../protocol/captureEntries.ts"
import { CaptureDestination, type CaptureSave } from "../../protocol/captureSaves.ts"
import type { Reads, Sql } from "../../storage/sqlite.ts"
import * as rows from "../rows.ts"

const Stored = Schema.Struct({
  number: Schema.Int,
  capture: Schema.String,
  repository: Schema.String,
  destination: CaptureDestination,
  slug: Schema.String,
  version: Schema.String,
  file: Schema.NullOr(Schema.String),
  commit_sha: Schema.NullOr(Schema.String),
  from_seq: Schema.Int,
  to_seq: Schema.Int,
  messages: Schema.Int,
  code_changes: Schema.Int,
  saved_at: Schema.String
})
type Stored = typeof Stored.Type

const decode = Schema.decodeUnknownOption(Stored)
const COLUMNS =
  "number, capture, repository, destination, slug, version, file, commit_sha, from_seq, to_seq, messages, code_changes, saved_at"

const toSave = ({ capture, code_changes, commit_sha, from_seq, saved_at, to_seq, ...rest }: Stored): CaptureSave => ({
  capture: capture as CaptureId,
  repository: rest.repository,
  destination: rest.destination,
  slug: rest.slug,
  version: rest.version,
  file: rest.file,
  commit: commit_sha,
  fromSeq: from_seq,
  toSeq: to_seq,
  messages: rest.messages,
  codeChanges: code_changes,
  savedAt: saved_at
})

/** A save, and of its capture what is written by it. */
export const record = (sql: Sql, save: CaptureSave, options: { readonly close: boolean }): void => {
  const row = rows.byId(sql, save.capture)
  if (row === undefined) return
  const unsaved = sql.get(
    "SELECT count(*) AS count FROM capture_entries WHERE capture = ? AND seq > ?",
    row.number,
    save.toSeq
  )
  rows.update(sql, {
    ...row,
    saved_seq: Math.max(row.saved_seq, save.toSeq),
    unsaved: Number(unsaved?.["count"] ?? 0),
    state: options.close ? "closed" : row.state
  })
  sql.run(
    "INSERT INTO capture_saves (capture, repository, destination, slug, version, file, commit_sha, from_seq, to_seq, messages, code_changes, saved_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    save.capture,
    save.repository,
    save.destination,
    save.slug,
    save.version,
    save.file,
    save.commit,
    save.fromSeq,
    save.toSeq,
    save.messages,
    save.codeChanges,
    save.savedAt
  )
}

/** The slug that earlier parts of a capture have. */
export const slugOf = (sql: Reads, capture: string): string | undefined => {
  const row = sql.get("SELECT slug FROM capture_saves WHERE capture = ? ORDER BY number LIMIT 1", capture)
  return row === undefined ? undefined : String(row["slug"])
}

export interface Which {
  readonly commit?: string | undefined
  readonly capture?: string | undefined
  readonly repository?: string | undefined
  readonly limit: number
}

/** Newest first. */
export const list = (sql: Reads, which: Which): ReadonlyArray<CaptureSave> =>
  sql
    .all(
      `SELECT ${COLUMNS} FROM capture_saves WHERE (?1 IS NULL OR (commit_sha >= ?1 AND commit_sha < ?1 || 'g')) AND (?2 IS NULL OR capture = ?2) AND (?3 IS NULL OR repository = ?3) ORDER BY number DESC LIMIT ?4`,
      which.commit ?? null,
      which.capture ?? null,
      which.repository ?? null,
      which.limit
    )
    .flatMap((row) => Option.toArray(decode(row)))
    .map(toSave)

/** Those of a commit in any of these work trees: they share their commits. */
export const ofCommit = (
  sql: Reads,
  commit: string
): ReadonlyArray<{ readonly number: number; readonly save: CaptureSave }> =>
  sql
    .all(`SELECT ${COLUMNS} FROM capture_saves WHERE commit_sha = ? ORDER BY number`, commit)
    .flatMap((row) => Option.toArray(decode(row)))
    .map((row) => ({ number: row.number, save: toSave(row) }))

/**
 * What was saved before its commit had a name belongs to it now: what was staged into it, and what was saved since the
 * one before, by hand or when hob was stopped.
 */
export const adopt = (sql: Sql, repository: string, commit: string): void => {
  sql.run(
    "UPDATE capture_saves SET commit_sha = ?1 WHERE repository = ?2 AND destination = 'prompts' AND commit_sha IS NULL AND number > coalesce((SELECT max(number) FROM capture_saves WHERE repository = ?2 AND commit_sha <> ?1), 0)",
    commit,
    repository
  )
}

export const setCommit = (sql: Sql, number: number, commit: string): void => {
  sql.run("UPDATE capture_saves SET commit_sha = ? WHERE number = ?", commit, number)
}
