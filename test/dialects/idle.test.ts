import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Shutdown } from "../../src/actors/Shutdown.ts"
import { Dialects } from "../../src/dialects/Dialects.ts"
import { embedded } from "../support/embedded.ts"
import { temporary } from "./support.ts"
import { say } from "./toy.ts"

const turn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

describe("a daemon that is to stop when it is idle", () => {
  it.effect("stays while it speaks a dialect, whose clients could not start it again", () =>
    Effect.gen(function* () {
      const HOME = yield* temporary
      const { context } = yield* embedded({
        env: { HOME, HOB_DAEMON_IDLE_EXIT_MILLIS: "60000", HOB_DIALECTS_ENABLED: "claude-sessions" }
      })
      const dialects = Context.get(context, Dialects)
      const shutdown = yield* Effect.forkScoped(Context.get(context, Shutdown).requested)
      const state = Effect.map(dialects.list, ([only]) => only?.state)
      while ((yield* state) !== "up") yield* turn
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(shutdown.pollUnsafe())
      const { socket } = (yield* dialects.list)[0]!
      assert.strictEqual(yield* say(socket, '{"type":"shutdown"}'), '{"type":"ok"}\n')
      while ((yield* state) !== "closed") yield* turn
      while (shutdown.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 minute")
        yield* turn
      }
    })
  )
})
