import { Clock, Effect, Semaphore } from "effect"
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { type Scope, type Token, TokenNotFound, TooManyTokens } from "../../protocol/http.ts"
import type { StorageError } from "../../protocol/storage.ts"
import { makeFiles } from "../../secrets/files.ts"
import type { Database } from "../../storage/Database.ts"
import * as rows from "./rows.ts"
import type { TokenKind, TokenRow } from "./rows.ts"

/** Tokens, those of browsers counted. */
const MAX_TOKENS = 1000
/** What the token in the file is called. */
const FIRST = "first"
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
  }): Effect.Effect<{ readonly token: string; readonly info: Token }, TooManyTokens | StorageError>
  readonly list: Effect.Effect<ReadonlyArray<Token>>
  /** By id, or by the name that only one has. */
  revoke(ref: string): Effect.Effect<Token, TokenNotFound | StorageError>
  /** Makes the file of the first token where there is none. Fails with a sentence. */
  readonly prepare: Effect.Effect<void, string>
}

const hashOf = (token: string): Buffer => createHash("sha256").update(token).digest()
const idOf = (hash: Buffer): string => hash.toString("hex", 0, 6)
const fresh = (): string => `hob_${randomBytes(32).toString("base64url")}`
const isExpired = ({ expiresMillis }: Pick<TokenRow, "expiresMillis">, now: number): boolean =>
  expiresMillis !== null && expiresMillis <= now

/** The tokens of a home: one in a file, for whoever may read it; others by what tells that they are the same. */
export const makeTokens = (database: Database["Service"], path: string): Effect.Effect<Tokens, never, never> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const file = makeFiles(() => path)
    const oneAtATime = yield* Semaphore.make(1)
    const stored = new Map<string, TokenRow>()
    let first: TokenRow | undefined
    for (const row of yield* Effect.orElseSucceed(database.read(rows.load), () => [])) stored.set(row.id, row)
    const now = (): number => clock.currentTimeMillisUnsafe()
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
      if (found === undefined) return "unknown"
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

    const create: Tokens["create"] = ({ expiresInMillis, kind, name, scope }) =>
      Effect.gen(function* () {
        yield* forget
        if (stored.size >= MAX_TOKENS) return yield* new TooManyTokens({ limit: MAX_TOKENS })
        const token = fresh()
        const hash = hashOf(token)
        const createdMillis = now()
        const expiresMillis = expiresInMillis === undefined ? null : createdMillis + expiresInMillis
        const row: TokenRow = { id: idOf(hash), name, scope, kind, hash, createdMillis, expiresMillis }
        yield* database.write((sql) => rows.insert(sql, row))
        stored.set(row.id, row)
        return { token, info: shown(row) }
      })

    const prepare = Effect.gen(function* () {
      const there = yield* file.get(FIRST)
      const text = there === null ? "" : Buffer.from(there).toString("utf8").trim()
      if (there !== null && !/^\S{32,512}$/.test(text)) {
        return yield* Effect.fail(`${path} holds no token. Delete it, and a new one is made.`)
      }
      const token = text === "" ? fresh() : text
      if (there === null) yield* file.set(FIRST, Buffer.from(`${token}\n`))
      const hash = hashOf(token)
      first = {
        id: idOf(hash),
        name: FIRST,
        scope: "admin",
        kind: "bearer",
        hash,
        createdMillis: first?.createdMillis ?? now(),
        expiresMillis: null
      }
    })

    const revoke: Tokens["revoke"] = (ref) =>
      Effect.gen(function* () {
        const named = all().filter(({ id, name }) => id === ref || name === ref)
        const row = named.find(({ id }) => id === ref) ?? (named.length === 1 ? named[0] : undefined)
        if (row === undefined) return yield* new TokenNotFound({ token: ref })
        if (row === first) {
          // Another one takes its place: there always is one.
          first = undefined
          yield* Effect.ignore(Effect.andThen(file.remove(FIRST), prepare))
          return shown(row)
        }
        yield* database.write((sql) => rows.remove(sql, row.id))
        stored.delete(row.id)
        return shown(row)
      })

    return {
      find,
      isGood: (id) => {
        const row = all().find((row) => row.id === id)
        return row !== undefined && !isExpired(row, now())
      },
      create,
      list: Effect.sync(() => all().map(shown)),
      revoke: (ref) => oneAtATime.withPermits(1)(revoke(ref)),
      prepare: oneAtATime.withPermits(1)(prepare)
    }
  })
