import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Codes } from "../../src/http/Codes.ts"
import { enterBrowser } from "../../src/http/enterBrowser.ts"
import { makeTokens } from "../../src/http/tokens/Tokens.ts"
import { StorageFailed } from "../../src/protocol/storage.ts"
import { Database } from "../../src/storage/Database.ts"

/** The tokens of a home, whose store may refuse to be written. */
const within = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-tokens-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  const path = join(directory, "http.token")
  const database = yield* Database
  const store = { fails: false }
  const ended: Array<string> = []
  const begin = makeTokens(
    {
      read: database.read,
      write: (work) =>
        store.fails ? Effect.fail(new StorageFailed({ path: "hob.db", reason: "it is gone." })) : database.write(work)
    },
    path,
    (id) => ended.push(id)
  )
  return { path, store, ended, begin, tokens: yield* begin }
})

const read = (path: string): string => readFileSync(path, "utf8").trim()

describe("tokens", () => {
  it.effect("one whose end can't be written down lets nobody in all the same, and can be revoked again", () =>
    Effect.gen(function* () {
      const { begin, ended, store, tokens } = yield* within
      const { info, token } = yield* tokens.create({ name: "board", scope: "read", kind: "bearer" })
      store.fails = true
      const failure = yield* Effect.flip(tokens.revoke("board"))
      assert.strictEqual(failure._tag, "TokenNotRevoked")
      assert.include(failure.message, "it is gone.")
      assert.strictEqual(tokens.find(token, "bearer"), "unknown")
      assert.isFalse(tokens.isGood(info.id))
      assert.deepStrictEqual(ended, [info.id])
      store.fails = false
      yield* tokens.revoke("board")
      assert.strictEqual((yield* begin).find(token, "bearer"), "unknown")
      assert.strictEqual((yield* Effect.flip(tokens.revoke("board")))._tag, "TokenNotFound")
    }).pipe(Effect.scoped, Effect.provide(Database.layerMemory))
  )

  it.effect("the first one, when its file can't be replaced: it is told, and it stays out", () =>
    Effect.gen(function* () {
      const { ended, path, tokens } = yield* within
      yield* tokens.prepare
      const token = read(path)
      rmSync(path)
      mkdirSync(join(path, "in the way"), { recursive: true })
      const failure = yield* Effect.flip(tokens.revoke("first"))
      assert.strictEqual(failure._tag, "TokenNotRevoked")
      assert.include(failure.message, path)
      assert.strictEqual(tokens.find(token, "bearer"), "unknown")
      assert.strictEqual(ended.length, 1)
      // As if the file had stayed as it was: who listens anew does not let it in again.
      rmSync(path, { recursive: true })
      writeFileSync(path, `${token}\n`, { mode: 0o600 })
      yield* tokens.prepare
      assert.notStrictEqual(read(path), token)
      assert.strictEqual(tokens.find(token, "bearer"), "unknown")
      assert.include(tokens.find(read(path), "bearer"), { scope: "admin" })
    }).pipe(Effect.scoped, Effect.provide(Database.layerMemory))
  )

  it.effect("the first one is listed and revoked while nothing listens", () =>
    Effect.gen(function* () {
      const { begin, path, tokens } = yield* within
      assert.deepStrictEqual(yield* tokens.list, [])
      assert.strictEqual((yield* Effect.flip(tokens.revoke("first")))._tag, "TokenNotFound")
      assert.isFalse(existsSync(path))
      yield* tokens.prepare
      const token = read(path)
      const later = yield* begin
      assert.deepStrictEqual(
        (yield* later.list).map(({ name }) => name),
        ["first"]
      )
      const latest = yield* begin
      yield* latest.revoke("first")
      assert.notStrictEqual(read(path), token)
      yield* latest.prepare
      assert.strictEqual(latest.find(token, "bearer"), "unknown")
    }).pipe(Effect.scoped, Effect.provide(Database.layerMemory))
  )

  it.effect("only one is called first; a name that several have is told with their ids", () =>
    Effect.gen(function* () {
      const { tokens } = yield* within
      const reserved = yield* Effect.flip(tokens.create({ name: "first", scope: "read", kind: "bearer" }))
      assert.strictEqual(reserved._tag, "TokenNameReserved")
      const made = [
        yield* tokens.create({ name: "twin", scope: "read", kind: "bearer" }),
        yield* tokens.create({ name: "twin", scope: "read", kind: "bearer" })
      ]
      const failure = yield* Effect.flip(tokens.revoke("twin"))
      assert.strictEqual(failure._tag, "TokenAmbiguous")
      for (const { info } of made) assert.include(failure.message, info.id)
      yield* tokens.revoke(made[0]!.info.id)
      assert.strictEqual((yield* tokens.revoke("twin")).id, made[1]!.info.id)
    }).pipe(Effect.scoped, Effect.provide(Database.layerMemory))
  )

  it.effect("a browser's code is good still when no token could be made", () =>
    Effect.gen(function* () {
      const { store, tokens } = yield* within
      const codes = new Codes()
      const code = codes.make("read", 0)
      store.fails = true
      const answer = yield* enterBrowser({ codes, tokens }, code, 60_000)
      assert.include(answer, { status: 503 })
      store.fails = false
      const cookie = (yield* enterBrowser({ codes, tokens }, code, 60_000)) as string
      assert.include(tokens.find(cookie, "cookie"), { scope: "read" })
      assert.isUndefined(yield* enterBrowser({ codes, tokens }, code, 60_000))
    }).pipe(Effect.scoped, Effect.provide(Database.layerMemory))
  )
})
