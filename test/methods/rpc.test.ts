import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { HobRpcs } from "../../src/protocol/index.ts"
import { STREAMS } from "../../src/methodWorker/Hob.ts"
import { RpcSchema } from "effect/rpc"
import { daemon, failure, method, until, written } from "./support.ts"

const MODULE = `let aborted = 0
  export const greet = async (_, hob) => { hob.progress(10, "asks"); return "Hello " + await hob.prompt({ message: "Name?", default: "Bob" }) }
  export const waits = (_, hob) => new Promise((_, reject) => { hob.emit("begun"); hob.signal.addEventListener("abort", () => { aborted++; reject(hob.signal.reason) }) })
  export const aborts = () => aborted
  export const flood = (_, hob) => { for (let i = 0; i < 5000; i++) hob.emit(i); return "done" }
  export const nothing = () => {}`

describe("methods.*", () => {
  it.live("a call tells progress, asks its own connection alone, and ends with the result", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "a.ts": MODULE })
      const client = yield* hob.connect
      const other = yield* hob.connect
      yield* client["methods.add"]({ file: paths["a.ts"]! })
      const items: Array<any> = []
      const calling = yield* client["methods.call"]({ method: method("greet") }).pipe(
        Stream.runForEach((item) => Effect.sync(() => void items.push(item))),
        Effect.forkChild
      )
      yield* until(
        "it asks",
        Effect.sync(() => items.length === 2)
      )
      const { prompt } = items[1]
      assert.strictEqual((yield* failure(other["methods.answer"]({ prompt, value: "Eve" })))._tag, "UnknownPrompt")
      assert.strictEqual(
        (yield* failure(client["methods.answer"]({ prompt: "999", value: "Eve" })))._tag,
        "UnknownPrompt"
      )
      yield* client["methods.answer"]({ prompt, value: "Ann" })
      yield* Fiber.join(calling)
      assert.deepStrictEqual(items, [
        { type: "progress", percent: 10, description: "asks" },
        { type: "prompt", prompt, question: { message: "Name?", type: "text", default: "Bob" } },
        { type: "result", value: "Hello Ann" }
      ])
      assert.strictEqual((yield* failure(client["methods.answer"]({ prompt, value: "late" })))._tag, "UnknownPrompt")
    })
  )

  it.live("a question that is refused fails the method with the reason", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "a.ts": MODULE })
      const client = yield* hob.connect
      yield* client["methods.add"]({ file: paths["a.ts"]! })
      const error = yield* client["methods.call"]({ method: method("greet") }).pipe(
        Stream.runForEach((item) =>
          item.type === "prompt"
            ? Effect.asVoid(client["methods.answer"]({ prompt: item.prompt, reason: "No terminal." }))
            : Effect.void
        ),
        failure
      )
      assert.strictEqual((error as Error).message, "No terminal.")
    })
  )

  it.live("a connection that ends aborts its calls", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "a.ts": MODULE })
      const client = yield* hob.connect
      yield* client["methods.add"]({ file: paths["a.ts"]! })
      let begun = false
      yield* Effect.gen(function* () {
        const leaving = yield* hob.connect
        yield* leaving["methods.call"]({ method: method("waits") }).pipe(
          Stream.runForEach((item) => Effect.sync(() => void (begun ||= item.type === "emitted"))),
          Effect.forkChild
        )
        yield* until(
          "it runs",
          Effect.sync(() => begun)
        )
      }).pipe(Effect.scoped)
      yield* until(
        "it is aborted",
        Effect.map(hob.call("aborts"), (aborted) => aborted === 1)
      )
    })
  )

  it.live("what a caller is too slow for is left out and counted, and the result is not", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "a.ts": MODULE })
      const client = yield* hob.connect
      yield* client["methods.add"]({ file: paths["a.ts"]! })
      const items = Array.from(yield* Stream.runCollect(client["methods.call"]({ method: method("flood") })))
      assert.deepStrictEqual(items.at(-1), { type: "result", value: "done" })
      const dropped = items.find((item) => item.type === "dropped")
      const emitted = items.filter((item) => item.type === "emitted").length
      assert.strictEqual(emitted + (dropped?.type === "dropped" ? dropped.count : 0), 5000)
      assert.deepStrictEqual(
        Array.from(yield* Stream.runCollect(client["methods.call"]({ method: method("nothing") }))),
        [{ type: "result" }]
      )
    })
  )

  it("methods know which of sessions.* are streams", () => {
    const streams = Array.from(HobRpcs.requests.values())
      .filter(({ _tag, successSchema }) => _tag.startsWith("sessions.") && RpcSchema.isStreamSchema(successSchema))
      .map(({ _tag }) => _tag.slice("sessions.".length))
    assert.sameMembers(streams, [...STREAMS])
  })
})
