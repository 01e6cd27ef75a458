import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, Stream } from "effect"
import type { UpstreamEventItem } from "../../src/protocol/upstream.ts"
import { declared, until } from "./support.ts"

type Declared = Effect.Success<ReturnType<typeof declared>>

/** Somebody who listens, until it leaves. */
const listen = ({ upstreams }: Pick<Declared, "upstreams">, collection: string) =>
  Effect.gen(function* () {
    const heard: Array<UpstreamEventItem> = []
    const scope = yield* Scope.fork(yield* Scope.Scope)
    const fiber = yield* upstreams.subscribe(collection).pipe(
      Stream.runForEach((item) => Effect.sync(() => heard.push(item))),
      Effect.forkIn(scope)
    )
    yield* until(() => heard.length > 0)
    return {
      heard,
      fiber,
      events: () => heard.flatMap((item) => (item.type === "event" ? [item.event] : [])),
      leave: Scope.close(scope, Exit.void)
    }
  })

describe("a subscription", () => {
  it.live("is one at the upstream however many listen, and none after the last has left", () =>
    Effect.gen(function* () {
      const all = yield* declared()
      const { middleware, upstreams } = all
      const [first, second] = yield* Effect.all([listen(all, "mock.thing"), listen(all, "mock.thing")], {
        concurrency: 2
      })
      // One is that of jobs.
      assert.strictEqual(middleware.called("core.subscribe"), 2)
      middleware.emit("mock.thing", "added", { n: 1 }, 7)
      middleware.emit("mock.other", "added", { n: 2 }, 8)
      yield* until(() => first.events().length > 0 && second.events().length > 0)
      assert.deepStrictEqual(first.events(), second.events())
      assert.deepInclude(JSON.parse(first.events()[0]!), { msg: "added", collection: "mock.thing", id: 7 })
      assert.deepStrictEqual((yield* upstreams.status()).subscriptions, [{ collection: "mock.thing", listeners: 2 }])
      yield* first.leave
      assert.strictEqual(middleware.called("core.unsubscribe"), 0)
      yield* second.leave
      yield* until(() => middleware.called("core.unsubscribe") === 1)
      assert.deepStrictEqual((yield* upstreams.status()).subscriptions, [])
    })
  )

  it.live("is made again on the next connection, and says that something may be missing", () =>
    Effect.gen(function* () {
      const all = yield* declared()
      const listener = yield* listen(all, "mock.thing")
      all.middleware.dropConnections()
      yield* until(() => listener.heard.some((item) => item.type === "subscribed" && item.again))
      all.middleware.emit("mock.thing", "changed", { n: 2 })
      yield* until(() => listener.events().length > 0)
      assert.deepInclude(listener.heard[0], { type: "subscribed", again: false })
    })
  )

  it.live("that may not be, or that the upstream ends, fails with what it says", () =>
    Effect.gen(function* () {
      const all = yield* declared()
      const forbidden = yield* Effect.flip(Stream.runDrain(all.upstreams.subscribe("mock.secret")))
      assert.deepInclude(forbidden, { _tag: "UpstreamCallFailed", errno: 13 })
      const listener = yield* listen(all, "mock.thing")
      all.middleware.endSubscriptions("mock.thing", {
        error: 22,
        errname: "EINVAL",
        reason: "[EINVAL] over",
        trace: null,
        extra: null
      })
      const ended = yield* Effect.flip(Fiber.join(listener.fiber))
      assert.deepInclude(ended, { _tag: "UpstreamUnsubscribed", collection: "mock.thing", reason: "[EINVAL] over" })
      assert.deepStrictEqual((yield* all.upstreams.status()).subscriptions, [])
    })
  )

  it.live("cuts off a listener that is too slow, and nobody else", () =>
    Effect.gen(function* () {
      const all = yield* declared({}, { settings: { listenerBytes: 65_536 } })
      const quick = yield* listen(all, "mock.thing")
      let read = 0
      const slow = yield* Effect.forkChild(
        Effect.flip(
          Stream.runForEach(all.upstreams.subscribe("mock.thing"), () =>
            read++ === 0 ? Effect.void : Effect.sleep("30 seconds")
          )
        )
      )
      yield* until(() => read > 0)
      const text = "x".repeat(10_000)
      for (let n = 0; n < 20; n++) {
        all.middleware.emit("mock.thing", "changed", { n, text })
        yield* until(() => quick.events().length > n)
      }
      assert.lengthOf(quick.events(), 20)
      assert.deepStrictEqual((yield* all.upstreams.status()).subscriptions, [
        { collection: "mock.thing", listeners: 1 }
      ])
      yield* Fiber.interrupt(slow)
    })
  )

  it.live("keeps the connection from being idle, and does not wait for a turn", () =>
    Effect.gen(function* () {
      const all = yield* declared({}, { lifetimeMillis: 60 })
      const listener = yield* listen(all, "mock.thing")
      const call = yield* Effect.forkChild(all.upstreams.call({ method: "mock.hold" }))
      yield* until(() => all.middleware.called("mock.hold") > 0)
      const second = yield* listen(all, "mock.more")
      all.middleware.release()
      yield* Fiber.join(call)
      yield* Effect.sleep(200)
      assert.strictEqual(all.middleware.counts.connections, 1)
      yield* listener.leave
      yield* second.leave
      while ((yield* all.upstreams.status()).state !== "idle") yield* Effect.sleep(10)
      assert.strictEqual(yield* all.upstreams.call({ method: "mock.echo" }), "[]")
      assert.strictEqual(all.middleware.counts.connections, 2)
    })
  )
})
