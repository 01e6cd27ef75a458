import { assert, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { join } from "node:path"
import { temporaryDirectory } from "../storage/support.ts"
import { open, settableWall } from "./support.ts"

const settle = Effect.repeat(TestClock.adjust(0), { times: 10 })

for (const [what, cron] of [
  ["for a place", "2 * * * *"],
  ["for the run before it", "1,2 * * * *"]
] as const) {
  it.effect(`a run that waits ${what} begins once, also when that comes free while it is written down`, () =>
    Effect.gen(function* () {
      const { clock } = yield* settableWall
      const end = yield* Deferred.make<void>()
      const gate = yield* Deferred.make<void>()
      let holds = false
      const { add, calls, history } = yield* open(join(yield* temporaryDirectory(), "hob.db"), {
        clock,
        schedule: { maxRunningCount: 1 },
        methods: { work: () => Deferred.await(end) },
        written: () => {
          const held = holds
          holds = false
          return held ? Deferred.await(gate) : Effect.void
        }
      })
      if (cron === "2 * * * *") yield* add("first", "1 * * * *")
      yield* add("second", cron, { overlap: "queue" })
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(calls, 1)
      holds = true
      yield* TestClock.adjust("1 minute")
      yield* Deferred.succeed(end, undefined)
      yield* settle
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.lengthOf(calls, 2)
      assert.deepStrictEqual(
        (yield* history()).map(({ state }) => state),
        ["succeeded", "succeeded"]
      )
    }).pipe(Effect.scoped)
  )
}
