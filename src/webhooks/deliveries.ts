/** Deliveries in the store. Their bodies have a table of their own: a change of state writes none of them again. */
import { Schema } from "effect"
import type { MethodName } from "../protocol/methodNames.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { Delivery, DeliveryDetails, DeliveryState } from "../protocol/webhooks.ts"
import { DeliveryState as DeliveryStates } from "../protocol/webhooks.ts"
import type { Reads, Row, Sql } from "../storage/sqlite.ts"
import type { Tries } from "./decide.ts"

/** What was sent. */
export interface Sent {
  /** Without those that are secret. */
  readonly headers: Readonly<Record<string, string>>
  readonly query: string
  readonly address: string
  readonly body: Buffer
}

/** A delivery to be recorded. */
export interface NewDelivery extends Sent {
  readonly namespace: Namespace
  readonly method: MethodName
  readonly senderId: string | undefined
  /** Of the body, where the sender names its deliveries and one name should have one body. */
  readonly digest: Buffer | undefined
  readonly receivedMillis: number
}

const Stored = Schema.Struct({
  number: Schema.Int,
  namespace: Schema.String,
  method: Schema.String,
  sender_id: Schema.NullOr(Schema.String),
  received_millis: Schema.Int,
  state: DeliveryStates,
  attempts: Schema.Int,
  failures: Schema.Int,
  misses: Schema.Int,
  next_millis: Schema.NullOr(Schema.Int),
  ended_millis: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String),
  told: Schema.NullOr(Schema.String),
  result: Schema.NullOr(Schema.String)
})
export type Stored = typeof Stored.Type

const decode = Schema.decodeUnknownSync(Stored)
const COLUMNS =
  "number, namespace, method, sender_id, received_millis, state, attempts, failures, misses, next_millis, ended_millis, error, told, result"

/** The number of the newest delivery, 0 when there is none; how many have not ended; and the bytes of all bodies. */
export const totals = (sql: Reads): { readonly newest: number; readonly open: number; readonly bytes: number } => ({
  newest: Number(sql.get("SELECT max(number) AS n FROM webhook_deliveries")?.["n"] ?? 0),
  open:
    Number(sql.get("SELECT count(*) AS n FROM webhook_deliveries WHERE state = 'pending'")!["n"]) +
    Number(sql.get("SELECT count(*) AS n FROM webhook_deliveries WHERE state = 'running'")!["n"]),
  bytes: Number(sql.get("SELECT total(bytes) AS n FROM webhook_bodies")!["n"])
})

/** False when its sender has sent it before. */
export const insert = (sql: Sql, number: number, delivery: NewDelivery): boolean => {
  const { body, digest, method, namespace, receivedMillis, senderId } = delivery
  const changed = sql.run(
    `INSERT INTO webhook_deliveries (number, namespace, method, sender_id, digest, received_millis, state, attempts, failures, misses, next_millis)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', 0, 0, 0, ?)
     ON CONFLICT (namespace, method, sender_id) WHERE sender_id IS NOT NULL DO NOTHING`,
    number,
    namespace,
    method,
    senderId ?? null,
    digest ?? null,
    receivedMillis,
    receivedMillis
  )
  if (changed === 0) return false
  sql.run(
    "INSERT INTO webhook_bodies (number, bytes, headers, query, address, body) VALUES (?, ?, ?, ?, ?, ?)",
    number,
    body.length,
    JSON.stringify(delivery.headers),
    delivery.query,
    delivery.address,
    body
  )
  return true
}

/** The delivery that its sender calls so, and the digest of its body. */
export const known = (
  sql: Reads,
  { method, namespace, senderId }: Pick<NewDelivery, "namespace" | "method" | "senderId">
): { readonly stored: Stored; readonly digest: Uint8Array | null } | undefined => {
  const row = sql.get(
    `SELECT ${COLUMNS}, digest FROM webhook_deliveries WHERE namespace = ? AND method = ? AND sender_id = ?`,
    namespace,
    method,
    senderId ?? null
  )
  if (row === undefined) return undefined
  return { stored: decode(row), digest: row["digest"] instanceof Uint8Array ? row["digest"] : null }
}

/** False when it does not wait any more. */
export const begin = (sql: Sql, number: number): boolean =>
  sql.run(
    "UPDATE webhook_deliveries SET state = 'running', attempts = attempts + 1, next_millis = NULL WHERE number = ? AND state = 'pending'",
    number
  ) > 0

/** Of one that was noted as begun and never was. */
export const giveBack = (sql: Sql, number: number, nowMillis: number): void => {
  sql.run(
    "UPDATE webhook_deliveries SET state = 'pending', attempts = attempts - 1, next_millis = ? WHERE number = ? AND state = 'running'",
    nowMillis,
    number
  )
}

/** How a run ended. */
export interface Ended extends Tries {
  readonly state: Exclude<DeliveryState, "running">
  readonly nextMillis: number | null
  readonly endedMillis: number | null
  readonly error: string | null
  /** What a sender is told that sends it again: status and text. */
  readonly told: { readonly status: number; readonly error: string } | null
  /** JSON, where it is short enough. */
  readonly result: string | null
}

export const end = (sql: Sql, number: number, ended: Ended): void => {
  sql.run(
    `UPDATE webhook_deliveries SET state = ?, failures = ?, misses = ?, next_millis = ?, ended_millis = ?, error = ?, told = ?, result = ?
     WHERE number = ?`,
    ended.state,
    ended.failures,
    ended.misses,
    ended.nextMillis,
    ended.endedMillis,
    ended.error,
    ended.told === null ? null : JSON.stringify(ended.told),
    ended.result,
    number
  )
}

/** Those that were running when hob ended. */
export const running = (sql: Reads): ReadonlyArray<Stored> =>
  sql.all(`SELECT ${COLUMNS} FROM webhook_deliveries WHERE state = 'running' ORDER BY number`).map((row) => decode(row))

/** To be run, now or later. */
export const requeue = (sql: Sql, number: number, atMillis: number, afresh: boolean): void => {
  const tries = afresh ? ", failures = 0, misses = 0, error = NULL, told = NULL, result = NULL" : ""
  sql.run(
    `UPDATE webhook_deliveries SET state = 'pending', next_millis = ?, ended_millis = NULL${tries} WHERE number = ?`,
    atMillis,
    number
  )
}

/** Those that are due, the longest waiting first. */
export const due = (sql: Reads, nowMillis: number, limit: number): ReadonlyArray<Stored> =>
  sql
    .all(
      `SELECT ${COLUMNS} FROM webhook_deliveries WHERE state = 'pending' AND next_millis <= ? ORDER BY next_millis, number LIMIT ?`,
      nowMillis,
      limit
    )
    .map((row) => decode(row))

/** When the next one is due that isn't yet. */
export const nextDue = (sql: Reads, nowMillis: number): number | undefined => {
  const next = sql.get(
    "SELECT min(next_millis) AS n FROM webhook_deliveries WHERE state = 'pending' AND next_millis > ?",
    nowMillis
  )?.["n"]
  return typeof next === "number" ? next : undefined
}

export const find = (sql: Reads, number: number): Stored | undefined => {
  const row = sql.get(`SELECT ${COLUMNS} FROM webhook_deliveries WHERE number = ?`, number)
  return row === undefined ? undefined : decode(row)
}

const SentRow = Schema.Struct({
  headers: Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)),
  query: Schema.String,
  address: Schema.String,
  body: Schema.Uint8Array
})
const decodeSent = Schema.decodeUnknownSync(SentRow)

/** What was sent; undefined where it is no longer kept. */
export const sent = (sql: Reads, number: number): Sent | undefined => {
  const row: Row | undefined = sql.get(
    "SELECT headers, query, address, body FROM webhook_bodies WHERE number = ?",
    number
  )
  if (row === undefined) return undefined
  const { body, ...rest } = decodeSent(row)
  return { ...rest, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
}

/** Which deliveries are meant, the newest first. */
export interface Wanted {
  readonly namespace?: string | undefined
  readonly method?: string | undefined
  readonly state?: DeliveryState | undefined
  readonly before?: number | undefined
  readonly limit: number
}

export const list = (sql: Reads, { before, limit, method, namespace, state }: Wanted): ReadonlyArray<Stored> =>
  sql
    .all(
      `SELECT ${COLUMNS} FROM webhook_deliveries
       WHERE number < ? AND coalesce(namespace = ?, TRUE) AND coalesce(method = ?, TRUE) AND coalesce(state = ?, TRUE)
       ORDER BY number DESC LIMIT ?`,
      before ?? Number.MAX_SAFE_INTEGER,
      namespace ?? null,
      method ?? null,
      state ?? null,
      limit
    )
    .map((row) => decode(row))

const iso = (millis: number | null): string | null => (millis === null ? null : new Date(millis).toISOString())

/** As everybody else speaks of it. */
export const described = (row: Stored): Delivery => ({
  delivery: row.number,
  namespace: row.namespace as Namespace,
  method: row.method as MethodName,
  state: row.state,
  receivedAt: iso(row.received_millis)!,
  senderId: row.sender_id,
  attempts: row.attempts,
  nextAttemptAt: iso(row.next_millis),
  endedAt: iso(row.ended_millis),
  error: row.error,
  result: row.result === null ? null : (JSON.parse(row.result) as Delivery["result"])
})

export const detailed = (row: Stored, sent: Sent | undefined): DeliveryDetails => ({
  ...described(row),
  address: sent?.address ?? null,
  headers: { ...sent?.headers },
  query: sent?.query ?? "",
  body: sent?.body.toString("utf8") ?? null
})
