import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { Database, type DatabaseOptions } from "../../src/storage/Database.ts"
import { steps } from "./notes.ts"
import { temporaryDirectory } from "./support.ts"

const add = (body: string) =>
  Effect.flatMap(Database, ({ write }) => write((sql) => sql.run("INSERT INTO notes (body) VALUES (?)", body)))

const bodies = Effect.flatMap(Database, ({ read }) =>
  read((sql) => sql.all("SELECT body FROM notes ORDER BY id").map(({ body }) => body))
)

/** Runs `use` on a store that is opened for it and closed behind it. */
const withStore = <A, E>(path: string, use: Effect.Effect<A, E, Database>, options: Partial<DatabaseOptions> = {}) =>
  Effect.provide(use, Database.layerFile({ path, durability: "process-crash", steps, ...options }))

const inStore = <A, E>(use: Effect.Effect<A, E, Database>, options: Partial<DatabaseOptions> = {}) =>
  Effect.scoped(Effect.flatMap(temporaryDirectory(), (home) => withStore(join(home, "hob.db"), use, options)))

describe("a write", () => {
  it.effect("is there for the next daemon", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      yield* withStore(path, Effect.andThen(add("one"), add("two")))
      assert.deepStrictEqual(yield* withStore(path, bodies), ["one", "two"])
      assert.deepStrictEqual(fs.readdirSync(join(path, "..")), ["hob.db"])
      assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "shares a transaction with all that were asked for in its turn, and none is answered before the commit",
    () =>
      inStore(
        Effect.gen(function* () {
          const { read, write } = yield* Database
          const seen: Array<unknown> = []
          const count = (where: string) =>
            Effect.map(
              read((sql) => sql.get("SELECT count(*) AS n FROM notes")),
              (row) => void seen.push(`${where} ${row!["n"]}`)
            )
          const fibers = yield* Effect.forEach(Array.from({ length: 10 }), (_, index) =>
            Effect.forkChild(
              Effect.andThen(
                write((sql) => {
                  sql.run("INSERT INTO notes (body) VALUES (?)", String(index))
                  return sql.get("SELECT count(*) AS n FROM notes")!["n"]
                }),
                (within) => Effect.andThen(count("after"), Effect.succeed(within))
              ),
              { startImmediately: true }
            )
          )
          yield* count("before")
          assert.deepStrictEqual(
            yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber)),
            Array.from({ length: 10 }, (_, index) => index + 1)
          )
          assert.deepStrictEqual(seen, ["before 0", ...Array.from({ length: 10 }, () => "after 10")])
        }),
        { steps }
      )
  )

  it.effect("that throws is undone alone, and is a defect of its asker", () =>
    inStore(
      Effect.gen(function* () {
        const { write } = yield* Database
        const broken = write((sql) => {
          sql.run("INSERT INTO notes (body) VALUES ('broken')")
          sql.run("INSERT INTO notes (id, body) VALUES (1, 'a second one')")
        })
        const exits = yield* Effect.all([add("a"), broken, add("b")].map(Effect.exit), { concurrency: "unbounded" })
        assert.deepStrictEqual(exits.map(Exit.isSuccess), [true, false, true])
        assert.isTrue(Exit.isFailure(exits[1]!) && Exit.hasDies(exits[1]))
        assert.isTrue(Exit.hasDies(yield* Effect.exit(broken)))
        assert.deepStrictEqual(yield* bodies, ["a", "b"])
      })
    )
  )

  it.effect("that its asker gave up before its turn came is not made", () =>
    inStore(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(add("given up"), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        yield* add("kept")
        assert.deepStrictEqual(yield* bodies, ["kept"])
      })
    )
  )

  it.effect("is refused when too many wait, and those that wait are made", () =>
    inStore(
      Effect.gen(function* () {
        const exits = yield* Effect.all(
          ["a", "b", "c", "d"].map((body) => Effect.exit(add(body))),
          { concurrency: "unbounded" }
        )
        const failures = exits.flatMap((exit) => (Exit.isFailure(exit) ? [exit.cause.reasons[0]!] : []))
        assert.lengthOf(failures, 2)
        assert.deepInclude(failures[0], { _tag: "Fail" })
        assert.strictEqual(
          String((failures[0] as { error?: unknown }).error),
          "StorageBusy: The store is busy: 2 writes are waiting."
        )
        assert.deepStrictEqual(yield* bodies, ["a", "b"])
      }),
      { capacity: 2 }
    )
  )

  it.effect("more than fit into one transaction are all made, in their order", () =>
    inStore(
      Effect.gen(function* () {
        const wanted = Array.from({ length: 5000 }, (_, index) => String(index))
        yield* Effect.all(wanted.map(add), { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* bodies, wanted)
      })
    )
  )

  it.effect("asked for by a callback is answered by one", () =>
    inStore(
      Effect.gen(function* () {
        const { submit } = yield* Database
        const answer = yield* Deferred.make<number, unknown>()
        submit(
          (sql) => sql.run("INSERT INTO notes (body) VALUES ('x')"),
          (exit) => Deferred.doneUnsafe(answer, exit)
        )
        assert.strictEqual(yield* Deferred.await(answer), 1)
      })
    )
  )

  it.effect("that waits when the store closes is made and answered; later ones are refused", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      const answers: Array<string> = []
      const store = yield* withStore(
        path,
        Effect.gen(function* () {
          const store = yield* Database
          store.submit(
            (sql) => sql.run("INSERT INTO notes (body) VALUES ('last')"),
            (exit) => answers.push(exit._tag)
          )
          return store
        })
      )
      assert.deepStrictEqual(answers, ["Success"])
      const refused = yield* Effect.flip(store.write((sql) => sql.run("DELETE FROM notes")))
      assert.match(refused.message, /is closed: the daemon is stopping/)
      assert.match((yield* Effect.flip(store.read((sql) => sql.all("SELECT 1")))).message, /is closed/)
      assert.deepStrictEqual(yield* withStore(path, bodies), ["last"])
    }).pipe(Effect.scoped)
  )
})

describe("a store", () => {
  it.effect("refuses one that a newer hob has written, and leaves it as it is", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      const newer = [...steps, { name: "what comes next", sql: "CREATE TABLE next (id INTEGER PRIMARY KEY) STRICT" }]
      yield* withStore(path, add("kept"), { steps: newer })
      const before = fs.readFileSync(path)
      const error = yield* Effect.flip(withStore(path, bodies))
      assert.match(error.message, /was written by a newer hob \(version 2, "what comes next"; this one knows 1\)/)
      assert.isTrue(before.equals(fs.readFileSync(path)))
      assert.deepStrictEqual(yield* withStore(path, bodies, { steps: newer }), ["kept"])
    }).pipe(Effect.scoped)
  )

  it.effect("makes the directory it lies in, closed to others", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "not", "yet", "hob.db")
      yield* withStore(path, add("one"))
      assert.strictEqual(fs.statSync(join(path, "..")).mode & 0o777, 0o700)
    }).pipe(Effect.scoped)
  )

  it.effect("of an earlier version is brought to this one; a step that fails leaves it as it was", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      yield* withStore(path, add("kept"))
      const failing = [...steps, { name: "fails", sql: "CREATE TABLE more (id INTEGER) STRICT; SELECT nonsense" }]
      assert.strictEqual((yield* Effect.flip(withStore(path, bodies, { steps: failing })))._tag, "StoreUnusable")
      const next = [...steps, { name: "more", sql: "CREATE TABLE more (id INTEGER) STRICT" }]
      assert.deepStrictEqual(yield* withStore(path, bodies, { steps: next }), ["kept"])
    }).pipe(Effect.scoped)
  )

  it.effect("is open in one process only", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      const error = yield* withStore(path, Effect.flip(withStore(path, bodies)))
      assert.match(error.message, /is open in another process/)
    }).pipe(Effect.scoped)
  )

  const refused: Record<string, readonly [(path: string) => void, RegExp]> = {
    "a directory": [(path) => fs.mkdirSync(path), /is not a file\. Move it out of the way/],
    "a link": [(path) => fs.symlinkSync("/etc/hostname", path), /is a symbolic link\. Remove it/],
    "a link to nothing": [(path) => fs.symlinkSync("/nonexistent", path), /is a symbolic link/],
    "a place below a file": [
      (path) => {
        fs.rmdirSync(join(path, ".."))
        fs.writeFileSync(join(path, ".."), "")
      },
      /can't be opened \(ENOTDIR\)/
    ]
  }
  for (const [name, [lay, message]] of Object.entries(refused)) {
    it.effect(`refuses ${name} and says what to do`, () =>
      Effect.gen(function* () {
        const path = join(yield* temporaryDirectory(), "hob.db")
        lay(path)
        const error = yield* Effect.flip(withStore(path, bodies))
        assert.match(error.message, message)
        assert.include(error.message, path)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("is as durable as the configuration says", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory(), "hob.db")
      const config = HobConfig.layerTest({ storage: { durability: "power-loss" } })
      const { durability, state } = yield* Effect.flatMap(Database, ({ status }) => status).pipe(
        Effect.provide(Layer.provide(Database.layer({ database: path }), config))
      )
      assert.deepStrictEqual({ durability, state }, { durability: "power-loss", state: "ok" })
    }).pipe(Effect.scoped)
  )

  it.effect("becomes as durable as a reload of the configuration says", () =>
    Effect.gen(function* () {
      const home = yield* temporaryDirectory()
      const config = join(home, "config.json")
      const layer = HobConfig.layer({ paths: { config }, env: {}, flags: [] })
      yield* Effect.gen(function* () {
        const { status } = yield* Database
        assert.strictEqual((yield* status).durability, "process-crash")
        fs.writeFileSync(config, '{"storage": {"durability": "power-loss"}}', { mode: 0o600 })
        yield* (yield* HobConfig).reload
        while ((yield* status).durability !== "power-loss") yield* Effect.yieldNow
      }).pipe(Effect.provide(Layer.provideMerge(Database.layer({ database: join(home, "hob.db") }), layer)))
    }).pipe(Effect.scoped)
  )

  it.effect("in memory has hob's tables", () =>
    Effect.gen(function* () {
      const { read } = yield* Database
      assert.deepStrictEqual(yield* read((sql) => sql.all("SELECT * FROM daemon_runs")), [])
    }).pipe(Effect.provide(Database.layerMemory))
  )
})
