import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { join } from "node:path"
import type { Invocation } from "../../src/methods/Methods.ts"
import {
  MethodFailed,
  ModuleBroken,
  UnknownMethod,
  WorkerEnded,
  InvalidParams
} from "../../src/protocol/methodErrors.ts"
import { deliver, method, methodsOf, namespace, open, type OpenOptions, pass, temporary } from "./support.ts"

const hook = method("hook")
const failing = ({ method, namespace }: Invocation) => new MethodFailed({ namespace, method, reason: "no such branch" })
const id = (text: string) => ({ headers: [["webhook-id", text]] as const })

/** One webhook without a secret, that is off the net. */
const one = (options: OpenOptions & { readonly allow?: object } = {}) =>
  Effect.gen(function* () {
    const opened = yield* open({ ...options, settings: { enabled: false, ...options.settings } })
    yield* opened.rpc["webhooks.allow"]({ method: hook, scheme: "none", ...options.allow })
    return opened
  })

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
const state = (opened: Effect.Success<ReturnType<typeof one>>, delivery = 1) =>
  Effect.map(opened.rpc["webhooks.show"]({ delivery }), ({ state }) => state)

describe("a delivery", () => {
  it.effect("is answered with what its method returned, and the method knows how it came", () =>
    Effect.gen(function* () {
      const opened = yield* one()
      const answer = yield* deliver(opened, {
        path: "/webhook/default/hook?a=1&a=2&b=x%20y",
        body: '{"ref":"main","_webhook":"forged","__proto__":{"x":1}}',
        headers: [
          ["X-GitHub-Event", "push"],
          ["X-Webhook-Secret", "s"]
        ]
      })
      assert.deepInclude(answer, { status: 200, body: { success: true, data: { done: "hook" } } })
      const [call] = opened.calls
      assert.deepStrictEqual(
        [call!.namespace, call!.method, call!.caller],
        [namespace("default"), hook, { kind: "webhook", id: "1" }]
      )
      const { _webhook, ...params } = call!.params as Record<string, unknown>
      assert.deepStrictEqual(JSON.stringify(params), '{"ref":"main","__proto__":{"x":1}}')
      assert.deepInclude(_webhook, { method: "POST", query: { a: "2", b: "x y" }, timestamp: 0, delivery: 1 })
      const { headers } = _webhook as { readonly headers: Readonly<Record<string, string>> }
      assert.strictEqual(headers["x-github-event"], "push")
      assert.notProperty(headers, "x-webhook-secret")
      assert.deepStrictEqual(
        opened.said.map(({ channel, message, namespace }) => [namespace, channel, message.event, message.method]),
        [
          ["default", "webhooks:default", "webhook-received", "hook"],
          ["default", "webhooks:default", "webhook-completed", "hook"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("whose method takes longer than its sender waits is answered with 202, and goes on", () =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<unknown>()
      const opened = yield* one({ methods: methodsOf(() => Deferred.await(done)) })
      const asked = yield* fork(deliver(opened, {}))
      yield* pass(4999)
      assert.isUndefined(asked.pollUnsafe())
      yield* pass(1)
      assert.deepInclude(yield* Fiber.join(asked), { status: 202, body: { delivery: 1 } })
      assert.strictEqual(yield* state(opened), "running")
      yield* Deferred.succeed(done, 7)
      yield* pass(1)
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "succeeded", result: 7 })
    }).pipe(Effect.scoped)
  )

  it.effect("is run once, however often it is sent: whoever sends it again hears what it came to", () =>
    Effect.gen(function* () {
      const done = yield* Deferred.make<unknown>()
      let runs = 0
      const opened = yield* one({
        methods: methodsOf(() =>
          Effect.andThen(
            Effect.sync(() => runs++),
            Deferred.await(done)
          )
        )
      })
      const first = yield* fork(deliver(opened, id("a")))
      const second = yield* fork(deliver(opened, id("a")))
      yield* Deferred.succeed(done, "ok")
      for (const asked of [first, second]) {
        assert.deepInclude(yield* Fiber.join(asked), { status: 200, body: { success: true, data: "ok" }, delivery: 1 })
      }
      assert.deepInclude(yield* deliver(opened, id("a")), { status: 200, body: { success: true, data: "ok" } })
      assert.deepInclude(yield* deliver(opened, { ...id("a"), body: '{"other":1}' }), { status: 409 })
      assert.deepInclude(yield* deliver(opened, id("b")), { status: 200, delivery: 2 })
      assert.strictEqual(runs, 2)
    }).pipe(Effect.scoped)
  )

  it.effect("whose method fails is answered with 500; sent again, with 200 and the failure", () =>
    Effect.gen(function* () {
      const methods = methodsOf((call) => Effect.fail(failing(call)))
      const opened = yield* one({ methods, allow: { scheme: "secret", secrets: ["s"] } })
      const headers = [
        ["x-webhook-secret", "s"],
        ["idempotency-key", "a"]
      ] as const
      assert.deepInclude(yield* deliver(opened, { headers }), {
        status: 500,
        body: { error: "no such branch", delivery: 1 }
      })
      assert.deepInclude(yield* deliver(opened, { headers }), {
        status: 200,
        body: { success: false, error: "no such branch", delivery: 1 }
      })
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "failed", attempts: 1 })
      assert.strictEqual(opened.said.at(-1)?.message.event, "webhook-failed")
    }).pipe(Effect.scoped)
  )

  it.effect("of strangers hears nothing of what went wrong, nor does anybody of how hob runs it", () =>
    Effect.gen(function* () {
      const methods = methodsOf((call) => Effect.fail(failing(call)))
      const opened = yield* one({ methods })
      assert.deepInclude(yield* deliver(opened, {}), { body: { error: "The method did not end well.", delivery: 1 } })
      const ended = ({ method, namespace }: Invocation) =>
        new WorkerEnded({ namespace, method, reason: "signal SIGKILL at /home/x" })
      const other = yield* one({
        methods: methodsOf((call) => Effect.fail(ended(call))),
        allow: { scheme: "secret", secrets: ["s"] }
      })
      const answer = yield* deliver(other, { headers: [["x-webhook-secret", "s"]] })
      assert.deepInclude(answer, { status: 500, body: { error: "The method did not end well.", delivery: 1 } })
      const { error } = yield* other.rpc["webhooks.show"]({ delivery: 1 })
      assert.include(error, "SIGKILL")
    }).pipe(Effect.scoped)
  )

  it.effect("that is not what its method takes is answered with 400, and not tried again", () =>
    Effect.gen(function* () {
      const wrong = ({ method, namespace }: Invocation) =>
        new InvalidParams({ namespace, method, problem: "ref is missing" })
      const opened = yield* one({
        methods: methodsOf((call) => Effect.fail(wrong(call))),
        allow: { scheme: "secret", secrets: ["s"], retries: 3 }
      })
      const answer = yield* deliver(opened, { headers: [["x-webhook-secret", "s"]] })
      assert.deepInclude(answer, { status: 400, body: { error: "Wrong body: ref is missing", delivery: 1 } })
      assert.strictEqual(yield* state(opened), "failed")
    }).pipe(Effect.scoped)
  )
})

describe("a method that fails", () => {
  it.effect("is run again as often as its webhook says, with growing pauses; its sender hears 202", () =>
    Effect.gen(function* () {
      let runs = 0
      const methods = methodsOf((call) =>
        Effect.suspend(() => (++runs < 3 ? Effect.fail(failing(call)) : Effect.succeed("at last")))
      )
      const opened = yield* one({ methods, allow: { retries: 2 } })
      const asked = yield* fork(deliver(opened, {}))
      assert.deepInclude(yield* Fiber.join(asked), { status: 202, body: { delivery: 1 } })
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), {
        state: "pending",
        attempts: 1,
        nextAttemptAt: new Date(5000).toISOString()
      })
      yield* pass("5 seconds")
      assert.strictEqual(runs, 2)
      yield* pass("4 minutes")
      assert.strictEqual(runs, 2)
      yield* pass("1 minute")
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), {
        state: "succeeded",
        attempts: 3,
        result: "at last"
      })
    }).pipe(Effect.scoped)
  )

  it.effect("as often as it may is left to a person, who replays it", () =>
    Effect.gen(function* () {
      let works = false
      const methods = methodsOf((call) =>
        Effect.suspend(() => (works ? Effect.succeed(call.params) : Effect.fail(failing(call))))
      )
      const opened = yield* one({ methods, allow: { retries: 1 } })
      const { rpc } = opened
      yield* deliver(opened, { body: '{"n":1}', path: "/webhook/hook?q=1" })
      assert.deepInclude(yield* Effect.flip(rpc["webhooks.replay"]({ delivery: 1 })), { _tag: "DeliveryBusy" })
      yield* pass("5 seconds")
      assert.strictEqual(yield* state(opened), "failed")
      const { deliveries } = yield* rpc["webhooks.deliveries"]({ state: "failed" })
      assert.lengthOf(deliveries, 1)
      works = true
      const replayed = yield* rpc["webhooks.replay"]({ delivery: 1 })
      assert.deepInclude(replayed, { state: "succeeded", attempts: 3, error: null })
      assert.deepInclude(replayed.result as object, { n: 1 })
      assert.deepInclude((replayed.result as any)._webhook, { query: { q: "1" }, timestamp: 0, delivery: 1 })
      assert.deepInclude(yield* Effect.flip(rpc["webhooks.replay"]({ delivery: 2 })), { _tag: "DeliveryNotFound" })
    }).pipe(Effect.scoped)
  )

  it.effect("that could not be called at all is called later, whatever its webhook says", () =>
    Effect.gen(function* () {
      let found = false
      const methods = methodsOf((call) => (found ? Effect.succeed(1) : Effect.fail(new UnknownMethod(call))))
      const opened = yield* one({ methods })
      assert.deepInclude(yield* deliver(opened, {}), { status: 202 })
      found = true
      yield* pass("5 seconds")
      assert.strictEqual(yield* state(opened), "succeeded")
    }).pipe(Effect.scoped)
  )

  it.effect("that can never be called is given up after days", () =>
    Effect.gen(function* () {
      const methods = methodsOf(() => Effect.fail(new ModuleBroken({ file: "/m.ts", problem: "SyntaxError" })))
      const opened = yield* one({ methods })
      assert.deepInclude(yield* deliver(opened, {}), { status: 202 })
      for (const hours of [1, 2, 5, 10, 14, 20]) yield* pass(`${hours} hours`)
      assert.strictEqual(yield* state(opened), "pending")
      yield* pass("24 hours")
      yield* pass("24 hours")
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "failed", attempts: 10 })
    }).pipe(Effect.scoped)
  )

  it.effect("by a bug of hob's is on record as such", () =>
    Effect.gen(function* () {
      const opened = yield* one({ methods: methodsOf(() => Effect.die(new Error("a bug"))) })
      assert.deepInclude(yield* deliver(opened, {}), { status: 500 })
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), {
        state: "failed",
        error: "Error: a bug"
      })
    }).pipe(Effect.scoped)
  )
})

describe("many deliveries", () => {
  it.effect("are run so many at once; others wait on the disk, in order", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const order: Array<unknown> = []
      let now = 0
      let most = 0
      const methods = methodsOf(({ params }) =>
        Effect.gen(function* () {
          most = Math.max(most, ++now)
          order.push((params as { readonly n: number }).n)
          yield* Deferred.await(gate)
          now--
        })
      )
      const opened = yield* one({ methods, settings: { maxRunningCount: 3, answerMillis: 0 } })
      for (let n = 0; n < 20; n++) yield* fork(deliver(opened, { body: `{"n":${n}}` }))
      yield* pass(1)
      assert.deepStrictEqual(order, [0, 1, 2])
      yield* Deferred.succeed(gate, undefined)
      yield* pass(1)
      assert.deepStrictEqual(
        order,
        Array.from({ length: 20 }, (_, n) => n)
      )
      assert.strictEqual(most, 3)
      const { deliveries } = yield* opened.rpc["webhooks.deliveries"]({ state: "succeeded" })
      assert.lengthOf(deliveries, 20)
    }).pipe(Effect.scoped)
  )

  it.effect("beyond those that may wait are refused, and told to come again", () =>
    Effect.gen(function* () {
      const opened = yield* one({
        methods: methodsOf(() => Effect.never),
        settings: { maxPendingCount: 2, answerMillis: 0 }
      })
      for (let n = 0; n < 2; n++) yield* fork(deliver(opened, {}))
      yield* pass(1)
      assert.deepInclude(yield* deliver(opened, {}), { status: 503 })
      const stopping = yield* fork(opened.stop)
      yield* pass("5 seconds")
      yield* Fiber.join(stopping)
    }).pipe(Effect.scoped)
  )
})

describe("after hob has ended", () => {
  it.effect("what was on record and not run is run; what was running is so where its webhook says so", () =>
    Effect.gen(function* () {
      const path = join(temporary(), "hob.db")
      const first = yield* open({
        path,
        methods: methodsOf(() => Effect.never),
        settings: { enabled: false, maxRunningCount: 2, answerMillis: 0 }
      })
      const [once, again] = [method("once"), method("again")]
      yield* first.rpc["webhooks.allow"]({ method: once, scheme: "none" })
      yield* first.rpc["webhooks.allow"]({ method: again, scheme: "none", guarantee: "at-least-once" })
      for (const name of ["once", "again", "once", "again"]) {
        const asked = yield* fork(
          deliver(first, { path: `/webhook/${name}`, headers: [["webhook-id", name + Math.random()]] })
        )
        yield* pass(1)
        assert.deepInclude(yield* Fiber.join(asked), { status: 202 })
      }
      const states = (opened: typeof first) =>
        Effect.map(opened.rpc["webhooks.deliveries"]({}), ({ deliveries }) =>
          deliveries.map(({ state }) => state).toReversed()
        )
      assert.deepStrictEqual(yield* states(first), ["running", "running", "pending", "pending"])
      const stopping = yield* fork(first.stop)
      yield* pass("5 seconds")
      yield* Fiber.join(stopping)

      const second = yield* open({ path, settings: { enabled: false } })
      yield* pass(1)
      assert.deepStrictEqual(yield* states(second), ["interrupted", "succeeded", "succeeded", "succeeded"])
      assert.deepStrictEqual(second.calls.map(({ caller }) => caller.id).toSorted(), ["2", "3", "4"])
      yield* second.rpc["webhooks.replay"]({ delivery: 1 })
      assert.strictEqual((yield* states(second))[0], "succeeded")
      // Numbers go on.
      assert.deepInclude(yield* deliver(second, { path: "/webhook/once" }), { delivery: 5 })
    }).pipe(Effect.scoped)
  )

  it.effect("its webhooks are the same", () =>
    Effect.gen(function* () {
      const path = join(temporary(), "hob.db")
      const first = yield* open({ path, settings: { enabled: false } })
      const { webhook } = yield* first.rpc["webhooks.allow"]({
        method: hook,
        namespace: namespace("kanban"),
        scheme: "github",
        secrets: ["a", "b"],
        retries: 2,
        guarantee: "at-least-once",
        timeoutMillis: 1000
      })
      yield* first.stop
      const second = yield* open({ path, settings: { enabled: false } })
      assert.deepStrictEqual((yield* second.rpc["webhooks.list"]({ all: true })).webhooks, [webhook])
      assert.deepStrictEqual((yield* second.rpc["webhooks.list"]({})).webhooks, [])
    }).pipe(Effect.scoped)
  )

  it.effect("in its actor alone, what was running is interrupted and what comes is run", () =>
    Effect.gen(function* () {
      let hangs = true
      const opened = yield* one({ methods: methodsOf(() => (hangs ? Effect.never : Effect.succeed(1))) })
      const asked = yield* fork(deliver(opened, {}))
      yield* pass(1)
      hangs = false
      yield* opened.concerns.crash("webhooks", "a test says so")
      yield* pass(1)
      const later = yield* fork(deliver(opened, {}))
      yield* pass("100 millis")
      assert.deepInclude(yield* Fiber.join(asked), { status: 500 })
      assert.deepInclude(yield* Fiber.join(later), { status: 200 })
      assert.strictEqual(yield* state(opened), "interrupted")
    }).pipe(Effect.scoped)
  )
})
