/** What calls can ask for and come to: each has its own answer, and what is sent and heard is carried as it is. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { until } from "../support/home.ts"
import { connected, KEY, PASSWORD } from "./inProcess.ts"
import { middlewareOf as standIn } from "./support.ts"

const eventually = (what: string, check: () => boolean) => Effect.promise(() => until(what, check))

describe("calls", () => {
  it.live("that are never answered end when their time is over, and give their turn up", () =>
    Effect.gen(function* () {
      const { call, service } = yield* connected(yield* standIn())
      // Connecting may take longer than the call may.
      yield* call("mock.echo", [0])
      const error = yield* Effect.flip(call("mock.silent", [], { timeoutMillis: 50 }))
      assert.deepInclude(error, { _tag: "UpstreamTimedOut", waitedFor: "answer", timeoutMillis: 50 })
      assert.strictEqual((yield* service.status("nas")).inFlight, 0)
      assert.deepEqual(yield* call("mock.echo", [1]), [1])
    }).pipe(Effect.scoped)
  )

  it.live("that wait for another's turn do so in order, and no longer than they said", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started)
      const held = yield* Effect.forkChild(call("mock.hold", ["first"]), { startImmediately: true })
      yield* eventually("it is held", () => middleware.called("mock.hold") === 1)
      const late = yield* Effect.flip(call("mock.mark", ["late"], { timeoutMillis: 50 }))
      assert.deepInclude(late, { _tag: "UpstreamTimedOut", waitedFor: "permit" })
      const order: Array<number> = []
      const rest = [1, 2, 3, 4].map((at) =>
        Effect.map(call("mock.mark", ["order"]), (count) => void (order[at] = count))
      )
      const fibers: Array<Fiber.Fiber<void, unknown>> = []
      for (const one of rest) fibers.push(yield* Effect.forkChild(one, { startImmediately: true }))
      middleware.release()
      yield* Fiber.join(held)
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepEqual(order.slice(1), [1, 2, 3, 4])
      assert.isFalse(middleware.marks.has("late"))
    }).pipe(Effect.scoped)
  )

  it.live("of who leaves are given up: the next has the turn, and what was not sent never is", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call, service } = yield* connected(started)
      const held = yield* Effect.forkChild(call("mock.hold", ["first"]), { startImmediately: true })
      yield* eventually("it is held", () => middleware.called("mock.hold") === 1)
      const gone = yield* Effect.forkChild(call("mock.mark", ["gone"]), { startImmediately: true })
      yield* Fiber.interrupt(gone)
      yield* Fiber.interrupt(held)
      assert.strictEqual(yield* call("mock.mark", ["next"]), 1)
      middleware.release()
      assert.isFalse(middleware.marks.has("gone"))
      assert.deepInclude(yield* service.status("nas"), { inFlight: 0, waiting: 0 })
    }).pipe(Effect.scoped)
  )

  it.live("by five hundred at once are all answered, each with its own answer, over one connection and one login", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started, { concurrency: 10 })
      const answers = yield* Effect.all(
        Array.from({ length: 500 }, (_, at) => call("mock.echo", [at, `caller ${at}`])),
        { concurrency: "unbounded" }
      )
      answers.forEach((answer, at) => assert.deepEqual(answer, [at, `caller ${at}`]))
      assert.deepInclude(middleware.counts, { connections: 1, logins: 1, refused: 0 })
      assert.isAtMost([...middleware.connections][0]!.mostInFlight, 20)
    }).pipe(Effect.scoped)
  )

  it.live("that are answered out of order get their own answers", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started, { concurrency: 8 })
      const calls = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 8 }, (_, at) => call("mock.hold", [at])),
          { concurrency: "unbounded" }
        ),
        { startImmediately: true }
      )
      yield* eventually("all are held", () => middleware.called("mock.hold") === 8)
      middleware.release()
      assert.deepEqual(
        yield* Fiber.join(calls),
        Array.from({ length: 8 }, (_, at) => [at])
      )
    }).pipe(Effect.scoped)
  )

  it.live("that the server would hang up over are refused here, to their caller alone", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call } = yield* connected(started, { concurrency: 2 })
      const held = yield* Effect.forkChild(call("mock.hold", [1]), { startImmediately: true })
      yield* eventually("it is held", () => middleware.called("mock.hold") === 1)
      const error = yield* Effect.flip(call("mock.echo", ["x".repeat(64 * 1024)]))
      assert.deepInclude(error, { _tag: "UpstreamRequestTooLarge", limit: 64 * 1024 })
      // The largest that is taken: the limit counts bytes, and what stands around the params.
      const fitting = "é".repeat(32 * 1024 - 100)
      assert.strictEqual((yield* call("mock.echo", [fitting]))[0].length, fitting.length)
      middleware.release()
      assert.deepEqual(yield* Fiber.join(held), [1])
      assert.strictEqual(middleware.counts.connections, 1)
    }).pipe(Effect.scoped)
  )

  it.live("that are no calls are not sent", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { service } = yield* connected(started)
      for (const params of ["{}", "7", "[1", "[1] ", "[1][2]", '"a"', "[,]", "", '[1], "id": 1, "x": [2]']) {
        const said = yield* Effect.result(service.call({ method: "mock.mark", params }))
        if (params === "[1] ") assert.strictEqual(said._tag, "Success")
        else if (said._tag === "Success") assert.fail(`${params} was sent`)
        else assert.strictEqual(said.failure._tag, "UpstreamBadRequest", params)
      }
      assert.strictEqual(middleware.called("mock.mark"), 1)
    }).pipe(Effect.scoped)
  )

  it.live("that fail say so with all that the server says, whatever code it has", () =>
    Effect.gen(function* () {
      const { call } = yield* connected(yield* standIn())
      assert.deepInclude(yield* Effect.flip(call("mock.fail", ["boom", { n: 1 }])), {
        _tag: "UpstreamCallFailed",
        code: -32001,
        errno: 14,
        errname: "EFAULT",
        reason: "[EFAULT] boom",
        extra: '{"n":1}'
      })
      assert.deepInclude(yield* Effect.flip(call("mock.invalid")), {
        _tag: "UpstreamCallFailed",
        code: -32602,
        errno: 22
      })
      assert.deepInclude(yield* Effect.flip(call("no.such")), { code: -32601, reason: "Method does not exist" })
      // Its own client takes these for a success.
      assert.deepInclude(yield* Effect.flip(call("mock.error", [-32099, "odd"])), { code: -32099, reason: "odd" })
      assert.strictEqual((yield* Effect.flip(call("mock.error", [-32001, "bare", {}])))._tag, "UpstreamCallFailed")
      // No JSON-RPC: what else it says is not believed either.
      assert.strictEqual((yield* Effect.flip(call("mock.error", ["x", 7, 7])))._tag, "UpstreamOutcomeUnknown")
    }).pipe(Effect.scoped)
  )

  it.live("with --job on what is no job return, of a job that nobody hears of too; an aborted one is told apart", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { call, service } = yield* connected(started)
      assert.deepEqual(yield* call("mock.echo", [1], { job: true }), [1])
      assert.deepEqual(yield* call("mock.job", [{ transient: true }], { job: true }), { ok: true, steps: 3 })
      const failed = yield* Effect.flip(call("mock.job", [{ fail: "disk on fire" }], { job: true }))
      assert.deepInclude(failed, { _tag: "UpstreamCallFailed", reason: "[EFAULT] disk on fire" })
      const aborted = yield* Effect.forkChild(
        Effect.flip(service.call({ method: "mock.job", params: '[{"interval": 600}]', job: true })),
        { startImmediately: true }
      )
      const running = () => [...middleware.jobs.all.values()].find(({ state }) => state === "RUNNING")
      yield* eventually("it runs", () => running() !== undefined)
      middleware.jobs.abort(running()!.id)
      assert.strictEqual((yield* Fiber.join(aborted))._tag, "UpstreamJobAborted")
      assert.strictEqual((yield* service.status("nas")).jobs, 0)
    }).pipe(Effect.scoped)
  )

  it.live("progress comes in order, and none behind the end, also where the last event is late", () =>
    Effect.gen(function* () {
      const { service } = yield* connected(yield* standIn())
      for (const lateEvent of [false, true]) {
        const seen: Array<readonly [string, number | null]> = []
        yield* service.call({
          method: "mock.job",
          params: JSON.stringify([{ steps: 4, interval: 0.005, lateEvent }]),
          job: true,
          onProgress: ({ percent, state }) => void seen.push([state, percent])
        })
        const atTheEnd = seen.length
        yield* Effect.sleep("30 millis")
        assert.lengthOf(seen, atTheEnd)
        const percents = seen.flatMap(([, percent]) => percent ?? [])
        assert.deepEqual(
          percents,
          percents.toSorted((a, b) => a - b)
        )
        assert.isAbove(seen.length, 3)
      }
    }).pipe(Effect.scoped)
  )
})

describe("JSON", () => {
  const odd = [
    "12345678901234567890",
    "-0",
    "0.1e-7",
    "1e400",
    '{"2":1,"1":2,"a":3,"a":4}',
    '{"$date":1700000000500}',
    '{"$type":"date","$value":"2024-07-03"}',
    '{"$set":[3,1,2]}',
    '"\\u00e9 é \\ud83d\\ude00 \\/"',
    '{"__proto__":{"x":1},"constructor":null}'
  ]

  it.live("passes through untouched, in both directions", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn()
      const { service } = yield* connected(started)
      const params = `[${odd.join(", ")}]`
      assert.strictEqual(yield* service.call({ method: "mock.echo", params }), params)
      assert.strictEqual(middleware.received.at(-1)?.params, params)
      for (const result of [...odd, "NaN", "null", "{ }"]) {
        assert.strictEqual(yield* service.call({ method: "mock.raw", params: JSON.stringify([result]) }), result)
      }
    }).pipe(Effect.scoped)
  )

  it.live("of fifty megabytes passes through too", () =>
    Effect.gen(function* () {
      const { service } = yield* connected(yield* standIn())
      const bytes = 50 * 1024 * 1024
      const text = yield* service.call({ method: "mock.big", params: `[${bytes}]` })
      assert.strictEqual(text.length, bytes)
      assert.isTrue(text.startsWith('"xxx') && text.endsWith('xxx"'))
    }).pipe(Effect.scoped)
  )
})

describe("secrets", () => {
  it.live("are in no error, status or log, whatever goes wrong", () =>
    Effect.gen(function* () {
      const { middleware, ...started } = yield* standIn({ users: { admin: { password: PASSWORD, otp: "654321" } } })
      const { call, logged, service } = yield* connected(started)
      const said: Array<string> = []
      const take = (effect: Effect.Effect<unknown, unknown>) =>
        Effect.map(Effect.result(effect), (result) =>
          said.push(JSON.stringify(result), String((result as any).failure))
        )
      yield* take(call("mock.echo"))
      yield* take(service.login({ name: "nas", ask: () => Effect.succeed("654321") }))
      yield* take(call("mock.close", [1011, "x"]))
      middleware.expireSessions()
      yield* take(call("mock.echo"))
      yield* take(service.login({ name: "nas", credential: { kind: "api-key", secret: KEY } }))
      yield* take(service.login({ name: "nas", credential: { kind: "api-key", secret: "not-a-key-at-all" } }))
      yield* take(service.login({ name: "nas", credential: { kind: "token", secret: "a-token-of-mine" } }))
      yield* take(service.list)
      yield* take(service.status("nas"))
      yield* take(service.remove("nas"))
      const everything = [...said, ...logged].join("\n")
      for (const secret of [PASSWORD, "654321", KEY, KEY.slice(2), "not-a-key-at-all", "a-token-of-mine"]) {
        assert.notInclude(everything, secret)
      }
      assert.isAbove(said.join("").length, 500)
    }).pipe(Effect.scoped)
  )
})
