import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { JobProgress } from "../../src/protocol/upstream.ts"
import { declared, until } from "./support.ts"

describe("a call", () => {
  it.live("logs in once, and is answered as the upstream wrote it", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const odd =
        '[12345678901234567890, -0, 1e400, {"10": 1, "2": 2, "2": 3}, {"$date": 1700000000500}, "\\u00e9\\ud800"]'
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: odd }), odd)
      assert.strictEqual(yield* upstreams.call({ method: "mock.raw", params: '["[ NaN,\\n1.0 ]"]' }), "[ NaN,\n1.0 ]")
      yield* Effect.forEach(Array.from({ length: 20 }), () => upstreams.call({ method: "core.ping" }))
      assert.strictEqual(middleware.counts.connections, 1)
      assert.strictEqual(middleware.counts.logins, 1)
      const status = yield* upstreams.status()
      assert.include(status, {
        name: "nas",
        state: "up",
        credential: "password",
        connections: 1,
        logins: 1,
        inFlight: 0,
        waiting: 0
      })
    })
  )

  it.live("is out alone: with one permit others wait for their turn, first come first served", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const ended: Array<number> = []
      yield* Effect.forEach(
        [0, 1, 2, 3, 4, 5, 6, 7],
        (at) =>
          Effect.tap(upstreams.call({ method: "mock.sleep", params: "[0.01]" }), () =>
            Effect.sync(() => ended.push(at))
          ),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ended, [0, 1, 2, 3, 4, 5, 6, 7])
      assert.isAtMost(Math.max(...[...middleware.connections].map(({ mostInFlight }) => mostInFlight)), 1)
    })
  )

  it.live("as many as are allowed are out at once", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared({}, { concurrency: 4 })
      const calls = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 12 }), () => upstreams.call({ method: "mock.hold" }), {
          concurrency: "unbounded"
        })
      )
      for (const called of [4, 8, 12]) {
        yield* until(() => middleware.called("mock.hold") === called)
        middleware.release()
      }
      yield* Fiber.join(calls)
      const [connection] = middleware.connections
      assert.strictEqual(connection!.mostInFlight, 4)
    })
  )

  it.live("that is given up gives its permit back, and what it waited for is not another one's answer", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const gone = yield* Effect.forkChild(upstreams.call({ method: "mock.hold", params: '["gone"]' }))
      yield* until(() => middleware.called("mock.hold") > 0)
      const next = yield* Effect.forkChild(upstreams.call({ method: "mock.echo", params: '["next"]' }))
      yield* Fiber.interrupt(gone)
      assert.strictEqual(yield* Fiber.join(next), '["next"]')
      middleware.release()
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: '["last"]' }), '["last"]')
    })
  )

  it.live("has a deadline, and says whether it was sent", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const held = yield* Effect.forkChild(upstreams.call({ method: "mock.hold" }))
      yield* until(() => middleware.called("mock.hold") > 0)
      const waiting = yield* Effect.flip(
        upstreams.call({ method: "mock.mark", params: '["never"]', timeoutMillis: 50 })
      )
      assert.deepInclude(waiting, { _tag: "UpstreamTimedOut", waitedFor: "permit", timeoutMillis: 50 })
      middleware.release()
      yield* Fiber.join(held)
      const slow = yield* Effect.flip(upstreams.call({ method: "mock.hold", timeoutMillis: 50 }))
      assert.deepInclude(slow, { _tag: "UpstreamTimedOut", waitedFor: "answer", timeoutMillis: 50 })
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo" }), "[]")
      assert.isFalse(middleware.marks.has("never"))
    })
  )

  it.live("that the upstream refuses fails with all that it says", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* declared()
      const boom = yield* Effect.flip(upstreams.call({ method: "mock.fail", params: '["boom", {"n": 1e400}]' }))
      assert.deepInclude(boom, {
        _tag: "UpstreamCallFailed",
        code: -32001,
        errno: 14,
        errname: "EFAULT",
        reason: "[EFAULT] boom"
      })
      assert.include((boom as { trace: string }).trace, '"CallError"')
      const invalid = yield* Effect.flip(upstreams.call({ method: "mock.invalid" }))
      assert.deepInclude(invalid, { _tag: "UpstreamCallFailed", code: -32602 })
      assert.include((invalid as { extra: string }).extra, '["mock_create.name","Field required",22]')
      const missing = yield* Effect.flip(upstreams.call({ method: "no.such" }))
      assert.deepInclude(missing, { _tag: "UpstreamCallFailed", code: -32601 })
      const odd = yield* Effect.flip(upstreams.call({ method: "mock.error", params: '[-32099, "odd", null]' }))
      assert.deepInclude(odd, { _tag: "UpstreamCallFailed", code: -32099 })
    })
  )

  it.live("that would end everybody's connection is refused here", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const params = JSON.stringify(["x".repeat(65_536)])
      const large = yield* Effect.flip(upstreams.call({ method: "mock.echo", params }))
      assert.deepInclude(large, { _tag: "UpstreamRequestTooLarge", limit: 65_536 })
      const wrong = yield* Effect.flip(upstreams.call({ method: "mock.echo", params: "[1" }))
      assert.strictEqual(wrong._tag, "UpstreamBadRequest")
      const fits = JSON.stringify(["x".repeat(65_000)])
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: fits }), fits)
      assert.strictEqual(middleware.counts.connections, 1)
    })
  )
})

describe("a job", () => {
  it.live("is waited for, its progress told in order, and none after its end", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* declared()
      const heard: Array<JobProgress | number> = []
      const result = yield* upstreams.call({
        method: "mock.job",
        params: '[{"steps": 3}]',
        job: true,
        onJob: (job) => heard.push(job),
        onProgress: (progress) => heard.push(progress)
      })
      const [job, ...progress] = heard as [number, ...ReadonlyArray<JobProgress>]
      assert.isNumber(job)
      const percents = progress.map(({ percent }) => percent ?? 0)
      assert.deepStrictEqual(
        percents,
        percents.toSorted((a, b) => a - b)
      )
      assert.include(
        progress.map(({ description }) => description),
        "step 2/3"
      )
      assert.deepStrictEqual(JSON.parse(result), { ok: true, steps: 3 })
      const count = heard.length
      yield* upstreams.call({ method: "mock.sleep", params: "[0.05]" })
      assert.strictEqual(heard.length, count)
      assert.strictEqual((yield* upstreams.status()).jobs, 0)
    })
  )

  it.live("keeps nobody out while it runs, and without being waited for is answered with its id", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* declared()
      let began = false
      const job = yield* Effect.forkChild(
        upstreams.call({ method: "mock.job", params: '[{"interval": 0.2}]', job: true, onJob: () => (began = true) })
      )
      yield* until(() => began)
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[1]" }), "[1]")
      const id = Number(yield* upstreams.call({ method: "mock.job", params: '[{"steps": 50}]' }))
      assert.isAbove(id, 1)
      yield* upstreams.call({ method: "core.job_abort", params: `[${id}]` })
      assert.include(yield* Fiber.join(job), '"ok"')
    })
  )

  it.live("that fails, is aborted, or is none at all ends as what it is", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* declared()
      const failed = yield* Effect.flip(
        upstreams.call({ method: "mock.job", params: '[{"fail": "disk on fire"}]', job: true })
      )
      assert.deepInclude(failed, { _tag: "UpstreamCallFailed", reason: "[EFAULT] disk on fire" })
      assert.isNumber((failed as { job: number }).job)
      for (const lateEvent of [false, true]) {
        let abort: number | undefined
        const aborted = yield* Effect.forkChild(
          Effect.flip(
            upstreams.call({
              method: "mock.job",
              params: JSON.stringify([{ steps: 1000, lateEvent }]),
              job: true,
              onJob: (job) => (abort = job)
            })
          )
        )
        yield* until(() => abort !== undefined)
        yield* upstreams.call({ method: "core.job_abort", params: `[${abort}]` })
        assert.deepInclude(yield* Fiber.join(aborted), { _tag: "UpstreamJobAborted", job: abort! })
      }
      assert.strictEqual(yield* upstreams.call({ method: "mock.echo", params: "[7]", job: true }), "[7]")
      const transient = yield* upstreams.call({ method: "mock.job", params: '[{"transient": true}]', job: true })
      assert.include(transient, '"ok"')
    })
  )

  it.live("that several calls have begun is everybody's", () =>
    Effect.gen(function* () {
      const { upstreams } = yield* declared({}, { concurrency: 2 })
      const jobs: Array<number> = []
      const call = upstreams.call({
        method: "mock.job",
        params: '[{"share": true, "interval": 0.05}]',
        job: true,
        onJob: (job) => jobs.push(job)
      })
      const results = yield* Effect.all([call, call], { concurrency: "unbounded" })
      assert.deepStrictEqual(results, [results[0], results[0]])
      assert.strictEqual(new Set(jobs).size, 1)
    })
  )
})

describe("thousands of calls", () => {
  it.live("wait for a connection that is cut under them, and are each carried out once", () =>
    Effect.gen(function* () {
      const { middleware, upstreams } = yield* declared()
      const held = yield* Effect.forkChild(Effect.flip(upstreams.call({ method: "mock.hold" })))
      yield* until(() => middleware.called("mock.hold") > 0)
      const calls = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: 3000 }),
          (_, at) => upstreams.call({ method: "mock.mark", params: `["${at}"]` }),
          { concurrency: "unbounded" }
        )
      )
      while ((yield* upstreams.status()).waiting < 3000) yield* Effect.sleep(10)
      middleware.dropConnections()
      const results = yield* Fiber.join(calls)
      assert.isTrue(results.every((result) => result === "1"))
      assert.strictEqual((yield* Fiber.join(held))._tag, "UpstreamOutcomeUnknown")
    })
  )
})
