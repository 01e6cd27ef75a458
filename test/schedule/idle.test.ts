import { assert, describe, it } from "@effect/vitest"
import { Context, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Shutdown } from "../../src/actors/Shutdown.ts"
import { Schedule } from "../../src/schedule/Schedule.ts"
import { embedded } from "../support/embedded.ts"
import { id, method } from "./support.ts"

const turn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

describe("a daemon that is to stop when it is idle", () => {
  it.effect("stays while a job is to run", () =>
    Effect.gen(function* () {
      const { context } = yield* embedded({ env: { HOB_DAEMON_IDLE_EXIT_MILLIS: "60000" } })
      const schedule = Context.get(context, Schedule)
      const shutdown = yield* Effect.forkScoped(Context.get(context, Shutdown).requested)
      yield* schedule.add({ id: id("a"), cron: "@yearly", method: method("work"), undeclared: true })
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(shutdown.pollUnsafe())
      yield* schedule.pause({ id: id("a") })
      yield* TestClock.adjust("10 minutes")
      while (shutdown.pollUnsafe() === undefined) yield* turn
    })
  )
})
