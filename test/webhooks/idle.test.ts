import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Shutdown } from "../../src/actors/Shutdown.ts"
import { Listening } from "../../src/webhooks/Listening.ts"
import { embedded } from "../support/embedded.ts"

const turn = Effect.promise(() => new Promise<void>((next) => void setImmediate(next)))
const IDLE = { HOB_DAEMON_IDLE_EXIT_MILLIS: "60000" }

describe("a daemon that is to stop when it is idle", () => {
  it.effect("stays while it listens for webhooks, whose senders could not start it again", () =>
    Effect.gen(function* () {
      const env = { ...IDLE, HOB_WEBHOOKS_ENABLED: "true", HOB_WEBHOOKS_PORT: "0" }
      const { context } = yield* embedded({ env })
      const listening = Context.get(context, Listening)
      const shutdown = yield* Effect.forkScoped(Context.get(context, Shutdown).requested)
      while ((yield* listening.status).state !== "up") yield* turn
      for (let minutes = 0; minutes < 10; minutes++) {
        yield* TestClock.adjust("1 minute")
        yield* turn
        assert.isUndefined(shutdown.pollUnsafe())
      }
    })
  )

  it.effect("stops where it listens for none", () =>
    Effect.gen(function* () {
      const { context } = yield* embedded({ env: IDLE })
      assert.strictEqual((yield* Context.get(context, Listening).status).state, "off")
      const shutdown = yield* Effect.forkScoped(Context.get(context, Shutdown).requested)
      while (shutdown.pollUnsafe() === undefined) {
        yield* TestClock.adjust("1 minute")
        yield* turn
      }
    })
  )
})
