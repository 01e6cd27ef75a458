/**
 * Deliveries in the store: what was sent is written once, and what became of it once it has; which runs have begun stands
 * apart, many in one row. Nothing is written twice that is as large as a body, and no index changes with a state.
 */
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
/** One that runs is `pending` here: who runs it knows. */
export type Stored = typeof Stored.Type

const decode = Schema.decodeUnknownSync(Stored)
const COLUMNS = `d.number AS number, d.namespace AS namespace, d.method AS method, d.sender_id AS sender_id,
  d.received_millis AS received_millis, coalesce(o.state, 'pending') AS state, coalesce(o.attempts, 0) AS attempts,
  coalesce(o.failures, 0) AS failures, coalesce(o.misses, 0) AS misses,
  CASE WHEN o.state IS NULL THEN d.received_millis ELSE o.next_millis END AS next_millis,
  o.ended_millis AS ended_millis, o.error AS error, o.told AS told, o.result AS result`
const JOINED = "webhook_deliveries d LEFT JOIN webhook_outcomes o ON o.number = d.number"

/** The number of the newest delivery; 0 when there is none. */
export const newest = (sql: Reads): number =>
  Number(sql.get("SELECT max(number) AS n FROM webhook_deliveries")?.["n"] ?? 0)

/** The bytes of all bodies. */
export const bodyBytes = (sql: Reads): number =>
  Number(sql.get("SELECT total(length(body)) AS n FROM webhook_deliveries")!["n"])

/** Those that have not ended, in the order in which they are due, and when they are. */
export const waiting = (sql: Reads): ReadonlyArray<readonly [number: number, atMillis: number]> =>
  sql
    .all(
      `SELECT d.number AS number, coalesce(o.next_millis, d.received_millis) AS at FROM ${JOINED}
       WHERE coalesce(o.state, 'pending') = 'pending' ORDER BY at, d.number`
    )
    .map(({ at, number }) => [Number(number), Number(at)] as const)

/** False when its sender has sent it before. */
export const insert = (sql: Sql, number: number, delivery: NewDelivery): boolean => {
  const { address, body, headers, method, namespace, query, receivedMillis, senderId } = delivery
  return (
    sql.run(
      `INSERT INTO webhook_deliveries (number, namespace, method, sender_id, received_millis, headers, query, address, body)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (namespace, method, sender_id) WHERE sender_id IS NOT NULL DO NOTHING`,
      number,
      namespace,
      method,
      senderId ?? null,
      receivedMillis,
      JSON.stringify(headers),
      query,
      address,
      body
    ) > 0
  )
}

/** The delivery that its sender calls so, and its body, where that is still kept. */
export const known = (
  sql: Reads,
  { method, namespace, senderId }: Pick<NewDelivery, "namespace" | "method" | "senderId">
): { readonly stored: Stored; readonly body: Uint8Array | null } | undefined => {
  const row = sql.get(
    `SELECT ${COLUMNS}, d.body AS body FROM ${JOINED} WHERE d.namespace = ? AND d.method = ? AND d.sender_id = ?`,
    namespace,
    method,
    senderId ?? null
  )
  if (row === undefined) return undefined
  return { stored: decode(row), body: row["body"] instanceof Uint8Array ? row["body"] : null }
}

/** A run that begins: which delivery's, and which of its runs. */
export type Begun = readonly [number: number, attempt: number]

const decodeRuns = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.Tuple([Schema.Int, Schema.Int]))))

/** Notes that runs begin, before they do. */
export const begin = (sql: Sql, batch: number, runs: ReadonlyArray<Begun>): void => {
  sql.run("INSERT INTO webhook_begun (batch, runs) VALUES (?, ?)", batch, JSON.stringify(runs))
}

/** Those of a batch that have not ended; it is forgotten with the last of them. */
export const rebegin = (sql: Sql, batch: number, runs: ReadonlyArray<Begun>): void => {
  if (runs.length === 0) sql.run("DELETE FROM webhook_begun WHERE batch = ?", batch)
  else sql.run("UPDATE webhook_begun SET runs = ? WHERE batch = ?", JSON.stringify(runs), batch)
}

/** How a run ended. */
export interface Ended extends Tries {
  readonly state: Exclude<DeliveryState, "running">
  readonly attempts: number
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
    `INSERT OR REPLACE INTO webhook_outcomes (number, state, attempts, failures, misses, next_millis, ended_millis, error, told, result)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    number,
    ended.state,
    ended.attempts,
    ended.failures,
    ended.misses,
    ended.nextMillis,
    ended.endedMillis,
    ended.error,
    ended.told === null ? null : JSON.stringify(ended.told),
    ended.result
  )
}

/** Runs that were begun and did not end, as far as the store knows; and the greatest number of a batch. */
export const begun = (
  sql: Reads
): { readonly left: ReadonlyArray<Stored & { readonly attempt: number }>; readonly batch: number } => {
  const batches = sql.all("SELECT batch, runs FROM webhook_begun ORDER BY batch")
  const left = batches
    .flatMap(({ runs }) => decodeRuns(runs))
    .flatMap(([number, attempt]) => {
      const stored = find(sql, number)
      const isLeft = stored !== undefined && stored.state === "pending" && stored.attempts < attempt
      return isLeft ? [{ ...stored, attempt }] : []
    })
  return { left, batch: Number(batches.at(-1)?.["batch"] ?? 0) }
}

/** What was begun is seen to. */
export const forgetBegun = (sql: Sql): void => {
  sql.run("DELETE FROM webhook_begun")
}

export const find = (sql: Reads, number: number): Stored | undefined => {
  const row = sql.get(`SELECT ${COLUMNS} FROM ${JOINED} WHERE d.number = ?`, number)
  return row === undefined ? undefined : decode(row)
}

const SentRow = Schema.Struct({
  headers: Schema.fromJsonString(Schema.Record(Schema.String, Schema.String)),
  query: Schema.String,
  address: Schema.String,
  body: Schema.NullOr(Schema.Uint8Array)
})
const decodeSent = Schema.decodeUnknownSync(SentRow)

/** What was sent; undefined where its body is no longer kept. */
export const sent = (sql: Reads, number: number): Sent | undefined => {
  const row: Row | undefined = sql.get(
    "SELECT headers, query, address, body FROM webhook_deliveries WHERE number = ?",
    number
  )
  if (row === undefined) return undefined
  const { body, ...rest } = decodeSent(row)
  return body === null ? undefined : { ...rest, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) }
}

/** Which deliveries are meant, the newest first. */
export interface Wanted {
  readonly namespace?: string | undefined
  readonly method?: string | undefined
  readonly state?: DeliveryState | undefined
  readonly before?: number | undefined
  /** This one alone. */
  readonly at?: number | undefined
  readonly limit: number
}

export const list = (sql: Reads, { at, before, limit, method, namespace, state }: Wanted): ReadonlyArray<Stored> =>
  sql
    .all(
      `SELECT ${COLUMNS} FROM ${JOINED}
       WHERE d.number < ? AND d.number >= ? AND coalesce(d.namespace = ?, TRUE) AND coalesce(d.method = ?, TRUE)
         AND coalesce(coalesce(o.state, 'pending') = ?, TRUE)
       ORDER BY d.number DESC LIMIT ?`,
      Math.min(before ?? Number.MAX_SAFE_INTEGER, at === undefined ? Number.MAX_SAFE_INTEGER : at + 1),
      at ?? 0,
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
