import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HobClient } from "../../src/client/HobClient.ts"
import { makePaths } from "../../src/config/paths.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import type { Session } from "../../src/protocol/index.ts"
import { noLimits, type Programs, runHost, scriptedPrograms } from "../../src/testing.ts"

type Client = Context.Service.Shape<typeof HobClient>

/** Lets real input and output happen until something is so: the clock of these tests stands still. */
const until = (check: Effect.Effect<boolean, unknown>): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!(yield* Effect.orDie(check))) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    }
  })

/**
 * Lets time pass until this session is to be started anew, and not longer: what the daemon asks the session-host then takes
 * real time, and would run out of that of the test.
 */
const untilRestarted = (client: Client, { id }: Pick<Session, "id">) =>
  until(
    Effect.gen(function* () {
      const { restart, restartedAs } = yield* client["sessions.show"]({ session: id })
      const at = restart?.at ?? null
      if (at !== null && Date.parse(at) > (yield* Clock.currentTimeMillis)) yield* TestClock.setTime(Date.parse(at))
      return restartedAs !== null
    })
  )

/** A home whose daemon and session-host come and go one by one, with programs on strings. */
const house = Effect.gen(function* () {
  const home = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const paths = makePaths({ HOB_HOME: home })
  const { start, started } = scriptedPrograms()
  const programs: Programs = {
    pty: start,
    pipe: start,
    preflight: async (command) => `/bin/${command[0]}`,
    ptyUnavailable: () => null
  }
  yield* TestClock.setTime(Date.now())
  const host = Effect.acquireRelease(
    Effect.promise(async () => {
      const host = await runHost({ paths, programs, limits: noLimits(), log: () => {}, onEnd: () => {} })
      if (host === null) throw new Error("another host has this home")
      return host
    }),
    (running) => Effect.promise(() => running.end())
  )
  /** A daemon for the scope of what uses it, and a client of it. */
  const daemon = Effect.gen(function* () {
    yield* Layer.build(Layer.fresh(Daemon.layer({ paths, env: {} })))
    const built = yield* Layer.build(Layer.fresh(HobClient.layer({ paths, start: false })))
    return Context.get(built, HobClient)
  })
  const fileOf = ({ id }: Pick<Session, "id">, name: string) => join(paths.sessions, id, name)
  return { paths, host, daemon, started, fileOf }
})

const all = (client: Client) =>
  Effect.map(client["sessions.list"]({ all: true }), ({ sessions }) => sessions.toReversed())

describe("sessions have names and tags", () => {
  it.effect("that can be changed while they run and after, are told, and outlive the daemon", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* daemon
          const one = yield* client["sessions.run"]({ command: ["a"], cwd: "/", tags: ["ci", "web"] })
          const two = yield* client["sessions.run"]({ command: ["b"], cwd: "/", name: "two" })
          const taken = yield* Effect.flip(client["sessions.rename"]({ session: one.id, name: "two" }))
          assert.strictEqual(taken._tag, "SessionNameTaken")
          assert.strictEqual((yield* client["sessions.rename"]({ session: one.id, name: "one" })).name, "one")
          assert.strictEqual((yield* client["sessions.show"]({ session: "one" })).id, one.id)
          const tagged = yield* client["sessions.tag"]({ session: "one", add: ["db", "ci"], remove: ["web"] })
          assert.deepStrictEqual(tagged.tags, ["ci", "db"])
          yield* client["sessions.tag"]({ session: "two", add: ["ci"] })
          const listed = (tags: ReadonlyArray<string>) =>
            Effect.map(client["sessions.list"]({ tags }), ({ sessions }) => sessions.map(({ name }) => name).toSorted())
          assert.deepStrictEqual(yield* listed(["ci"]), ["one", "two"])
          assert.deepStrictEqual(yield* listed(["ci", "db"]), ["one"])
          assert.deepStrictEqual(yield* listed(["web"]), [])
          started[1]!.end()
          yield* client["sessions.wait"]({ session: two.id })
          yield* client["sessions.rename"]({ session: two.id, name: "was-two" })
        })
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* daemon
          const sessions = yield* all(client)
          assert.deepStrictEqual(
            sessions.map(({ name, state, tags }) => [name, state, tags]),
            [
              ["one", "running", ["ci", "db"]],
              ["was-two", "exited", ["ci"]]
            ]
          )
        })
      )
    }).pipe(Effect.scoped)
  )

  it.effect("up to 32 tags, and an ended session gives its name up", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      const client = yield* daemon
      const { id } = yield* client["sessions.run"]({ command: ["a"], cwd: "/", name: "a" })
      const many = Array.from({ length: 32 }, (_, index) => `t${index}`)
      yield* client["sessions.tag"]({ session: id, add: many })
      const error = yield* Effect.flip(client["sessions.tag"]({ session: id, add: ["more"] }))
      assert.strictEqual(error._tag, "TooManyTags")
      assert.strictEqual((yield* client["sessions.show"]({ session: id })).tags.length, 32)
      started[0]!.end()
      yield* client["sessions.wait"]({ session: id })
      yield* client["sessions.run"]({ command: ["b"], cwd: "/", name: "a" })
    }).pipe(Effect.scoped)
  )
})

describe("a session's time", () => {
  it.effect("is up after its ttl, and it says so", () =>
    Effect.gen(function* () {
      const { daemon, host } = yield* house
      yield* host
      const client = yield* daemon
      const session = yield* client["sessions.run"]({ command: ["a"], cwd: "/", limits: { ttlMillis: 3_600_000 } })
      assert.strictEqual(Date.parse(session.limits.ttl?.endsAt ?? "") - Date.parse(session.createdAt), 3_600_000)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual((yield* client["sessions.show"]({ session: session.id })).state, "running")
      yield* TestClock.setTime(Date.parse(session.limits.ttl!.endsAt))
      const { session: ended } = yield* client["sessions.wait"]({ session: session.id })
      assert.deepStrictEqual([ended.exit?.signal, ended.exit?.reason], ["SIGTERM", "ttl"])
    }).pipe(Effect.scoped)
  )

  it.effect("is up when it was due while no daemon was there", () =>
    Effect.gen(function* () {
      const { daemon, host } = yield* house
      yield* host
      const { id } = yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* daemon
          return yield* client["sessions.run"]({ command: ["a"], cwd: "/", limits: { ttlMillis: 60_000 } })
        })
      )
      yield* TestClock.adjust("1 hour")
      const client = yield* daemon
      const { session } = yield* client["sessions.wait"]({ session: id })
      assert.strictEqual(session.exit?.reason, "ttl")
    }).pipe(Effect.scoped)
  )

  it.effect("is up when nothing came, went or looked for so long, and not while it prints", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      const client = yield* daemon
      const { id } = yield* client["sessions.run"]({ command: ["a"], cwd: "/", limits: { idleStopMillis: 3_600_000 } })
      const show = client["sessions.show"]({ session: id })
      // The clock of the host is the real one; so what it says of the last output is between the two.
      started[0]!.print("busy")
      yield* until(Effect.map(show, ({ output }) => output.end === 4))
      const now = Date.now()
      yield* TestClock.setTime(now + 1_800_000)
      assert.strictEqual((yield* show).state, "running")
      // No further: what the host is asked then takes real time, and would run out of that of the test.
      yield* TestClock.setTime(now + 3_600_000)
      const { session } = yield* client["sessions.wait"]({ session: id })
      assert.strictEqual(session.exit?.reason, "idle-stop")
    }).pipe(Effect.scoped)
  )
})

describe("a session that is to be restarted", () => {
  const run = { command: ["serve", "-x"], cwd: "/", name: "web", tags: ["ci"], env: { A: "1", PATH: "/bin" } }

  it.effect("comes back as a new session after it has failed, the same in all that somebody chose", () =>
    Effect.gen(function* () {
      const { daemon, fileOf, host, started } = yield* house
      yield* host
      const client = yield* daemon
      const limits = { ttlMillis: 3_600_000 }
      const first = yield* client["sessions.run"]({ ...run, limits, restart: "on-failure" })
      assert.strictEqual(statSync(fileOf(first, "environment.json")).mode & 0o777, 0o600)
      assert.notInclude(readFileSync(fileOf(first, "session.json"), "utf8"), '"PATH"')
      started[0]!.end({ code: 3 })
      yield* client["sessions.wait"]({ session: first.id })
      const shown = client["sessions.show"]({ session: first.id })
      yield* until(Effect.map(shown, ({ restart }) => restart?.at !== null))
      assert.strictEqual(started.length, 1)
      yield* untilRestarted(client, first)
      const second = yield* client["sessions.show"]({ session: "web" })
      assert.notStrictEqual(second.id, first.id)
      assert.deepStrictEqual(second.restartedFrom, { id: first.id, because: "exit" })
      assert.deepStrictEqual(
        [second.command, second.tags, second.limits.ttl?.millis, second.restart?.count],
        [first.command, first.tags, 3_600_000, 1]
      )
      assert.deepStrictEqual(started[1]!.spec.env["A"], "1")
      assert.strictEqual(started[1]!.spec.env["HOB_SESSION_ID"], second.id)
      assert.isFalse(existsSync(fileOf(first, "environment.json")))
      assert.isTrue(existsSync(fileOf(second, "environment.json")))
    }).pipe(Effect.scoped)
  )

  it.effect("stays ended after a success, and comes back after one with `always`", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      const client = yield* daemon
      const one = yield* client["sessions.run"]({ ...run, name: "one", restart: "on-failure" })
      const two = yield* client["sessions.run"]({ ...run, name: "two", restart: "always" })
      started[0]!.end()
      started[1]!.end()
      yield* untilRestarted(client, two)
      assert.isNull((yield* client["sessions.show"]({ session: one.id })).restart?.at)
      assert.strictEqual(started.length, 3)
    }).pipe(Effect.scoped)
  )

  it.effect("does not come back once it was killed, running or waiting, not even with a new daemon", () =>
    Effect.gen(function* () {
      const { daemon, fileOf, host, started } = yield* house
      yield* host
      const [killed, waiting] = yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* daemon
          const killed = yield* client["sessions.run"]({ ...run, name: "killed", restart: "always" })
          const waiting = yield* client["sessions.run"]({ ...run, name: "waiting", restart: "always" })
          assert.strictEqual((yield* client["sessions.kill"]({ session: killed.id })).exit?.reason, "killed")
          started[1]!.end({ code: 1 })
          yield* client["sessions.wait"]({ session: waiting.id })
          const stopped = yield* client["sessions.kill"]({ session: waiting.id })
          assert.strictEqual(stopped.restart?.stopped, "it was ended on request")
          assert.isFalse(existsSync(fileOf(waiting, "environment.json")))
          return [killed, waiting] as const
        })
      )
      const client = yield* daemon
      yield* client["sessions.list"]({})
      yield* TestClock.adjust("2 minutes")
      const sessions = yield* all(client)
      assert.deepStrictEqual(
        sessions.map(({ id }) => id),
        [killed.id, waiting.id]
      )
      assert.strictEqual(started.length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("comes back once when host and daemon died with it; one that still runs is left alone", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      const firsts = yield* Effect.scoped(
        Effect.gen(function* () {
          yield* host
          const one = yield* Effect.scoped(
            Effect.gen(function* () {
              const client = yield* daemon
              return yield* client["sessions.run"]({ ...run, restart: "on-failure" })
            })
          )
          // The host goes on: nothing is started.
          yield* Effect.scoped(
            Effect.gen(function* () {
              const client = yield* daemon
              yield* client["sessions.show"]({ session: one.id })
              yield* TestClock.adjust("1 minute")
              assert.strictEqual((yield* client["sessions.show"]({ session: one.id })).state, "running")
            })
          )
          return one
        })
      )
      yield* host
      for (let round = 0; round < 2; round++) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const client = yield* daemon
            const shown = client["sessions.show"]({ session: firsts.id })
            yield* until(Effect.map(shown, ({ restartedAs }) => restartedAs !== null))
            const again = yield* client["sessions.show"]({ session: "web" })
            assert.deepStrictEqual([again.state, again.restartedFrom?.because], ["running", "lost"])
            assert.strictEqual((yield* shown).state, "lost")
          })
        )
      }
      assert.strictEqual(started.length, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("is given up when it has come back too often in a row, and says why", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      const client = yield* daemon
      yield* client["sessions.run"]({ ...run, restart: "always", restartMax: 2 })
      for (let round = 1; round <= 3; round++) {
        assert.strictEqual(started.length, round)
        const last = (yield* all(client)).at(-1)!
        started.at(-1)!.end({ code: 1 })
        yield* client["sessions.wait"]({ session: last.id })
        const shown = client["sessions.show"]({ session: last.id })
        if (round === 3) {
          yield* until(Effect.map(shown, ({ restart }) => restart?.stopped !== null))
          assert.match((yield* shown).restart!.stopped!, /2 times in a row/)
          break
        }
        yield* untilRestarted(client, last)
      }
      assert.strictEqual(started.length, 3)
    }).pipe(Effect.scoped)
  )
})

describe("a caller inside a session", () => {
  it.effect("ends its own only when it says so, and others as it likes", () =>
    Effect.gen(function* () {
      const { daemon, host } = yield* house
      yield* host
      const client = yield* daemon
      const own = yield* client["sessions.run"]({ command: ["a"], cwd: "/", name: "own" })
      yield* client["sessions.run"]({ command: ["b"], cwd: "/", name: "other" })
      const from = own.id
      const refused: ReadonlyArray<Effect.Effect<void, { readonly _tag: string }>> = [
        Effect.asVoid(client["sessions.kill"]({ session: "own", from })),
        Effect.asVoid(client["sessions.remove"]({ session: "own", force: true, from })),
        Effect.asVoid(client["daemon.stop"]({ sessions: true, from }))
      ]
      for (const refusal of refused) assert.strictEqual((yield* Effect.flip(refusal))._tag, "OwnSession")
      // Nor does a name that nobody has mean it.
      const unknown = yield* Effect.flip(client["sessions.kill"]({ session: "nobody", from }))
      assert.strictEqual(unknown._tag, "SessionNotFound")
      assert.strictEqual((yield* client["sessions.kill"]({ session: "other", from })).state, "exited")
      assert.strictEqual((yield* client["sessions.show"]({ session: "own" })).state, "running")
      assert.strictEqual((yield* client["sessions.kill"]({ session: "own", from, self: true })).state, "exited")
    }).pipe(Effect.scoped)
  )

  it.effect("is told of a signal that there is not, also for a session that has ended", () =>
    Effect.gen(function* () {
      const { daemon, host, started } = yield* house
      yield* host
      const client = yield* daemon
      const { id } = yield* client["sessions.run"]({ command: ["a"], cwd: "/" })
      started[0]!.end()
      yield* client["sessions.wait"]({ session: id })
      const error = yield* Effect.flip(client["sessions.kill"]({ session: id, signal: "FOO" }))
      assert.strictEqual(error._tag, "UnknownSignal")
    }).pipe(Effect.scoped)
  )
})
