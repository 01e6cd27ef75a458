import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { deliver, method, methodsOf, open, type OpenOptions, pass } from "./support.ts"

const one = (settings: NonNullable<OpenOptions["settings"]>) =>
  Effect.gen(function* () {
    const opened = yield* open({ settings: { enabled: false, ...settings } })
    yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
    return opened
  })

const id = (text: string) => ({ headers: [["webhook-id", text]] as const })
const numbers = ({ rpc }: Effect.Success<ReturnType<typeof one>>) =>
  Effect.map(rpc["webhooks.deliveries"]({ limit: 1000 }), ({ deliveries }) =>
    deliveries.map(({ delivery }) => delivery).toReversed()
  )

describe("deliveries on record", () => {
  it.effect("are forgotten when they are old, but for the newest: numbers never come again", () =>
    Effect.gen(function* () {
      const opened = yield* one({})
      for (const name of ["a", "b", "c"]) yield* deliver(opened, id(name))
      yield* pass("6 days")
      assert.deepInclude(yield* deliver(opened, id("a")), { status: 200, delivery: 1 })
      yield* pass("25 hours")
      assert.deepStrictEqual(yield* numbers(opened), [3])
      assert.deepInclude(yield* deliver(opened, id("a")), { status: 200, delivery: 4 })
      assert.lengthOf(opened.calls, 4)
    }).pipe(Effect.scoped)
  )

  it.effect("beyond their number are forgotten from the oldest on", () =>
    Effect.gen(function* () {
      const opened = yield* one({ keepCount: 100 })
      for (let n = 1; n <= 130; n++) yield* deliver(opened, {})
      yield* pass("10 minutes")
      assert.deepStrictEqual(
        yield* numbers(opened),
        Array.from({ length: 100 }, (_, at) => at + 31)
      )
    }).pipe(Effect.scoped)
  )

  it.effect("lose their bodies, from the oldest on, when those are too much; they can't be replayed then", () =>
    Effect.gen(function* () {
      const opened = yield* one({ keepBytes: 1024 * 1024 })
      const body = JSON.stringify({ text: "x".repeat(300 * 1024) })
      for (const name of ["a", "b", "c", "d", "e"]) yield* deliver(opened, { ...id(name), body })
      yield* pass("10 minutes")
      const { rpc } = opened
      const kept = yield* Effect.forEach([1, 2, 3, 4, 5], (delivery) =>
        Effect.map(rpc["webhooks.show"]({ delivery }), ({ body }) => body !== null)
      )
      assert.deepStrictEqual(kept, [false, false, true, true, true])
      assert.strictEqual((yield* Effect.flip(rpc["webhooks.replay"]({ delivery: 1 })))._tag, "DeliveryBodyGone")
      assert.deepInclude(yield* rpc["webhooks.replay"]({ delivery: 3 }), { state: "succeeded", attempts: 2 })
      // What it was is forgotten; that it came is not.
      assert.deepInclude(yield* deliver(opened, { ...id("a"), body: "{}" }), { status: 200, delivery: 1 })
      assert.lengthOf(opened.calls, 6)
    }).pipe(Effect.scoped)
  )

  it.effect("that have not ended are not forgotten", () =>
    Effect.gen(function* () {
      const opened = yield* open({
        methods: methodsOf(() => Effect.never),
        settings: { enabled: false, answerMillis: 0, maxRunningCount: 1 }
      })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      for (let n = 0; n < 3; n++) yield* Effect.forkChild(deliver(opened, {}), { startImmediately: true })
      yield* pass("8 days")
      assert.deepStrictEqual(yield* numbers(opened), [1, 2, 3])
      yield* Effect.forkChild(opened.stop)
      yield* pass("5 seconds")
    }).pipe(Effect.scoped)
  )
})
