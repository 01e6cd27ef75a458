/** The table of locks in the store: a row for each lease, under its token, and how far tokens have been reserved. */
import { Option, Schema } from "effect"
import { LockHolder, LockName, LockToken, LockTtl } from "../protocol/locks.ts"
import { Namespace } from "../protocol/namespaces.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import type { Grant, LockState } from "./state.ts"

/** Tokens are reserved in blocks, so that giving one costs no write of its own. After a restart the rest is left out. */
export const TOKEN_BLOCK = 1000

const Stored = Schema.Struct({
  token: LockToken,
  namespace: Namespace,
  name: LockName,
  holder: LockHolder,
  ttl_millis: LockTtl,
  deadline_millis: Schema.Int,
  boot_id: Schema.NullOr(Schema.String),
  acquired_at: Schema.String,
  secret_hash: Schema.NullOr(Schema.String)
})
export type Stored = typeof Stored.Type

const decode = Schema.decodeUnknownOption(Stored)

/** Every lease in the order of tokens, and the highest token that may have been given. */
export const load = (sql: Reads): { readonly rows: ReadonlyArray<Stored>; readonly ceiling: number } => {
  const rows = sql
    .all(
      "SELECT token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash FROM locks ORDER BY token"
    )
    .flatMap((row) => Option.toArray(decode(row)))
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

/** Makes of a lock's row what it is now. */
export const save = (
  sql: Sql,
  { name, namespace }: LockState,
  before: Grant | undefined,
  after: Grant | undefined,
  bootId: string | null
): void => {
  if (before === after) return
  if (before !== undefined && before.token !== after?.token) remove(sql, before.token)
  if (after === undefined) return
  const secretHash = after.secretHash ?? null
  if (before?.token === after.token) {
    sql.run(
      "UPDATE locks SET ttl_millis = ?, deadline_millis = ?, boot_id = ?, secret_hash = ? WHERE token = ?",
      after.ttlMillis,
      after.deadline,
      bootId,
      secretHash,
      after.token
    )
  } else {
    sql.run(
      "INSERT INTO locks (token, namespace, name, holder, ttl_millis, deadline_millis, boot_id, acquired_at, secret_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      after.token,
      namespace,
      name,
      after.holder,
      after.ttlMillis,
      after.deadline,
      bootId,
      new Date(after.acquiredAt).toISOString(),
      secretHash
    )
  }
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
