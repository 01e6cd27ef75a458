import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer } from "effect"
import { StorageFull } from "../../src/protocol/storage.ts"
import { Database } from "../../src/storage/Database.ts"
import { deliver, method, methodsOf, open, pass } from "./support.ts"

/** A store that has no space while `isFull`. */
const failing = (isFull: () => boolean): Layer.Layer<Database> =>
  Layer.effect(
    Database,
    Effect.map(Database, (database) =>
      Database.of({
        ...database,
        submit: (work, answer) =>
          isFull() ? answer(Exit.fail(new StorageFull({ path: "hob.db" }))) : database.submit(work, answer)
      })
    )
  ).pipe(Layer.provide(Database.layerMemory))

const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("while the disk is full", () => {
  it.effect("what can't be recorded is refused, and runs nothing", () =>
    Effect.gen(function* () {
      let full = false
      const opened = yield* open({ store: failing(() => full), settings: { enabled: false } })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      full = true
      const refused = yield* deliver(opened, {})
      assert.deepInclude(refused, { status: 503 })
      assert.notInclude(JSON.stringify(refused.body), "hob.db")
      full = false
      assert.deepInclude(yield* deliver(opened, {}), { status: 200, delivery: 1 })
      assert.lengthOf(opened.calls, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("what is on record is run once it can be noted that it begins", () =>
    Effect.gen(function* () {
      let writes = 0
      const opened = yield* open({ store: failing(() => ++writes > 1 && writes < 6), settings: { enabled: false } })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      writes = 0
      const asked = yield* fork(deliver(opened, {}))
      yield* pass(0)
      assert.lengthOf(opened.calls, 0)
      for (let second = 0; second < 5; second++) yield* pass("1 second")
      assert.lengthOf(opened.calls, 1)
      yield* Fiber.join(asked)
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "succeeded", attempts: 1 })
    }).pipe(Effect.scoped)
  )

  it.effect("what has ended is not run again: its end is put on record when that can be done", () =>
    Effect.gen(function* () {
      let full = false
      const gate = yield* Deferred.make<void>()
      let runs = 0
      const opened = yield* open({
        store: failing(() => full),
        settings: { enabled: false },
        methods: methodsOf(() =>
          Effect.as(
            Effect.andThen(
              Effect.sync(() => void runs++),
              Deferred.await(gate)
            ),
            7
          )
        )
      })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      const asked = yield* fork(deliver(opened, {}))
      yield* pass(1)
      full = true
      yield* Deferred.succeed(gate, undefined)
      yield* pass("3 seconds")
      // Nobody hears of an end that could be forgotten.
      assert.isUndefined(asked.pollUnsafe())
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "running" })
      full = false
      yield* pass("1 second")
      assert.deepInclude(yield* Fiber.join(asked), { status: 200, body: { success: true, data: 7 } })
      assert.deepInclude(yield* opened.rpc["webhooks.show"]({ delivery: 1 }), { state: "succeeded", result: 7 })
      assert.strictEqual(runs, 1)
    }).pipe(Effect.scoped)
  )
})
