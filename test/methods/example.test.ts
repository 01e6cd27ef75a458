import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { read } from "../support/tree.ts"
import { daemon, failure, written } from "./support.ts"

const block = /```ts\n([^]*?)```/.exec(read("docs/methods.md"))![1]!

describe("the example of docs/methods.md", () => {
  it("is the file that the compiler sees", () => {
    const file = read(join("test", "methods", "example", "board.ts"))
      .replace("../../../src/methodWorker/types.ts", "hob/methods")
      .replace(/\/\/ oxlint-disable.*\n/, "")
    assert.strictEqual(block, file)
  })

  it.live("runs as it stands", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "board.ts": block })
      const { methods } = yield* hob.add(paths["board.ts"]!)
      assert.deepStrictEqual(
        methods.map(({ method }) => method),
        ["add", "clear", "build"]
      )
      assert.deepStrictEqual(yield* hob.call("add", { title: "one" }), { id: 1, title: "one", column: "todo" })
      yield* hob.call("add", { title: "two", column: "done" })
      assert.strictEqual((yield* failure(hob.call("add", { title: "" })))._tag, "InvalidParams")
      assert.strictEqual((yield* failure(hob.call("add", { title: "x", column: "lost" })))._tag, "InvalidParams")
      const progress: Array<unknown> = []
      const removed = yield* hob.call(
        "clear",
        {},
        { prompt: () => Effect.succeed(true), onProgress: (each) => progress.push(each) }
      )
      assert.deepStrictEqual(removed, { removed: 1 })
      assert.deepStrictEqual(progress, [{ percent: 0, description: "two" }])
      assert.deepStrictEqual(yield* hob.call("clear", {}, { prompt: () => Effect.succeed(false) }), { removed: 0 })
      assert.strictEqual(((yield* hob.call("build", { command: ["make"] })) as { running: number }).running, 1)
      const client = yield* hob.connect
      const { channels } = yield* client["channels.list"]({})
      assert.deepInclude(channels[0] as object, { channel: "board:main", events: 3 })
    })
  )
})
