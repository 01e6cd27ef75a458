/** Captures in the store: a row for each, a row for each of their entries. */
import { Option, Schema } from "effect"
import {
  type Capture,
  type CaptureEntry,
  type CaptureId,
  CaptureMetadata,
  CodeChangeKind
} from "../protocol/captureEntries.ts"
import type { SessionId } from "../protocol/ids.ts"
import type { Reads, Row, Sql } from "../storage/sqlite.ts"
import type { Seal } from "./seal.ts"

export interface Stored {
  readonly number: number
  readonly id: string
  readonly tool: string
  readonly agent_session: string | null
  readonly session_id: string | null
  readonly cwd: string | null
  readonly repository: string | null
  readonly branch: string | null
  readonly metadata: string
  readonly state: "open" | "closed"
  readonly started_at: string
  readonly last_at_millis: number
  readonly last_seq: number
  readonly saved_seq: number
  readonly messages: number
  readonly code_changes: number
  readonly unsaved: number
  readonly bytes: number
  readonly masked: number
  readonly cut: number
  readonly dropped: number
  readonly excluded: number
}

const COLUMNS =
  "number, id, tool, agent_session, session_id, cwd, repository, branch, metadata, state, started_at, last_at_millis, last_seq, saved_seq, messages, code_changes, unsaved, bytes, masked, cut, dropped, excluded"

// A row's checksum has been looked at when the store was opened, and nobody else writes it: it is what was written.
const stored = (row: Row | undefined): Stored | undefined => row as unknown as Stored | undefined
const everyStored = (rows: ReadonlyArray<Row>): ReadonlyArray<Stored> => rows as unknown as ReadonlyArray<Stored>

export const byId = (sql: Reads, id: string): Stored | undefined =>
  stored(sql.get(`SELECT ${COLUMNS} FROM captures WHERE id = ?`, id))

export const byNumber = (sql: Reads, number: number): Stored | undefined =>
  stored(sql.get(`SELECT ${COLUMNS} FROM captures WHERE number = ?`, number))

/** Those whose id begins so, at most `limit`. */
export const byPrefix = (sql: Reads, prefix: string, limit: number): ReadonlyArray<Stored> =>
  everyStored(
    sql.all(`SELECT ${COLUMNS} FROM captures WHERE id >= ? AND id < ? ORDER BY id LIMIT ?`, prefix, `${prefix}g`, limit)
  )

/** The one of an agent's session in a work tree. */
export const byAgentSession = (
  sql: Reads,
  which: { readonly tool: string; readonly agentSession: string; readonly repository: string | null }
): Stored | undefined =>
  stored(
    sql.get(
      `SELECT ${COLUMNS} FROM captures WHERE tool = ? AND agent_session = ? AND repository IS ? ORDER BY number DESC LIMIT 1`,
      which.tool,
      which.agentSession,
      which.repository
    )
  )

/** Which captures. */
export interface Which {
  readonly state?: Stored["state"] | undefined
  readonly repository?: string | undefined
  readonly session?: string | undefined
  /** Only those of which nothing was heard since before then. */
  readonly quietSince?: number | undefined
  /** Only those of which something is not saved yet. */
  readonly unsaved?: boolean | undefined
}

/** In the order of their beginning. There may be ten thousand: those that are not asked for are not read. */
export const all = (sql: Reads, which: Which = {}): ReadonlyArray<Stored> => {
  const { quietSince, repository, session, state, unsaved = false } = which
  const where: ReadonlyArray<readonly [condition: string, value: string | number | undefined]> = [
    ["last_at_millis < ?", quietSince],
    ["state = ?", state],
    ["repository = ?", repository],
    ["session_id = ?", session]
  ]
  const asked = where.filter(([, value]) => value !== undefined)
  const conditions = [...asked.map(([condition]) => condition), ...(unsaved ? ["unsaved > 0"] : [])]
  return everyStored(
    sql.all(
      `SELECT ${COLUMNS} FROM captures ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`} ORDER BY number`,
      ...asked.map(([, value]) => value!)
    )
  )
}

export const count = (sql: Reads): number => Number(sql.get("SELECT count(*) AS count FROM captures")?.["count"] ?? 0)

/** The one that may be forgotten first: closed, and nothing in it unsaved. */
export const oldestDone = (sql: Reads): Stored | undefined =>
  stored(
    sql.get(
      `SELECT ${COLUMNS} FROM captures WHERE state = 'closed' AND unsaved = 0 ORDER BY last_at_millis, number LIMIT 1`
    )
  )

export type New = Pick<
  Stored,
  | "id"
  | "tool"
  | "agent_session"
  | "session_id"
  | "cwd"
  | "repository"
  | "branch"
  | "metadata"
  | "started_at"
  | "last_at_millis"
>

/** A number that no capture has, nor entries that a damaged capture has left behind. */
const freeNumber = (sql: Reads): number =>
  Number(
    sql.get(
      "SELECT 1 + max((SELECT coalesce(max(number), 0) FROM captures), (SELECT coalesce(max(capture), 0) FROM capture_entries)) AS free"
    )?.["free"]
  )

export const insert = (sql: Sql, row: New): Stored => {
  sql.run(
    `INSERT INTO captures (number, id, tool, agent_session, session_id, cwd, repository, branch, metadata, state, started_at, last_at_millis, last_seq, saved_seq, messages, code_changes, unsaved, bytes, masked, cut, dropped, excluded)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`,
    freeNumber(sql),
    row.id,
    row.tool,
    row.agent_session,
    row.session_id,
    row.cwd,
    row.repository,
    row.branch,
    row.metadata,
    row.started_at,
    row.last_at_millis
  )
  return byId(sql, row.id)!
}

/** Writes what changes about a capture. */
export const update = (sql: Sql, row: Stored): void => {
  sql.run(
    `UPDATE captures SET session_id = ?, metadata = ?, state = ?, last_at_millis = ?, last_seq = ?, saved_seq = ?, messages = ?, code_changes = ?, unsaved = ?, bytes = ?, masked = ?, cut = ?, dropped = ?, excluded = ? WHERE number = ?`,
    row.session_id,
    row.metadata,
    row.state,
    row.last_at_millis,
    row.last_seq,
    row.saved_seq,
    row.messages,
    row.code_changes,
    row.unsaved,
    row.bytes,
    row.masked,
    row.cut,
    row.dropped,
    row.excluded,
    row.number
  )
}

export const remove = (sql: Sql, number: number): void => {
  sql.run("DELETE FROM capture_entries WHERE capture = ?", number)
  sql.run("DELETE FROM captures WHERE number = ?", number)
}

const Body = Schema.Union([
  Schema.Struct({ role: Schema.String, content: Schema.String }),
  Schema.Struct({ path: Schema.String, kind: CodeChangeKind, diff: Schema.String })
])
export type Body = typeof Body.Type
const decodeBody = Schema.decodeUnknownOption(Schema.fromJsonString(Body))

export interface NewEntry {
  /** Among all entries of the store: greater than that of every one that came before. */
  readonly number: number
  readonly type: CaptureEntry["type"]
  readonly seq: number
  readonly at: string
  readonly body: string | Uint8Array
  readonly cutBytes: number
  readonly key: string | null
}

export const addEntry = (sql: Sql, capture: number, { at, body, cutBytes, key, number, seq, type }: NewEntry): void => {
  sql.run(
    "INSERT INTO capture_entries (number, capture, seq, type, at, body, cut_bytes, key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    number,
    capture,
    seq,
    type,
    at,
    body,
    cutBytes,
    key
  )
}

/** The entry that came before with this key. */
export const seqOfKey = (sql: Reads, capture: number, key: string): number | undefined => {
  const row = sql.get("SELECT seq FROM capture_entries WHERE capture = ? AND key = ?", capture, key)
  return row === undefined ? undefined : Number(row["seq"])
}

/** Entries behind `after`, in order: as many as come to `bytes`, but one at least. What can't be opened is left out. */
export const entries = (
  sql: Reads,
  { number, saved_seq }: Pick<Stored, "number" | "saved_seq">,
  seal: Seal,
  { after, bytes }: { readonly after: number; readonly bytes: number }
): { readonly entries: ReadonlyArray<CaptureEntry>; readonly next: number | null } => {
  const found: Array<CaptureEntry> = []
  let left = bytes
  for (let from = after; ;) {
    const rows = sql.all(
      "SELECT seq, type, at, body, cut_bytes FROM capture_entries WHERE capture = ? AND seq > ? ORDER BY seq LIMIT 100",
      number,
      from
    )
    if (rows.length === 0) return { entries: found, next: null }
    for (const row of rows) {
      if (left <= 0) return { entries: found, next: from }
      const entry = entryOf(row, number, seal, saved_seq)
      from = Number(row["seq"])
      if (entry === undefined) continue
      left -= (row["body"] as string | Uint8Array).length
      found.push(entry)
    }
  }
}

/** Undefined of a body that nobody could have written. */
const entryOf = (row: Row, capture: number, seal: Seal, savedSeq: number): CaptureEntry | undefined => {
  const [seq, type] = [Number(row["seq"]), String(row["type"])]
  const text = seal.open(row["body"] as string | Uint8Array, entryName(capture, seq))
  const body = text === null ? unopened(type) : Option.getOrUndefined(decodeBody(text))
  if (body === undefined) return undefined
  const common = { seq, at: String(row["at"]), cutBytes: Number(row["cut_bytes"]), saved: seq <= savedSeq }
  return "role" in body ? { type: "message", ...common, ...body } : { type: "codeChange", ...common, ...body }
}

export const newestEntry = (sql: Reads): number =>
  Number(sql.get("SELECT max(number) AS newest FROM capture_entries")?.["newest"] ?? 0)

/** Entries of all captures by their place in the store, from `from` on and before `to`. */
export const entriesBetween = (
  sql: Reads,
  seal: Seal,
  from: number,
  to: number
): ReadonlyArray<{ readonly number: number; readonly capture: number; readonly entry: CaptureEntry }> =>
  sql
    .all(
      "SELECT number, capture, seq, type, at, body, cut_bytes FROM capture_entries WHERE number >= ? AND number < ? ORDER BY number",
      from,
      to
    )
    .flatMap((row) => {
      const [number, capture] = [Number(row["number"]), Number(row["capture"])]
      const entry = entryOf(row, capture, seal, 0)
      return entry === undefined ? [] : [{ number, capture, entry }]
    })

const SEALED = "[sealed: the key that opens it is not there]"

/** In the place of what can't be opened. */
const unopened = (type: string): Body =>
  type === "message" ? { role: "system", content: SEALED } : { path: SEALED, kind: "modified", diff: "" }

export const isUnopened = (entry: CaptureEntry): boolean =>
  (entry.type === "message" ? entry.content : entry.path) === SEALED

/** Whether any body is sealed. */
export const hasSealed = (sql: Reads): boolean =>
  sql.get("SELECT 1 FROM capture_entries WHERE typeof(body) = 'blob' LIMIT 1") !== undefined

/** What a sealed body is bound to: it can't be moved to another place in the store. */
export const entryName = (capture: number, seq: number): string => `${capture}/${seq}`

const decodeMetadata = Schema.decodeUnknownOption(Schema.fromJsonString(CaptureMetadata))

export const metadataOf = (row: Stored): CaptureMetadata => Option.getOrElse(decodeMetadata(row.metadata), () => ({}))

export const toCapture = (row: Stored): Capture => ({
  id: row.id as CaptureId,
  tool: row.tool,
  agentSession: row.agent_session,
  session: row.session_id as SessionId | null,
  cwd: row.cwd,
  repository: row.repository,
  branch: row.branch,
  state: row.state,
  startedAt: row.started_at,
  lastAt: new Date(row.last_at_millis).toISOString(),
  messages: row.messages,
  codeChanges: row.code_changes,
  unsaved: row.unsaved,
  bytes: row.bytes,
  masked: row.masked,
  cut: row.cut,
  dropped: row.dropped,
  excluded: row.excluded
})
