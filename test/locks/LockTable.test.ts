import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import * as rows from "../../src/locks/rows.ts"
import { temporaryDirectory } from "../storage/support.ts"
import { name, namespace, open, token } from "./support.ts"

const store = Effect.map(temporaryDirectory(), (home) => join(home, "hob.db"))
const fresh = Effect.flatMap(store, (path) => open(path))
const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
/** Lets requests get as far as they can without time passing. */
const settle = TestClock.adjust(0)

describe("a lock", () => {
  it.effect("has one holder; others are told who it is and for how long", () =>
    Effect.gen(function* () {
      const { acquire, said } = yield* fresh
      const got = yield* acquire("build", "ada", { ttlMillis: 5000 })
      assert.deepInclude(got, {
        name: "build",
        holder: "ada",
        token: 1,
        ttlMillis: 5000,
        renewed: false,
        waitedMillis: 0
      })
      yield* TestClock.adjust(1000)
      const error = yield* Effect.flip(acquire("build", "bob"))
      assert.deepInclude(error, { _tag: "LockHeld", holder: "ada", expiresInMillis: 4000 })
      assert.deepStrictEqual(
        said.map(({ channel, message, namespace }) => [namespace, channel, message.event, message.token]),
        [["default", "locks:build", "acquired", 1]]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("of another namespace is another lock", () =>
    Effect.gen(function* () {
      const { acquire, locks } = yield* fresh
      yield* acquire("x", "ada")
      yield* acquire("x", "bob", { namespace: namespace("other") })
      assert.lengthOf(locks.list({}).locks, 1)
      assert.lengthOf(locks.list({ all: true }).locks, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("is over at its deadline, to the millisecond, and goes to the first who waits", () =>
    Effect.gen(function* () {
      const { acquire, holders, said } = yield* fresh
      yield* acquire("x", "ada", { ttlMillis: 1000 })
      const bob = yield* fork(acquire("x", "bob", { waitMillis: 5000 }))
      const eve = yield* fork(acquire("x", "eve", { waitMillis: 5000 }))
      yield* TestClock.adjust(999)
      assert.deepStrictEqual(holders(), { x: "ada" })
      yield* TestClock.adjust(1)
      assert.deepInclude(yield* Fiber.join(bob), { holder: "bob", token: 2, waitedMillis: 1000 })
      assert.deepStrictEqual(holders(), { x: "bob" })
      assert.deepStrictEqual(
        said.map(({ message }) => message.event),
        ["acquired", "expired", "acquired"]
      )
      yield* Fiber.interrupt(eve)
    }).pipe(Effect.scoped)
  )

  it.effect("is gone at its deadline when nobody waits, and that is said", () =>
    Effect.gen(function* () {
      const { acquire, database, locks, said } = yield* fresh
      yield* acquire("x", "ada", { ttlMillis: 100 })
      yield* TestClock.adjust(100)
      assert.deepStrictEqual(locks.list({}).locks, [])
      assert.strictEqual(said.at(-1)?.message.event, "expired")
      assert.deepStrictEqual((yield* database.read(rows.load)).rows, [])
    }).pipe(Effect.scoped)
  )

  it.effect("that its holder acquires again is renewed from now on, with the same token", () =>
    Effect.gen(function* () {
      const { acquire, locks } = yield* fresh
      yield* acquire("x", "ada", { ttlMillis: 1000 })
      yield* TestClock.adjust(600)
      assert.deepInclude(yield* acquire("x", "ada", { ttlMillis: 700 }), { token: 1, renewed: true, ttlMillis: 700 })
      yield* TestClock.adjust(699)
      assert.strictEqual(locks.list({}).locks[0]?.expiresInMillis, 1)
      yield* TestClock.adjust(1)
      assert.lengthOf(locks.list({}).locks, 0)
    }).pipe(Effect.scoped)
  )

  it.effect("is renewed and released by its holder alone, with its token", () =>
    Effect.gen(function* () {
      const { acquire, holders, release, renew } = yield* fresh
      const tag = <A>(effect: Effect.Effect<A, any>) => Effect.map(Effect.flip(effect), ({ _tag }) => _tag)
      assert.strictEqual(yield* tag(release("x", "ada")), "LockNotHeld")
      assert.strictEqual(yield* tag(renew("x", "ada", 7)), "LockNotHeld")
      yield* acquire("x", "ada", { ttlMillis: 1000 })
      assert.strictEqual(yield* tag(release("x", "bob")), "LockHeldByAnother")
      assert.strictEqual(yield* tag(release("x", "bob", 1)), "LockHeldByAnother")
      assert.strictEqual(yield* tag(release("x", "ada", 2)), "LockTokenMismatch")
      assert.deepInclude(yield* renew("x", "ada", 1, 3000), { ttlMillis: 3000, token: 1 })
      yield* TestClock.adjust(3000)
      assert.strictEqual(yield* tag(renew("x", "ada", 1)), "LockExpired")
      assert.strictEqual(yield* tag(release("x", "ada", 1)), "LockExpired")
      yield* acquire("x", "ada")
      assert.strictEqual(yield* tag(release("x", "ada", 1)), "LockExpired")
      assert.deepStrictEqual(holders(), { x: "ada" })
      assert.deepStrictEqual(yield* release("x", "ada"), { name: "x", token: 2 })
      assert.deepStrictEqual(holders(), {})
    }).pipe(Effect.scoped)
  )
})

describe("who waits for a lock", () => {
  it.effect("is served in the order of coming; who has left or timed out is passed over", () =>
    Effect.gen(function* () {
      const { acquire, release } = yield* fresh
      yield* acquire("x", "ada")
      const gone = yield* fork(acquire("x", "gone", { waitMillis: 9000 }))
      const late = yield* fork(Effect.flip(acquire("x", "late", { waitMillis: 50 })))
      const first = yield* fork(acquire("x", "first", { waitMillis: 9000 }))
      const second = yield* fork(acquire("x", "second", { waitMillis: 9000 }))
      yield* TestClock.adjust(50)
      assert.deepInclude(yield* Fiber.join(late), { _tag: "LockWaitTimedOut", holder: "ada", waitedMillis: 50 })
      // In one turn: it must not be given to who has left.
      const releasing = yield* fork(release("x", "ada"))
      yield* Fiber.interrupt(gone)
      yield* Fiber.join(releasing)
      assert.deepInclude(yield* Fiber.join(first), { holder: "first", token: 2 })
      yield* release("x", "first", 2)
      assert.deepInclude(yield* Fiber.join(second), { holder: "second", token: 3 })
    }).pipe(Effect.scoped)
  )

  it.effect("gets it together with the other requests of the same holder, which would wait for itself", () =>
    Effect.gen(function* () {
      const { acquire, release } = yield* fresh
      yield* acquire("x", "ada")
      const one = yield* fork(acquire("x", "bob", { waitMillis: 9000 }))
      const eve = yield* fork(acquire("x", "eve", { waitMillis: 9000 }))
      const two = yield* fork(acquire("x", "bob", { waitMillis: 9000 }))
      yield* settle
      yield* release("x", "ada")
      assert.deepInclude(yield* Fiber.join(one), { token: 2, renewed: false })
      assert.deepInclude(yield* Fiber.join(two), { token: 2, renewed: true })
      yield* release("x", "bob")
      assert.deepInclude(yield* Fiber.join(eve), { token: 3 })
    }).pipe(Effect.scoped)
  )

  it.effect("is refused when as many wait as may, and when as many locks are held as may be", () =>
    Effect.gen(function* () {
      const { acquire, release } = yield* open(yield* store, { locks: { maxCount: 2, maxWaiterCount: 1 } })
      yield* acquire("x", "ada")
      const waiting = yield* fork(acquire("x", "bob", { waitMillis: 9000 }))
      yield* settle
      const full = yield* Effect.flip(acquire("x", "eve", { waitMillis: 9000 }))
      assert.deepInclude(full, { _tag: "LockQueueFull", capacity: 1 })
      yield* acquire("y", "ada")
      assert.deepInclude(yield* Effect.flip(acquire("z", "ada")), { _tag: "TooManyLocks", capacity: 2 })
      yield* release("y", "ada")
      yield* acquire("z", "ada")
      yield* Fiber.interrupt(waiting)
    }).pipe(Effect.scoped)
  )

  it.effect("of a thousand gets it in its turn", () =>
    Effect.gen(function* () {
      const { acquire, release } = yield* fresh
      yield* acquire("x", "first")
      const order: Array<number> = []
      const fibers = yield* Effect.forEach(Array.from({ length: 1000 }), (_, n) =>
        fork(
          Effect.flatMap(acquire("x", `w${n}`, { waitMillis: 60_000 }), ({ token }) => {
            order.push(n)
            return release("x", `w${n}`, token)
          })
        )
      )
      yield* settle
      yield* release("x", "first")
      yield* Effect.forEach(fibers, (fiber) => Fiber.join(fiber))
      assert.deepStrictEqual(
        order,
        Array.from({ length: 1000 }, (_, n) => n)
      )
    }).pipe(Effect.scoped)
  )
})

describe("a restart", () => {
  it.effect("keeps locks with what is left of them, and tokens go on growing", () =>
    Effect.gen(function* () {
      const path = yield* store
      const one = yield* open(path)
      yield* one.acquire("x", "ada", { ttlMillis: 10_000 })
      yield* one.acquire("brief", "ada", { ttlMillis: 1000 })
      yield* TestClock.adjust(500)
      yield* one.stop
      yield* TestClock.adjust(1500)
      const two = yield* open(path)
      yield* settle
      assert.deepStrictEqual(two.holders(), { x: "ada" })
      assert.strictEqual(two.locks.list({}).locks[0]?.expiresInMillis, 8000)
      assert.isAbove((yield* two.acquire("brief", "bob")).token, 2)
      assert.deepInclude(yield* two.renew("x", "ada", 1), { token: 1 })
      yield* two.stop
    }).pipe(Effect.scoped)
  )

  it.effect("leaves no row behind of a lease that was shorter than hob's own may be", () =>
    Effect.gen(function* () {
      const path = yield* store
      const one = yield* open(path)
      yield* one.acquire("x", "ada", { ttlMillis: 5 })
      yield* one.stop
      const two = yield* open(path)
      assert.deepStrictEqual(two.holders(), { x: "ada" })
      yield* TestClock.adjust(5)
      yield* settle
      yield* two.acquire("y", "bob", { ttlMillis: 60_000 })
      const stored = yield* two.database.read(rows.load)
      assert.deepStrictEqual(
        stored.rows.map((row) => row.name),
        [name("y")]
      )
      yield* two.stop
    }).pipe(Effect.scoped)
  )

  for (const boot of ["another boot", null]) {
    it.effect(
      `${boot === null ? "where boots have no names" : "of the machine"} gives leases their whole time again`,
      () =>
        Effect.gen(function* () {
          const path = yield* store
          const one = yield* open(path, { boot: boot === null ? null : "one boot" })
          yield* one.acquire("x", "ada", { ttlMillis: 10_000 })
          yield* TestClock.adjust(9000)
          yield* one.stop
          const two = yield* open(path, { boot })
          assert.strictEqual(two.locks.list({}).locks[0]?.expiresInMillis, 10_000)
          yield* two.stop
        }).pipe(Effect.scoped)
    )
  }

  it.effect(
    "two hundred times never gives a token again",
    () =>
      Effect.gen(function* () {
        const path = yield* store
        let last = 0
        for (let round = 0; round < 200; round++) {
          const { acquire, release, stop } = yield* open(path)
          for (const lock of ["a", "b"]) {
            const { token } = yield* acquire(lock, "ada")
            assert.isAbove(token, last)
            last = token
            yield* release(lock, "ada", token)
          }
          yield* stop
        }
      }).pipe(Effect.scoped),
    300_000
  )
})

describe("a lock that is bound to a connection", () => {
  it.effect("is free at once when the connection ends, and the next one has it; a lease stays", () =>
    Effect.gen(function* () {
      const { acquire, connect, connections, holders, said } = yield* fresh
      const client = yield* connect
      const { secret } = yield* acquire("x", "ada", { bind: "connection", client })
      assert.match(secret, /^[0-9a-f]{32}$/)
      assert.strictEqual((yield* acquire("y", "ada", { bind: "connection", client })).secret, secret)
      yield* acquire("z", "ada", { client })
      const bob = yield* fork(acquire("x", "bob", { waitMillis: 1000 }))
      yield* settle
      yield* connections.leave(client)
      yield* Fiber.join(bob)
      yield* settle
      assert.deepStrictEqual(holders(), { x: "bob", z: "ada" })
      const released = said.filter(({ message }) => message.event === "released")
      assert.deepStrictEqual(
        released.map(({ message }): unknown => [message.name, message.reason]),
        [
          ["x", "disconnected"],
          ["y", "disconnected"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("is not given to a connection that is gone already", () =>
    Effect.gen(function* () {
      const { acquire, connect, connections, holders } = yield* fresh
      const client = yield* connect
      yield* connections.leave(client)
      yield* Effect.exit(acquire("x", "ada", { bind: "connection", client }))
      yield* settle
      assert.deepStrictEqual(holders(), {})
    }).pipe(Effect.scoped)
  )

  it.effect("waits for its client when the daemon stops, and is its again by the secret", () =>
    Effect.gen(function* () {
      const path = yield* store
      const one = yield* open(path)
      const client = yield* one.connect
      const { secret, token } = yield* one.acquire("x", "ada", { bind: "connection", client, ttlMillis: 60_000 })
      yield* one.acquire("forgotten", "eve", { bind: "connection", client: yield* one.connect, ttlMillis: 60_000 })
      yield* one.connections.stopping
      yield* one.connections.leave(client)
      yield* one.stop
      const two = yield* open(path)
      assert.deepStrictEqual(two.holders(), { forgotten: "eve", x: "ada" })
      yield* TestClock.adjust(9000)
      const back = yield* two.connect
      assert.deepStrictEqual(two.locks.resume("0".repeat(32), back), [])
      const [resumed]: ReadonlyArray<object> = two.locks.resume(secret, back)
      assert.deepInclude(resumed, { name: "x", holder: "ada", token, expiresInMillis: 51_000 })
      yield* TestClock.adjust(1000)
      assert.deepStrictEqual(two.holders(), { x: "ada" })
      yield* two.connections.leave(back)
      yield* settle
      assert.deepStrictEqual(two.holders(), {})
      yield* two.stop
    }).pipe(Effect.scoped)
  )

  it.effect("has no secret in the store that anybody could use", () =>
    Effect.gen(function* () {
      const { acquire, connect, database } = yield* fresh
      const { secret } = yield* acquire("x", "ada", { bind: "connection", client: yield* connect })
      const changes = yield* database.read((sql) => sql.all("SELECT * FROM lock_journal"))
      assert.notInclude(JSON.stringify(changes), secret)
      const stored = yield* database.read(rows.load)
      assert.match(String(stored.rows[0]?.secret_hash), /^[0-9a-f]{64}$/)
    }).pipe(Effect.scoped)
  )
})

describe("the list of locks", () => {
  it.effect("comes page by page, whatever happens between, and can be asked for one", () =>
    Effect.gen(function* () {
      const { acquire, locks, release } = yield* fresh
      for (let index = 0; index < 25; index++) yield* acquire(`l${index % 5}:${index}`, "ada")
      const names: Array<string> = []
      let pages = 0
      for (let after: number | undefined; ; pages++) {
        const page = locks.list({ limit: 10, ...(after === undefined ? {} : { after: token(after) }) })
        names.push(...page.locks.map((lock) => lock.name))
        if (page.truncated !== true) break
        assert.lengthOf(page.locks, 10)
        after = page.locks.at(-1)!.token
        yield* release(names[pages]!, "ada")
        yield* acquire(`later:${pages}`, "bob")
      }
      assert.strictEqual(pages, 2)
      assert.deepStrictEqual(names, [
        ...Array.from({ length: 25 }, (_, index) => `l${index % 5}:${index}`),
        "later:0",
        "later:1"
      ])
      assert.deepStrictEqual(
        locks.list({ name: name("l2:7") }).locks.map((lock) => lock.name),
        ["l2:7"]
      )
      assert.deepStrictEqual(locks.list({ name: name("l0:0") }), { locks: [] })
    }).pipe(Effect.scoped)
  )
})

describe("watching", () => {
  it.effect("hears what happens, in order", () =>
    Effect.gen(function* () {
      const { acquire, locks, release } = yield* fresh
      const heard = yield* fork(Stream.runCollect(Stream.take(locks.events, 3)))
      yield* settle
      yield* acquire("x", "ada")
      yield* release("x", "ada")
      yield* acquire("x", "bob")
      assert.deepStrictEqual(
        Array.from(yield* Fiber.join(heard), ({ event, holder }) => `${event} ${holder}`),
        ["acquired ada", "released ada", "acquired bob"]
      )
    }).pipe(Effect.scoped)
  )
})
