/** The webhooks in the store: which methods senders may call, and what shows that they are who they should be. */
import { Option, Schema } from "effect"
import { MethodName } from "../protocol/methodNames.ts"
import { Namespace } from "../protocol/namespaces.ts"
import { WebhookGuarantee, WebhookRetries, WebhookScheme } from "../protocol/webhooks.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import { keyOf } from "./signatures/schemes.ts"
import type { Key } from "./signatures/verdict.ts"

/** A method that senders may call. */
export interface WebhookRoute {
  readonly namespace: Namespace
  readonly method: MethodName
  readonly scheme: WebhookScheme
  readonly secrets: ReadonlyArray<string>
  /** The same, as the scheme takes them. */
  readonly keys: ReadonlyArray<Key>
  readonly retries: number
  readonly guarantee: WebhookGuarantee
  readonly timeoutMillis: number | undefined
  readonly allowedMillis: number
}

const Stored = Schema.Struct({
  namespace: Namespace,
  method: MethodName,
  scheme: WebhookScheme,
  secrets: Schema.fromJsonString(Schema.Array(Schema.String)),
  retries: WebhookRetries,
  guarantee: WebhookGuarantee,
  timeout_millis: Schema.NullOr(Schema.Int),
  allowed_millis: Schema.Int
})

const decode = Schema.decodeUnknownOption(Stored)

/** Every webhook there is. One whose secrets can't be read any more lets nobody in, and is left out. */
export const load = (sql: Reads): ReadonlyArray<WebhookRoute> =>
  sql
    .all(
      "SELECT namespace, method, scheme, secrets, retries, guarantee, timeout_millis, allowed_millis FROM webhooks ORDER BY namespace, method"
    )
    .flatMap((row) => Option.toArray(decode(row)))
    .flatMap(({ allowed_millis, timeout_millis, ...row }) => {
      const keys = keysOf(row.scheme, row.secrets)
      if (typeof keys === "string") return []
      return [{ ...row, keys, timeoutMillis: timeout_millis ?? undefined, allowedMillis: allowed_millis }]
    })

/** Secrets as the scheme takes them, or what is wrong with the first that is none. */
export const keysOf = (scheme: WebhookScheme, secrets: ReadonlyArray<string>): ReadonlyArray<Key> | string => {
  if (scheme === "none") return []
  if (secrets.length === 0) return "there is none"
  const keys: Array<Key> = []
  for (const secret of secrets) {
    const key = keyOf(scheme, secret)
    if (typeof key === "string") return key
    keys.push(key)
  }
  return keys
}

export const save = (sql: Sql, route: WebhookRoute): void => {
  const { allowedMillis, guarantee, method, namespace, retries, scheme, secrets, timeoutMillis } = route
  sql.run(
    `INSERT INTO webhooks (namespace, method, scheme, secrets, retries, guarantee, timeout_millis, allowed_millis)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (namespace, method) DO UPDATE SET scheme = excluded.scheme, secrets = excluded.secrets,
       retries = excluded.retries, guarantee = excluded.guarantee, timeout_millis = excluded.timeout_millis`,
    namespace,
    method,
    scheme,
    JSON.stringify(secrets),
    retries,
    guarantee,
    timeoutMillis ?? null,
    allowedMillis
  )
}

export const remove = (sql: Sql, { method, namespace }: Pick<WebhookRoute, "namespace" | "method">): void => {
  sql.run("DELETE FROM webhooks WHERE namespace = ? AND method = ?", namespace, method)
}
