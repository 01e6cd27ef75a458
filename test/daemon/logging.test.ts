import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Logging from "../../src/daemon/logging.ts"

describe("the daemon's log", () => {
  it.effect("has a line per message, with the level, who says it, and the cause below", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const layer = Logging.layer({ append: (line) => void lines.push(line) }, () => "info")
      yield* Effect.logInfo("hello").pipe(Effect.annotateLogs({ concern: "sessions" }), Effect.provide(layer))
      yield* Effect.logError("it broke", new Error("why")).pipe(Effect.provide(layer))
      assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z INFO \[concern=sessions\] hello\n$/u)
      assert.match(lines[1]!, /ERROR it broke/u)
      assert.include(lines[1]!, "why")
    })
  )

  it.effect("leaves out what is less important than the level, which may change", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      let level: Logging.Level = "warn"
      const layer = Logging.layer({ append: (line) => void lines.push(line) }, () => level)
      yield* Effect.gen(function* () {
        yield* Effect.logInfo("one")
        yield* Effect.logWarning("two")
        level = "debug"
        yield* Effect.logDebug("three")
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual(
        lines.map((line) => line.trim().split(" ").at(-1)),
        ["two", "three"]
      )
    })
  )
})
