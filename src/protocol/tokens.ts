import { Schema } from "effect"
import { Timestamp } from "./ids.ts"

/**
 * What whoever has a token may do. `read`: see what runs and what it says, change nothing. `sessions`: also start, steer and
 * end sessions and agents, read what was typed, publish, take locks, call methods and upstreams. `admin`: everything, also
 * seeing the configuration, templates and jobs, whose environments may hold credentials.
 */
export const Scope = Schema.Literals(["read", "sessions", "admin"])
export type Scope = typeof Scope.Type

/** Which token: the beginning of its SHA-256. */
export const TokenId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{12}$/u, { expected: "12 hexadecimal digits" }))

/** What a person calls a token: 1 to 64 characters of one line. */
export const TokenName = Schema.String.check(
  Schema.isPattern(/^[^\p{Cc}]{1,64}$/u, { expected: "1 to 64 characters of one line" })
)

/** A token, without itself. */
export const Token = Schema.Struct({
  id: TokenId,
  name: TokenName,
  scope: Scope,
  createdAt: Timestamp,
  /** Null: it is good until it is revoked. */
  expiresAt: Schema.NullOr(Timestamp),
  isExpired: Schema.Boolean
})
export type Token = typeof Token.Type
