/** Tokens in the store: what tells that one is the same, never the token. */
import { Option, Schema } from "effect"
import { createHash, randomBytes } from "node:crypto"
import { Scope, TokenId, TokenName } from "../../protocol/tokens.ts"
import type { Reads, Sql } from "../../storage/sqlite.ts"

/** `bearer`: comes in the header Authorization. `cookie`: a browser's. */
export const TokenKind = Schema.Literals(["bearer", "cookie"])
export type TokenKind = typeof TokenKind.Type

const Stored = Schema.Struct({
  id: TokenId,
  name: TokenName,
  scope: Scope,
  kind: TokenKind,
  hash: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/u)),
  created_millis: Schema.Int,
  expires_millis: Schema.NullOr(Schema.Int)
})

export interface TokenRow {
  readonly id: string
  readonly name: string
  readonly scope: Scope
  readonly kind: TokenKind
  /** SHA-256. */
  readonly hash: Buffer
  readonly createdMillis: number
  readonly expiresMillis: number | null
}

export const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest()
/** A token that nobody has: 256 random bits. */
export const fresh = (): string => `hob_${randomBytes(32).toString("base64url")}`
/** What is kept of a token. */
export const rowOf = (token: string, row: Omit<TokenRow, "hash" | "id">): TokenRow => {
  const hash = hashOf(token)
  return { ...row, hash, id: hash.toString("hex", 0, 6) }
}

const COLUMNS = "id, name, scope, kind, hash, created_millis, expires_millis"
const decode = Schema.decodeUnknownOption(Stored)

export const load = (sql: Reads): ReadonlyArray<TokenRow> =>
  sql
    .all(`SELECT ${COLUMNS} FROM http_tokens ORDER BY created_millis`)
    .flatMap((row) => Option.toArray(decode(row)))
    .map(({ created_millis, expires_millis, hash, id, kind, name, scope }) => ({
      id,
      kind,
      name,
      scope,
      hash: Buffer.from(hash, "hex"),
      createdMillis: created_millis,
      expiresMillis: expires_millis
    }))

export const insert = (sql: Sql, { createdMillis, expiresMillis, hash, id, kind, name, scope }: TokenRow): void => {
  sql.run(
    `INSERT INTO http_tokens (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    id,
    name,
    scope,
    kind,
    hash.toString("hex"),
    createdMillis,
    expiresMillis
  )
}

export const remove = (sql: Sql, id: string): void => {
  sql.run("DELETE FROM http_tokens WHERE id = ?", id)
}
