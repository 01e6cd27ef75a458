/** The table of locks in the store: a row for each lease, under its token, and how far tokens have been reserved. */
import { Option, Schema } from "effect"
import type { SQLInputValue } from "node:sqlite"
import { LockHolder, LockName, LockToken } from "../protocol/locks.ts"
import { Namespace } from "../protocol/namespaces.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import { type Grant, isoText, type LockState } from "./state.ts"

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

const COLUMNS = "token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash"
const decode = Schema.decodeUnknownOption(Stored)

/** Every lease in the order of tokens, and the highest token that may have been given. */
export const load = (sql: Reads): { readonly rows: ReadonlyArray<Stored>; readonly ceiling: number } => {
  const rows = sql.all(`SELECT ${COLUMNS} FROM locks ORDER BY token`).flatMap((row) => Option.toArray(decode(row)))
  const reserved = Number(sql.get("SELECT max(ceiling) AS ceiling FROM lock_tokens")?.["ceiling"] ?? 0)
  return { rows, ceiling: Math.max(reserved, rows.at(-1)?.token ?? 0) }
}

/**
 * Leases of another boot of the machine are given their whole time again, from now on and only once: nobody knows how
 * much of it has passed.
 */
export const rebase = (sql: Sql, { bootId, now }: { readonly bootId: string | null; readonly now: number }): void => {
  sql.run("UPDATE locks SET deadline_millis = ? + ttl_millis, boot_id = ? WHERE boot_id IS NOT ?", now, bootId, bootId)
}

export const reserve = (sql: Sql, ceiling: number): void => {
  sql.run(
    "INSERT INTO lock_tokens (id, ceiling) VALUES (1, ?) ON CONFLICT DO UPDATE SET ceiling = excluded.ceiling",
    ceiling
  )
}

export const remove = (sql: Sql, token: number): void => {
  sql.run("DELETE FROM locks WHERE token = ?", token)
}

const UPDATE = "UPDATE locks SET ttl_millis = ?, deadline_millis = ?, boot_id = ?, secret_hash = ? WHERE token = ?"

/** What has become of a lock. */
export interface Change {
  readonly lock: Pick<LockState, "name" | "namespace">
  readonly before: Grant | undefined
  readonly after: Grant | undefined
}

/** Makes of locks' rows what they are now. */
export const save = (sql: Sql, changes: Iterable<Change>, bootId: string | null): void => {
  const removed: Array<SQLInputValue> = []
  const added: Array<SQLInputValue> = []
  for (const { after, before, lock } of changes) {
    if (before === after) continue
    if (before !== undefined && before.token !== after?.token) removed.push(before.token)
    if (after === undefined) continue
    const { acquiredAt, deadline, holder, secretHash = null, token, ttlMillis } = after
    if (before?.token === token) sql.run(UPDATE, ttlMillis, deadline, bootId, secretHash, token)
    else {
      const { name, namespace } = lock
      added.push(token, namespace, name, holder, ttlMillis, deadline, bootId, isoText(acquiredAt), secretHash)
    }
  }
  inGroups(sql, removed, removeGroup, removeOne)
  inGroups(sql, added, addGroup, addOne)
}

const VALUES = "(?, ?, ?, ?, ?, ?, ?, ?, ?)"

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
const [addGroup, addOne] = grouped(VALUES, 9, `INSERT INTO locks (${COLUMNS}) VALUES `)
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
