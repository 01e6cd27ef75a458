/** Upstreams in the store: those that were added by a command, and of all of them what kind of credential there is. */
import { Option, Schema } from "effect"
import {
  CredentialKind,
  UpstreamConcurrency,
  type UpstreamDeclaration,
  UpstreamName,
  UpstreamUri,
  UpstreamUser
} from "../protocol/upstream.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"

/** As it was added: without a lifetime, that of the configuration. */
export type Added = Omit<UpstreamDeclaration, "lifetimeMillis"> & { readonly lifetimeMillis: number | null }

const Stored = Schema.Struct({
  name: UpstreamName,
  uri: UpstreamUri,
  user_name: Schema.NullOr(UpstreamUser),
  insecure: Schema.Literals([0, 1]),
  ca_file: Schema.NullOr(Schema.String),
  concurrency: UpstreamConcurrency,
  lifetime_millis: Schema.NullOr(Schema.Int)
})
const decode = Schema.decodeUnknownOption(Stored)

const StoredKind = Schema.Struct({ name: UpstreamName, kind: CredentialKind })
const decodeKind = Schema.decodeUnknownOption(StoredKind)

const COLUMNS = "name, uri, user_name, insecure, ca_file, concurrency, lifetime_millis"

export const load = (sql: Reads): ReadonlyArray<Added> =>
  sql
    .all(`SELECT ${COLUMNS} FROM upstreams ORDER BY name`)
    .flatMap((row) => Option.toArray(decode(row)))
    .map(({ ca_file, concurrency, insecure, lifetime_millis, name, uri, user_name }) => ({
      name,
      uri,
      user: user_name,
      insecure: insecure === 1,
      caFile: ca_file,
      concurrency,
      lifetimeMillis: lifetime_millis
    }))

export const save = (sql: Sql, { caFile, concurrency, insecure, lifetimeMillis, name, uri, user }: Added): void => {
  const values = [name, uri, user, insecure ? 1 : 0, caFile, concurrency, lifetimeMillis]
  sql.run(`INSERT OR REPLACE INTO upstreams (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`, ...values)
}

export const remove = (sql: Sql, name: string): void => {
  sql.run("DELETE FROM upstreams WHERE name = ?", name)
  sql.run("DELETE FROM upstream_credentials WHERE name = ?", name)
}

export const loadKinds = (sql: Reads): ReadonlyMap<string, CredentialKind> =>
  new Map(
    sql
      .all("SELECT name, kind FROM upstream_credentials")
      .flatMap((row) => Option.toArray(decodeKind(row)))
      .map(({ kind, name }) => [name, kind])
  )

export const saveKind = (sql: Sql, name: string, kind: CredentialKind): void => {
  sql.run("INSERT OR REPLACE INTO upstream_credentials (name, kind) VALUES (?, ?)", name, kind)
}
