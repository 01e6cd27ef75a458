/** What can go wrong between hob and a server, and what the callers hear of it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { until } from "../support/home.ts"
import { startMiddleware } from "../support/middleware/start.ts"
import { quietPort } from "../support/port.ts"
import { connected, KEY, PASSWORD, upstreams } from "./inProcess.ts"
import { middlewareOf as standIn } from "./support.ts"

const eventually = (what: string, check: () => boolean) => Effect.promise(() => until(what, check))

describe("a login", () => {
  it.live("with a wrong password is refused for good: said with what to do, and not tried again", () =>
    Effect.gen(function* () {
      const started = yield* standIn()
      const wrong = { kind: "password" as const, secret: "wrong-secret" }
      const { call, logged, service } = yield* connected(started, { credential: wrong })
      const errors = yield* Effect.all(
        Array.from({ length: 5 }, () => Effect.flip(call("mock.echo"))),
        { concurrency: "unbounded" }
      )
      for (const error of errors) {
        assert.deepInclude(error, { _tag: "UpstreamLoginRefused", response: "AUTH_ERR" })
        assert.notInclude(error.message, "wrong-secret")
        assert.match(error.message, /hob upstream login nas/)
      }
      assert.strictEqual((yield* Effect.flip(call("mock.echo")))._tag, "UpstreamLoginRefused")
      assert.strictEqual(started.middleware.counts.failedLogins, 1)
      assert.strictEqual((yield* service.status("nas")).state, "refused")
      assert.notInclude(logged.join("\n"), "wrong-secret")
      // Once it is right, it is tried again.
      yield* service.login({ name: "nas", credential: { kind: "password", secret: PASSWORD } })
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )

  it.live("that expires in the middle is made again, and the call is carried out once", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started)
      yield* call("mock.mark", ["before"])
      middleware.expireSessions()
      const calls = ["a", "b", "c"].map((key) => call("mock.mark", [key]))
      assert.deepEqual(yield* Effect.all(calls, { concurrency: "unbounded" }), [1, 1, 1])
      assert.isAtMost(middleware.counts.logins, 3)
      assert.strictEqual(middleware.counts.refused, 0)
    }).pipe(Effect.scoped)
  )

  it.live("that is denied, expired or sent elsewhere is refused for good too", () =>
    Effect.gen(function* () {
      for (const outcome of ["EXPIRED", "DENIED", "REDIRECT"] as const) {
        const started = yield* standIn({ users: { admin: { password: PASSWORD, outcome } } })
        const { call } = yield* connected(started)
        assert.deepInclude(yield* Effect.flip(call("mock.echo")), { _tag: "UpstreamLoginRefused", response: outcome })
        yield* Effect.flip(call("mock.echo"))
        assert.strictEqual(started.middleware.counts.failedLogins, 1)
      }
    }).pipe(Effect.scoped)
  )

  it.live("by the older methods is had where there are no others", () =>
    Effect.gen(function* () {
      const old = yield* standIn({ without: ["auth.login_ex", "auth.login_ex_continue"], mechanismChoicesBroken: true })
      const { call } = yield* connected(old)
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
      const withKey = yield* connected(old, { credential: { kind: "api-key", secret: KEY } })
      assert.deepEqual(yield* withKey.call("mock.echo", [1]), [1])
      assert.deepEqual(old.middleware.counts.mechanisms, ["auth.login", "auth.login_with_api_key"])
      const newest = yield* standIn({ without: ["auth.login", "auth.login_with_api_key"] })
      const key = yield* connected(newest, { credential: { kind: "api-key", secret: KEY } })
      assert.deepEqual(yield* key.call("mock.echo", [1]), [1])
      assert.include(newest.middleware.counts.mechanisms, "SCRAM")
      const token = yield* standIn({ tokens: ["a token"] })
      const withToken = yield* connected(token, { credential: { kind: "token", secret: "a token" } })
      assert.deepEqual(yield* withToken.call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )

  it.live("that asks for a one-time password asks its caller, and says what to do where there is nobody", () =>
    Effect.gen(function* () {
      const started = yield* standIn({ users: { admin: { password: PASSWORD, otp: "123456" } } })
      const { call, service } = yield* connected(started)
      const error = yield* Effect.flip(call("mock.echo"))
      assert.strictEqual(error._tag, "UpstreamLoginRefused")
      assert.match(error.message, /hob upstream login nas/)
      const asked: Array<string> = []
      const ask = (question: { readonly message?: string }) =>
        Effect.sync(() => {
          asked.push(JSON.stringify(question))
          return asked.length === 1 ? "000000" : "123456"
        })
      yield* service.login({ name: "nas", ask })
      assert.lengthOf(asked, 2)
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )
})

describe("a server", () => {
  it.live("that is gone at the start is said to be, nothing is sent, and is found again when it comes back", () =>
    Effect.gen(function* () {
      const first = yield* Effect.promise(async () => startMiddleware({ port: await quietPort() }))
      yield* Effect.promise(first.stop)
      const { call } = yield* connected(first)
      const error = yield* Effect.flip(call("mock.mark", ["once"], { timeoutMillis: 2000 }))
      assert.include(["UpstreamUnreachable", "UpstreamTimedOut"], error._tag)
      assert.match(error.message, /not sent|Nothing was sent/)
      yield* standIn({ port: first.port })
      assert.strictEqual(yield* call("mock.mark", ["once"]), 1)
    }).pipe(Effect.scoped)
  )

  it.live("that refuses the connection (401, 502) is said to, and tried again", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call, service } = yield* connected(started, {}, { patienceMillis: 50 })
      for (const status of [401, 502]) {
        middleware.refuseWith = status
        const error = yield* Effect.flip(service.reconnect("nas"))
        assert.strictEqual(error._tag, "UpstreamUnreachable")
        assert.match(error.message, new RegExp(String(status)))
        const soon = yield* Effect.flip(call("mock.echo", [], { timeoutMillis: 500 }))
        assert.match(soon.message, /Nothing was sent|not sent/)
      }
      middleware.refuseWith = null
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )

  it.live(
    "that goes during a call leaves its outcome unknown; what was not sent yet is carried out when it is back",
    () =>
      Effect.gen(function* () {
        const { middleware, ...started } = yield* standIn()
        const { call } = yield* connected(started)
        const sent = yield* Effect.forkChild(Effect.flip(call("mock.drop", ["sent"])), { startImmediately: true })
        const waiting = yield* Effect.forkChild(call("mock.mark", ["waiting"]), { startImmediately: true })
        const error = yield* Fiber.join(sent)
        assert.deepInclude(error, { _tag: "UpstreamOutcomeUnknown", method: "mock.drop", job: null })
        assert.match(error.message, /outcome unknown/)
        assert.strictEqual(yield* Fiber.join(waiting), 1)
        assert.strictEqual(middleware.marks.get("sent"), 1)
        assert.strictEqual(middleware.counts.connections, 2)
      }).pipe(Effect.scoped)
  )

  it.live("that goes while a job runs: the job is found again, and its outcome told", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { service } = yield* connected(started)
      const seen: Array<string> = []
      const job = yield* Effect.forkChild(
        service.call({
          method: "mock.job",
          params: '[{"steps": 20, "interval": 0.02}]',
          job: true,
          onProgress: ({ state }) => void seen.push(state)
        }),
        { startImmediately: true }
      )
      yield* eventually("it runs", () => seen.includes("RUNNING"))
      middleware.dropConnections()
      assert.deepEqual(JSON.parse(yield* Fiber.join(job)), { ok: true, steps: 20 })
      assert.strictEqual(middleware.counts.connections, 2)
      assert.strictEqual(middleware.called("mock.job"), 1)
    }).pipe(Effect.scoped)
  )

  for (const [code, reason] of [
    [1007, "Anonymous connection max message length is 8 kB"],
    [1008, "Origin is not allowed"],
    [1009, "Max message length is 64 kB"],
    [1011, "Internal error"]
  ] as const) {
    it.live(`that closes with ${code} is said to have, with its reason, and connected to again`, () =>
      Effect.gen(function* () {
        const { call } = yield* connected(yield* standIn())
        const error = yield* Effect.flip(call("mock.close", [code, reason]))
        assert.strictEqual(error._tag, "UpstreamOutcomeUnknown")
        assert.match(error.message, new RegExp(`${code}.*${reason}`))
        assert.deepEqual(yield* call("mock.echo", [code]), [code])
      }).pipe(Effect.scoped)
    )
  }

  it.live("that says what means nothing is not believed, and what it answers after that still is", () =>
    Effect.gen(function* () {
      const { call, logged, service } = yield* connected(yield* standIn())
      for (const kind of ["unknown id", "no id", "unknown method", "odd update", "array", "number"]) {
        const said = yield* Effect.result(call("mock.garbage", [kind], { timeoutMillis: 5000 }))
        if (said._tag === "Success") assert.strictEqual(said.success, `after ${kind}`)
        else assert.strictEqual(said.failure._tag, "UpstreamOutcomeUnknown", kind)
        assert.deepEqual(yield* call("mock.echo", [kind]), [kind])
      }
      for (const kind of ["binary", "not JSON"]) {
        const said = yield* Effect.result(call("mock.garbage", [kind], { timeoutMillis: 5000 }))
        if (said._tag === "Success") assert.strictEqual(said.success, `after ${kind}`)
        else assert.strictEqual(said.failure._tag, "UpstreamOutcomeUnknown", kind)
        assert.deepEqual(yield* call("mock.echo", [kind]), [kind])
      }
      assert.strictEqual((yield* service.status("nas")).inFlight, 0)
      assert.isBelow(logged.length, 100)
    }).pipe(Effect.scoped)
  )

  it.live(
    "with a certificate of nobody's, or for another host, is refused; with the right one, or none wanted, is not",
    () =>
      Effect.gen(function* () {
        const { ca, tlsUri } = yield* standIn({ tls: ["127.0.0.1"] })
        const elsewhere = yield* standIn({ tls: ["elsewhere.test"] })
        const { home, service } = yield* upstreams()
        const caFile = join(home, "ca.pem")
        const otherCa = join(home, "other.pem")
        writeFileSync(caFile, ca!)
        writeFileSync(otherCa, elsewhere.ca!)
        const credential = { kind: "password" as const, secret: PASSWORD }
        const declared = { user: "admin", credential }
        yield* service.add({ ...declared, name: "unknown", uri: tlsUri! })
        yield* service.add({ ...declared, name: "trusted", uri: tlsUri!, caFile })
        yield* service.add({ ...declared, name: "other-host", uri: elsewhere.tlsUri!, caFile: otherCa })
        yield* service.add({ ...declared, name: "insecure", uri: elsewhere.tlsUri!, insecure: true })
        const ask = (name: string) => service.call({ name, method: "mock.echo", params: "[1]", timeoutMillis: 20_000 })
        for (const name of ["unknown", "other-host"]) {
          const error = yield* Effect.flip(ask(name))
          assert.match(error.message, /certificate|altname/i, name)
        }
        assert.strictEqual(elsewhere.middleware.counts.connections, 0)
        assert.strictEqual(yield* ask("trusted"), "[1]")
        assert.strictEqual(yield* ask("insecure"), "[1]")
      }).pipe(Effect.scoped)
  )

  it.live("that announces a frame of three gigabytes is hung up on", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started)
      middleware.methods.set("mock.giant", ({ connection }) => {
        // A text frame, whole, of 3 GiB: its header, and a little of it.
        const header = Buffer.alloc(10)
        header[0] = 0x81
        header[1] = 127
        header.writeBigUInt64BE(3n * 1024n ** 3n, 2)
        const { _socket } = connection.socket as unknown as { readonly _socket: NodeJS.WritableStream }
        _socket.write(header)
        _socket.write(Buffer.alloc(1024 * 1024, 0x20))
        return '"never"'
      })
      const before = process.memoryUsage().rss
      const error = yield* Effect.flip(call("mock.giant", [], { timeoutMillis: 10_000 }))
      assert.strictEqual(error._tag, "UpstreamOutcomeUnknown")
      assert.isBelow(process.memoryUsage().rss - before, 256 * 1024 * 1024)
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )

  it.live("that is as busy as it can be is not taken for dead, however long that is", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call, service } = yield* connected(started, { concurrency: 10 }, { pingMillis: 20, deadMillis: 2000 })
      const calls = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 10 }, (_, at) => call("mock.hold", [at])),
          { concurrency: "unbounded" }
        ),
        { startImmediately: true }
      )
      yield* eventually("all run", () => middleware.called("mock.hold") === 10)
      let pings = 0
      const [connection] = middleware.connections
      connection!.socket.on("ping", () => void pings++)
      yield* eventually("it was asked again and again", () => pings >= 110)
      middleware.release()
      assert.lengthOf(yield* Fiber.join(calls), 10)
      assert.deepInclude(yield* service.status("nas"), { connections: 1, state: "up" })
    }).pipe(Effect.scoped)
  )

  it.live("that accepts and never says a word is given up when the time to connect is over", () =>
    Effect.gen(function* () {
      const silent = createServer((socket) => void socket.on("error", () => undefined))
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve))),
        () => Effect.sync(() => void silent.close())
      )
      const { port } = silent.address() as { port: number }
      const { call } = yield* connected({ uri: `ws://127.0.0.1:${port}/api/current` }, {}, { connectMillis: 50 })
      const error = yield* Effect.flip(call("mock.echo", [], { timeoutMillis: 1000 }))
      assert.include(["UpstreamUnreachable", "UpstreamTimedOut"], error._tag)
    }).pipe(Effect.scoped)
  )
})
