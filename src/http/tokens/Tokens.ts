import { Clock, Effect, Semaphore } from "effect"
import { timingSafeEqual } from "node:crypto"
import {
  type Scope,
  type Token,
  TokenAmbiguous,
  TokenNameReserved,
  TokenNotFound,
  TokenNotRevoked,
  TooManyTokens
} from "../../protocol/http.ts"
import type { StorageError } from "../../protocol/storage.ts"
import { makeFiles } from "../../secrets/files.ts"
import type { Database } from "../../storage/Database.ts"
import { FIRST, makeFirstToken } from "./firstToken.ts"
import * as rows from "./rows.ts"
import { fresh, hashOf, rowOf, type TokenKind, type TokenRow } from "./rows.ts"

/** Tokens, those of browsers counted. */
const MAX_TOKENS = 1000
/** Expired ones are shown this long, so that somebody can see why they are no good. */
const SHOWN_MILLIS = 7 * 24 * 3600 * 1000

/** Who has come: known by a token that was good then. */
export interface Bearer {
  readonly id: string
  readonly scope: Scope
  /** Milliseconds since 1970. */
  readonly expiresMillis: number | null
}

/** Why somebody with a token is not let in. */
export type Unknown = "unknown" | "expired"

export interface Tokens {
  /** Who has this token. Takes the same time for every wrong one. */
  find(token: string, kind: TokenKind): Bearer | Unknown
  /** Whether who came by it may stay. */
  isGood(id: string): boolean
  create(options: {
    readonly name: string
    readonly scope: Scope
    readonly kind: TokenKind
    readonly expiresInMillis?: number
    /** When whoever asks for it has to go: it is good no longer than that. Milliseconds since 1970. */
    readonly notAfterMillis?: number
  }): Effect.Effect<{ readonly token: string; readonly info: Token }, TooManyTokens | TokenNameReserved | StorageError>
  readonly list: Effect.Effect<ReadonlyArray<Token>>
  /**
   * By id, or by the name that only one has. It lets nobody in from then on, also where this fails with
   * {@link TokenNotRevoked}.
   */
  revoke(ref: string): Effect.Effect<Token, TokenNotFound | TokenAmbiguous | TokenNotRevoked>
  /** Makes the file of the first token where there is none. Fails with a sentence. */
  readonly prepare: Effect.Effect<void, string>
}

const isExpired = ({ expiresMillis }: Pick<TokenRow, "expiresMillis">, now: number): boolean =>
  expiresMillis !== null && expiresMillis <= now

/**
 * The tokens of a home: one in a file, for whoever may read it; others by what tells that they are the same. `ended` is
 * told of one that was revoked, before that is written down.
 */
export const makeTokens = (
  database: Pick<Database["Service"], "read" | "write">,
  path: string,
  ended: (id: string) => void
): Effect.Effect<Tokens> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const oneAtATime = yield* Semaphore.make(1)
    const stored = new Map<string, TokenRow>()
    /** Revoked, whether or not that could be written down. */
    const revoked = new Set<string>()
    let first: TokenRow | undefined
    for (const row of yield* Effect.orElseSucceed(database.read(rows.load), () => [])) stored.set(row.id, row)
    const now = (): number => clock.currentTimeMillisUnsafe()
    const firstToken = makeFirstToken(
      makeFiles(() => path),
      path,
      now
    )
    const all = (): ReadonlyArray<TokenRow> => [...(first === undefined ? [] : [first]), ...stored.values()]

    const shown = (row: TokenRow): Token => ({
      id: row.id,
      name: row.name,
      scope: row.scope,
      createdAt: new Date(row.createdMillis).toISOString(),
      expiresAt: row.expiresMillis === null ? null : new Date(row.expiresMillis).toISOString(),
      isExpired: isExpired(row, now())
    })

    const find: Tokens["find"] = (token, kind) => {
      const hash = hashOf(token)
      let found: TokenRow | undefined
      for (const row of all()) if (timingSafeEqual(row.hash, hash) && row.kind === kind) found = row
      if (found === undefined || revoked.has(found.id)) return "unknown"
      return isExpired(found, now()) ? "expired" : found
    }

    /** Those that expired long ago go when room is wanted. */
    const forget = Effect.suspend(() => {
      const old = [...stored.values()].filter(
        (row) => row.expiresMillis !== null && row.expiresMillis + SHOWN_MILLIS < now()
      )
      if (old.length === 0) return Effect.void
      for (const { id } of old) stored.delete(id)
      return Effect.ignore(database.write((sql) => old.forEach(({ id }) => rows.remove(sql, id))))
    })

    const create: Tokens["create"] = ({ expiresInMillis = Infinity, kind, name, notAfterMillis = Infinity, scope }) =>
      Effect.gen(function* () {
        if (name === FIRST) return yield* new TokenNameReserved({ name })
        yield* forget
        if (stored.size >= MAX_TOKENS) return yield* new TooManyTokens({ limit: MAX_TOKENS })
        const token = fresh()
        const createdMillis = now()
        const expires = Math.min(createdMillis + expiresInMillis, notAfterMillis)
        const expiresMillis = expires === Infinity ? null : expires
        const row = rowOf(token, { name, scope, kind, createdMillis, expiresMillis })
        yield* database.write((sql) => rows.insert(sql, row))
        stored.set(row.id, row)
        return { token, info: shown(row) }
      })

    /** The first one is in its file, also while nothing listens. */
    const look = Effect.gen(function* () {
      if (first !== undefined) return
      first = (yield* firstToken.read) ?? undefined
    })

    const prepare = Effect.gen(function* () {
      const there = yield* firstToken.read
      const isGood = there !== null && !revoked.has(there.id)
      if (isGood && there.id === first?.id) return
      first = isGood ? there : yield* firstToken.replace
    })

    const named = (ref: string): Effect.Effect<TokenRow, TokenNotFound | TokenAmbiguous> => {
      const found = all().filter(({ id, name }) => id === ref || name === ref)
      const row = found.find(({ id }) => id === ref) ?? found[0]
      if (row === undefined) return Effect.fail(new TokenNotFound({ token: ref }))
      if (row.id === ref || found.length === 1) return Effect.succeed(row)
      return Effect.fail(new TokenAmbiguous({ token: ref, ids: found.map(({ id }) => id) }))
    }

    const revoke: Tokens["revoke"] = (ref) =>
      Effect.gen(function* () {
        const failed = (reason: string) => new TokenNotRevoked({ token: ref, reason })
        // Of a file that can't be read, nothing is known that could be barred.
        if (ref === FIRST) yield* Effect.mapError(look, failed)
        else yield* Effect.ignore(look)
        const row = yield* named(ref)
        // Who came by it goes first, and stays away: what is written down may have to be tried again.
        revoked.add(row.id)
        ended(row.id)
        if (row === first) {
          // Another one takes its place: there always is one.
          first = yield* Effect.mapError(firstToken.replace, failed)
        } else {
          yield* database
            .write((sql) => rows.remove(sql, row.id))
            .pipe(Effect.mapError(({ message }) => failed(message)))
          stored.delete(row.id)
        }
        return shown(row)
      })

    return {
      find,
      isGood: (id) => {
        const row = all().find((row) => row.id === id)
        return row !== undefined && !revoked.has(id) && !isExpired(row, now())
      },
      create,
      list: oneAtATime.withPermits(1)(
        Effect.andThen(
          Effect.ignore(look),
          Effect.sync(() => all().map(shown))
        )
      ),
      revoke: (ref) => oneAtATime.withPermits(1)(Effect.uninterruptible(revoke(ref))),
      prepare: oneAtATime.withPermits(1)(prepare)
    }
  })
