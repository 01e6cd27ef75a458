import { Context, Effect, Layer, Redacted, Semaphore } from "effect"
import { existsSync, rmSync } from "node:fs"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { secretPaths } from "../config/secretPaths.ts"
import { SecretUnusable } from "../protocol/storage.ts"
import { makeFiles } from "./files.ts"
import { makeKeyStore } from "./keyStore.ts"
import type { SecretStore } from "./SecretStore.ts"

/**
 * Keys and credentials: in files, or in the user's key store (`secrets.store`). A secret is called as its file below
 * the home is, such as `upstreams/nas`; what is in the key store has a mark beside that file, so that nobody looks
 * there for what never was. What the setting's place has not, and the other one has, is moved.
 */
export class Secrets extends Context.Service<
  Secrets,
  {
    /** Null where there is none. */
    read(name: string): Effect.Effect<Redacted.Redacted<Uint8Array> | null, SecretUnusable>
    /** In the place of another one. */
    write(name: string, secret: Redacted.Redacted<Uint8Array>): Effect.Effect<void, SecretUnusable>
    /** The one that is there; else `make`'s, which is kept. */
    readOrMake(name: string, make: () => Uint8Array): Effect.Effect<Redacted.Redacted<Uint8Array>, SecretUnusable>
    /** From wherever it is. */
    remove(name: string): Effect.Effect<void, SecretUnusable>
  }
>()("hob/secrets/Secrets") {
  static readonly layer = (paths: Pick<Paths, "home">): Layer.Layer<Secrets, never, HobConfig> =>
    Layer.effect(
      Secrets,
      Effect.gen(function* () {
        const config = yield* HobConfig
        return make({
          home: paths.home,
          files: makeFiles((name) => secretPaths(paths.home, name).file),
          keyStore: makeKeyStore(paths.home),
          store: Effect.map(config.get, ({ secrets }) => secrets.store)
        })
      })
    )
}

export interface SecretsOptions {
  readonly home: string
  readonly files: SecretStore
  readonly keyStore: SecretStore
  /** Where they are to be. */
  readonly store: Effect.Effect<"file" | "keystore">
}

export const make = ({ files, home, keyStore, store }: SecretsOptions): Secrets["Service"] => {
  const marks = makeFiles((name) => secretPaths(home, name).mark)
  const isMarked = (name: string): boolean => existsSync(secretPaths(home, name).mark)
  const unmark = (name: string) => Effect.sync(() => rmSync(secretPaths(home, name).mark, { force: true }))

  const fromKeyStore = (name: string): Effect.Effect<Uint8Array | null, string> =>
    Effect.suspend(() => {
      if (!isMarked(name)) return Effect.succeed(null)
      // A new one in its place would make what was sealed with it unreadable for ever.
      return Effect.filterOrFail(
        keyStore.get(name),
        (found) => found !== null,
        () =>
          `the key store had it, and does not give it. Unlock it, or put it back; to begin without it remove ${secretPaths(home, name).mark}.`
      )
    })
  /** What is cut short leaves what can be done again: the file goes last. */
  const intoKeyStore = (name: string, secret: Uint8Array) =>
    Effect.all([keyStore.set(name, secret), marks.set(name, new Uint8Array()), files.remove(name)], { discard: true })
  const outOfKeyStore = (name: string) =>
    Effect.suspend(() => (isMarked(name) ? Effect.andThen(keyStore.remove(name), unmark(name)) : Effect.void))

  const find = Effect.fnUntraced(function* (name: string) {
    if ((yield* store) === "file") {
      const here = yield* files.get(name)
      const secret = here ?? (yield* fromKeyStore(name))
      if (secret === null) return null
      if (here === null) yield* files.set(name, secret)
      // What can't be removed there does no harm: the file goes before it.
      yield* Effect.ignore(outOfKeyStore(name))
      return secret
    }
    const file = yield* files.get(name)
    if (!isMarked(name)) {
      if (file !== null) yield* intoKeyStore(name, file)
      return file
    }
    // A mark with a file beside it is that of a move that did not come to its end.
    const there = file === null ? yield* fromKeyStore(name) : yield* keyStore.get(name)
    if (there === null && file !== null) yield* intoKeyStore(name, file)
    else if (file !== null) yield* files.remove(name)
    return there ?? file
  })

  const alone = Semaphore.makeUnsafe(1)
  const named = <A>(name: string, work: Effect.Effect<A, string>): Effect.Effect<A, SecretUnusable> =>
    alone.withPermits(1)(Effect.mapError(work, (reason) => new SecretUnusable({ secret: name, reason })))
  const keep = (name: string, secret: Uint8Array) =>
    Effect.flatMap(store, (where) =>
      where === "file"
        ? Effect.andThen(files.set(name, secret), Effect.ignore(outOfKeyStore(name)))
        : intoKeyStore(name, secret)
    )

  return Secrets.of({
    read: (name) =>
      named(
        name,
        Effect.map(find(name), (found) => (found === null ? null : Redacted.make(found)))
      ),
    write: (name, secret) => named(name, keep(name, Redacted.value(secret))),
    readOrMake: (name, make) =>
      named(
        name,
        Effect.gen(function* () {
          const found = yield* find(name)
          if (found !== null) return Redacted.make(found)
          const secret = make()
          yield* keep(name, secret)
          return Redacted.make(secret)
        })
      ),
    remove: (name) => named(name, Effect.andThen(outOfKeyStore(name), files.remove(name)))
  })
}
