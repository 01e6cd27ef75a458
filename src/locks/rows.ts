/**
 * The locks of the store. What a batch has changed is one row of a journal; now and then the journal is folded into the
 * table of leases, a row for each under its token, and a new round of it begins. Beside them: how far tokens have been
 * reserved.
 *
 * The rows of a round are written over those of the round before: so most commits touch one page of the file, where
 * deleting and adding would have pages freed and taken each time, and be two or three. Rows that are left of an earlier
 * round say nothing that the table of leases does not.
 */
import { Option, Schema } from "effect"
import type { SQLInputValue } from "node:sqlite"
import { LockHolder, LockName, LockToken } from "../protocol/locks.ts"
import { Namespace } from "../protocol/namespaces.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import { quoted } from "../wire/plainJson.ts"
import { type Grant, type HeldState, isoText } from "./state.ts"

/** Tokens are reserved in blocks, so that giving one costs no write of its own. After a restart the rest is left out. */
export const TOKEN_BLOCK = 1000

const Stored = Schema.Struct({
  token: LockToken,
  namespace: Namespace,
  name: LockName,
  holder: LockHolder,
  // Dialects have shorter ones than hob itself.
  ttl_millis: Schema.Int.check(Schema.isGreaterThan(0)),
  deadline_millis: Schema.Int,
  boot_id: Schema.NullOr(Schema.String),
  acquired_at: Schema.String,
  secret_hash: Schema.NullOr(Schema.String)
})
export type Stored = typeof Stored.Type

const columns = [
  "token",
  "namespace",
  "name",
  "holder",
  "ttl_millis",
  "deadline_millis",
  "boot_id",
  "acquired_at",
  "secret_hash"
] as const satisfies ReadonlyArray<keyof Stored>
const COLUMNS = columns.join(", ")
const decode = Schema.decodeUnknownOption(Stored)

/** A lease in the journal: its columns but the boot, which a batch has once for all, and its instant as milliseconds. */
const Line = Schema.Tuple([
  LockToken,
  Namespace,
  LockName,
  LockHolder,
  Stored.fields.ttl_millis,
  Stored.fields.deadline_millis,
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8.64e15 })),
  Stored.fields.secret_hash
])
const decodeLines = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Array(Schema.Union([LockToken, Line]))))

/** Leases by their tokens: as they have become, undefined where they are over. */
export type Changes = ReadonlyMap<number, Stored | undefined>

/** A row of the journal. */
export interface Place {
  readonly round: number
  /** From 0 on. */
  readonly slot: number
}

/** What the store holds. */
export interface Loaded {
  /** Every lease, in the order of tokens. */
  readonly rows: ReadonlyArray<Stored>
  /** What of that stands in the journal. */
  readonly journal: Changes
  /** Where its next batch belongs. */
  readonly next: Place
  /** The highest token that may have been given. */
  readonly ceiling: number
}

export const load = (sql: Reads): Loaded => {
  const leases = new Map<number, Stored>()
  for (const row of sql.all(`SELECT ${COLUMNS} FROM locks ORDER BY token`)) {
    for (const stored of Option.toArray(decode(row))) leases.set(stored.token, stored)
  }
  const { journal, next } = readJournal(sql)
  for (const [token, lease] of journal) {
    if (lease === undefined) leases.delete(token)
    else leases.set(token, lease)
  }
  const rows = [...leases.values()].sort((one, other) => one.token - other.token)
  const reserved = Number(sql.get("SELECT max(ceiling) AS ceiling FROM lock_tokens")?.["ceiling"] ?? 0)
  return { rows, journal, next, ceiling: Math.max(reserved, rows.at(-1)?.token ?? 0) }
}

const readJournal = (sql: Reads): Pick<Loaded, "journal" | "next"> => {
  const journal = new Map<number, Stored | undefined>()
  const batches = sql.all(`
    SELECT slot, round, boot_id, changes FROM lock_journal
    WHERE round = (SELECT max(round) FROM lock_journal) ORDER BY slot
  `)
  for (const { boot_id, changes } of batches) {
    for (const change of Option.getOrElse(decodeLines(changes), () => [])) {
      if (typeof change === "number") journal.set(change, undefined)
      else journal.set(change[0], fromLine(change, boot_id === null ? null : String(boot_id)))
    }
  }
  const last = batches.at(-1)
  return { journal, next: { round: Number(last?.["round"] ?? 1), slot: Number(last?.["slot"] ?? -1) + 1 } }
}

const fromLine = (line: typeof Line.Type, boot_id: string | null): Stored => {
  const [token, namespace, name, holder, ttl_millis, deadline_millis, acquired, secret_hash] = line
  const acquired_at = isoText(acquired)
  return { token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash }
}

const lineOf = ({ grant, name, namespace }: HeldState): string => {
  const { acquiredAt, deadline, holder, secretHash, token, ttlMillis } = grant
  const secret = secretHash === undefined ? "null" : `"${secretHash}"`
  return `[${token},${quoted(namespace)},${quoted(name)},${quoted(holder)},${ttlMillis},${deadline},${acquiredAt},${secret}]`
}

/** Leases that a batch has changed, and the tokens of those that it has ended. */
export interface Delta {
  readonly leases: ReadonlyArray<HeldState>
  readonly over: ReadonlyArray<number>
}

/** Adds a batch to the journal: behind all others of its round, or as the first one of the next round. */
export const append = (sql: Sql, at: Place, { leases, over }: Delta, bootId: string | null): void => {
  let text = over.join(",")
  for (const lease of leases) text += text === "" ? lineOf(lease) : `,${lineOf(lease)}`
  sql.run(
    "INSERT OR REPLACE INTO lock_journal (slot, round, boot_id, changes) VALUES (?, ?, ?, ?)",
    at.slot,
    at.round,
    bootId,
    `[${text}]`
  )
}

/** Writes into the table what stands in the journal. What is appended next begins a round. */
export const fold = (sql: Sql, journal: Changes): void => {
  const over: Array<SQLInputValue> = []
  const leases: Array<SQLInputValue> = []
  for (const [token, lease] of journal) {
    if (lease === undefined) over.push(token)
    else for (const column of columns) leases.push(lease[column])
  }
  inGroups(sql, over, removeGroup, removeOne)
  inGroups(sql, leases, putGroup, putOne)
}

/**
 * Leases of another boot of the machine are given their whole time again, from now on and only once: nobody knows how
 * much of it has passed.
 */
export const rebase = (sql: Sql, { bootId, now }: { readonly bootId: string | null; readonly now: number }): void => {
  fold(sql, readJournal(sql).journal)
  sql.run("DELETE FROM lock_journal")
  sql.run("UPDATE locks SET deadline_millis = ? + ttl_millis, boot_id = ? WHERE boot_id IS NOT ?", now, bootId, bootId)
}

export const reserve = (sql: Sql, ceiling: number): void => {
  sql.run(
    "INSERT INTO lock_tokens (id, ceiling) VALUES (1, ?) ON CONFLICT DO UPDATE SET ceiling = excluded.ceiling",
    ceiling
  )
}

/** Rows of one statement: what a statement costs by itself is as much as two or three rows. */
const GROUP = 16

interface Statement {
  readonly text: string
  readonly values: number
}
const grouped = (one: string, values: number, head: string, tail = ""): readonly [group: Statement, one: Statement] => {
  const of = (rows: number) => ({
    text: `${head}${Array.from({ length: rows }, () => one).join(", ")}${tail}`,
    values: rows * values
  })
  return [of(GROUP), of(1)]
}
const [putGroup, putOne] = grouped(
  `(${columns.map(() => "?").join(", ")})`,
  columns.length,
  `INSERT OR REPLACE INTO locks (${COLUMNS}) VALUES `
)
const [removeGroup, removeOne] = grouped("?", 1, "DELETE FROM locks WHERE token IN (", ")")

const inGroups = (sql: Sql, values: Array<SQLInputValue>, group: Statement, one: Statement): void => {
  let at = 0
  for (; at + group.values <= values.length; at += group.values) {
    sql.run(group.text, ...values.slice(at, at + group.values))
  }
  for (; at < values.length; at += one.values) sql.run(one.text, ...values.slice(at, at + one.values))
}

/**
 * A lease as this daemon finds it. Within one boot its deadline stands; otherwise (see {@link rebase}) all of it is still
 * to come, every time. One that was bound to a connection waits for its client, but not for long.
 */
export const restore = (
  row: Stored,
  at: { readonly now: number; readonly bootId: string | null; readonly resumeMillis: number }
): Grant => {
  const sameBoot = at.bootId !== null && row.boot_id === at.bootId
  const left = sameBoot ? Math.min(row.deadline_millis - at.now, row.ttl_millis) : row.ttl_millis
  const isBound = row.secret_hash !== null
  return {
    holder: row.holder,
    token: row.token,
    ttlMillis: row.ttl_millis,
    deadline: at.now + left,
    resumeBy: isBound ? at.now + at.resumeMillis : undefined,
    acquiredAt: Date.parse(row.acquired_at) || 0,
    bind: isBound ? "connection" : "lease",
    client: undefined,
    secretHash: row.secret_hash ?? undefined
  }
}

/** The row of a lease. */
export const toStored = ({ grant, name, namespace }: HeldState, bootId: string | null): Stored => ({
  token: grant.token as LockToken,
  namespace,
  name,
  holder: grant.holder,
  ttl_millis: grant.ttlMillis,
  deadline_millis: grant.deadline,
  boot_id: bootId,
  acquired_at: isoText(grant.acquiredAt),
  secret_hash: grant.secretHash ?? null
})
