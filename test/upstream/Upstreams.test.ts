import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import type { Announcement } from "../../src/actors/Announcer.ts"
import { declared, home, middlewareOf, upstreamsOf } from "./support.ts"

const SECRET = "correct horse"
const password = { kind: "password", secret: SECRET } as const

/** Every file below a directory. */
const filesOf = (directory: string): ReadonlyArray<string> =>
  readdirSync(directory, { withFileTypes: true, recursive: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : []
  )

describe("upstreams", () => {
  it.live(
    "are there again after a restart, with their credential, which is in a file of its own that only its owner reads",
    () =>
      Effect.gen(function* () {
        const { uri } = yield* middlewareOf()
        const directory = yield* home
        const before = yield* upstreamsOf(directory)
        yield* before.upstreams.add({ name: "nas", uri, user: "admin", credential: password, concurrency: 3 })
        yield* before.stop
        const holding = filesOf(directory).filter((file) => readFileSync(file).includes(SECRET))
        assert.lengthOf(holding, 1)
        assert.strictEqual(statSync(holding[0]!).mode & 0o777, 0o600)
        const { upstreams } = yield* upstreamsOf(directory)
        assert.deepInclude(yield* upstreams.status("nas"), {
          uri,
          user: "admin",
          concurrency: 3,
          credential: "password",
          state: "idle"
        })
        assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
        yield* upstreams.remove("nas")
        assert.deepStrictEqual(
          filesOf(directory).filter((file) => readFileSync(file).includes(SECRET)),
          []
        )
      })
  )

  it.live("are named where there are several, unless one is meant by default", () =>
    Effect.gen(function* () {
      const { uri } = yield* middlewareOf()
      const directory = yield* home
      const { stop, upstreams } = yield* upstreamsOf(directory)
      assert.deepStrictEqual(
        (yield* upstreams.list).map(({ declaredBy, name }) => [name, declaredBy]),
        [["local", "default"]]
      )
      yield* upstreams.add({ name: "a", uri, user: "admin", credential: password })
      assert.strictEqual((yield* upstreams.status()).name, "a")
      yield* upstreams.add({ name: "b", uri: "wss://elsewhere.example/" })
      assert.deepInclude(yield* Effect.flip(upstreams.status()), { _tag: "UpstreamNotNamed", names: ["a", "b"] })
      assert.deepInclude(yield* Effect.flip(upstreams.call({ name: "c", method: "m" })), {
        _tag: "UpstreamNotFound",
        upstream: "c"
      })
      yield* stop
      const named = yield* upstreamsOf(directory, { default: "a" })
      assert.strictEqual((yield* named.upstreams.status()).name, "a")
    })
  )

  it.live("of the configuration are changed there, and log in with what was given here", () =>
    Effect.gen(function* () {
      const { uri } = yield* middlewareOf()
      const { upstreams } = yield* upstreamsOf(yield* home, { servers: { nas: { uri, user: "admin" } } })
      assert.strictEqual((yield* Effect.flip(upstreams.remove("nas")))._tag, "UpstreamFixed")
      assert.strictEqual((yield* Effect.flip(upstreams.add({ name: "nas", uri })))._tag, "UpstreamExists")
      assert.strictEqual((yield* Effect.flip(upstreams.login({ user: "other" })))._tag, "UpstreamFixed")
      const without = yield* Effect.flip(upstreams.call({ method: "mock.echo" }))
      assert.deepInclude(without, { _tag: "UpstreamCallFailed", errno: 207 })
      assert.deepInclude(yield* upstreams.login({ credential: password }), { state: "up", credential: "password" })
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
    })
  )

  it.live("that can't be are refused with what is wrong", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* upstreamsOf(yield* home)
      for (const uri of ["ws://ada:pw@nas.lan/", "ws://nas.lan/websocket", "ws://nas.lan/#x"]) {
        const invalid = yield* Effect.flip(upstreams.add({ name: "x", uri }))
        assert.strictEqual(invalid._tag, "UpstreamInvalid")
        assert.notInclude(invalid.message, "pw@")
      }
      const noFile = yield* Effect.flip(upstreams.add({ name: "x", uri: "wss://nas.lan/", caFile: "/no/such/ca.pem" }))
      assert.include(noFile.message, "/no/such/ca.pem")
      assert.deepStrictEqual(
        (yield* upstreams.list).map(({ name }) => name),
        ["local"]
      )
    })
  )

  it.live("tell who listens of what is declared, and on a channel how each is", () =>
    Effect.gen(function* () {
      const { announcer, middleware, uri, upstreams } = yield* declared()
      const said: Array<Announcement> = []
      yield* announcer.listen((announcement) => void said.push(announcement))
      const seen: Array<ReadonlyArray<string>> = []
      yield* Effect.forkChild(
        Stream.runForEach(upstreams.changes, (all) => Effect.sync(() => seen.push(all.map(({ name }) => name))))
      )
      while (seen.length < 1) yield* Effect.sleep(5)
      yield* upstreams.add({ name: "more", uri })
      yield* upstreams.remove("more")
      while (seen.length < 3) yield* Effect.sleep(5)
      assert.deepStrictEqual(seen, [["nas"], ["more", "nas"], ["nas"]])
      yield* upstreams.call({ name: "nas", method: "core.ping" })
      middleware.dropConnections()
      while ((yield* upstreams.status()).connections < 2) yield* Effect.sleep(5)
      const states = said
        .map(({ channel, message }) => [channel, (message as { state: string }).state].join(" "))
        // A connection that is lost as soon as it is up rests first: whether this one did is a matter of milliseconds.
        .filter((state) => state !== "upstream:nas waiting")
      assert.deepStrictEqual(states.slice(0, 4), [
        "upstream:nas connecting",
        "upstream:nas up",
        "upstream:nas connecting",
        "upstream:nas up"
      ])
    })
  )

  it.live("that are removed, or told to reconnect, leave nobody waiting", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const call = yield* Effect.forkChild(Effect.flip(upstreams.call({ method: "mock.hold" })))
      while (middleware.called("mock.hold") === 0) yield* Effect.sleep(5)
      const waiting = yield* Effect.forkChild(upstreams.call({ method: "mock.echo", params: "[2]" }))
      while ((yield* upstreams.status()).waiting === 0) yield* Effect.sleep(5)
      assert.strictEqual((yield* upstreams.reconnect()).state, "up")
      assert.strictEqual((yield* Fiber.join(call))._tag, "UpstreamOutcomeUnknown")
      assert.strictEqual(yield* Fiber.join(waiting), "[2]")
      const last = yield* Effect.forkChild(Effect.flip(upstreams.call({ method: "mock.hold" })))
      while (middleware.called("mock.hold") === 1) yield* Effect.sleep(5)
      yield* upstreams.remove("nas")
      assert.strictEqual((yield* Fiber.join(last))._tag, "UpstreamOutcomeUnknown")
      while (middleware.connections.size > 0) yield* Effect.sleep(5)
    })
  )
})
