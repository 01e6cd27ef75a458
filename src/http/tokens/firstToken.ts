/** The token in the file of a home: for whoever may read it. */
import { Effect } from "effect"
import type { SecretStore } from "../../secrets/SecretStore.ts"
import { rowOf, fresh, type TokenRow } from "./rows.ts"

/** What the token in the file is called; no other one may be. */
export const FIRST = "first"

/** What the file of the first token does for {@link Tokens}. Everything fails with a sentence. */
export interface FirstToken {
  /** Null where there is no file. */
  readonly read: Effect.Effect<TokenRow | null, string>
  /** A new one in the place of what is there. */
  readonly replace: Effect.Effect<TokenRow, string>
}

export const makeFirstToken = (file: SecretStore, path: string, now: () => number): FirstToken => {
  const row = (token: string): TokenRow =>
    rowOf(token, { name: FIRST, scope: "admin", kind: "bearer", createdMillis: now(), expiresMillis: null })
  return {
    read: Effect.gen(function* () {
      const there = yield* file.get(FIRST)
      if (there === null) return null
      const token = Buffer.from(there).toString("utf8").trim()
      if (/^\S{32,512}$/.test(token)) return row(token)
      return yield* Effect.fail(`${path} holds no token. Delete it, and a new one is made.`)
    }),
    replace: Effect.suspend(() => {
      const token = fresh()
      return Effect.as(file.set(FIRST, Buffer.from(`${token}\n`)), row(token))
    })
  }
}
