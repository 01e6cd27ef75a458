import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { knownAgents, withPrompt } from "../../src/agents/known.ts"
import { makePerKey } from "../../src/agents/perKey.ts"

describe("starting agents", () => {
  it("no agent that is told by an argument can read a prompt as options", () => {
    const agents = knownAgents({ default: "claude", commands: {} }).filter(({ input }) => input === "argument")
    assert.isNotEmpty(agents)
    for (const { command, name } of agents) {
      const told = withPrompt(command, "--yolo")
      const at = told.indexOf("--yolo")
      assert.isTrue(at === -1 ? told.at(-1) === "--prompt=--yolo" : told[at - 1] === "--", name)
    }
    assert.deepStrictEqual(withPrompt(["echo"], "x"), ["echo", "x"])
    assert.deepStrictEqual(withPrompt(["env", "A="], "x"), ["env", "A=", "x"])
  })

  it.effect("one key's work waits for its like alone, and nothing of it stays", () =>
    Effect.gen(function* () {
      const perKey = makePerKey()
      const done: Array<string> = []
      const gate = yield* Deferred.make<void>()
      const stuck = yield* Effect.forkChild(perKey.run("a", Deferred.await(gate)), { startImmediately: true })
      const behind = yield* Effect.forkChild(
        perKey.run(
          "a",
          Effect.sync(() => done.push("behind"))
        ),
        { startImmediately: true }
      )
      const gone = yield* Effect.forkChild(perKey.run("a", Effect.never), { startImmediately: true })
      yield* perKey.run(
        "b",
        Effect.sync(() => done.push("other"))
      )
      assert.deepStrictEqual(done, ["other"])
      yield* Fiber.interrupt(gone)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(stuck)
      yield* Fiber.join(behind)
      assert.deepStrictEqual(done, ["other", "behind"])
      assert.strictEqual(perKey.size(), 0)
    })
  )
})
