import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { symlinkSync } from "node:fs"
import { join, resolve } from "node:path"
import { daemon, failure, written } from "./support.ts"

const root = resolve(import.meta.dirname, "../..")

describe("what a method declares is checked:", () => {
  it.live("JSON Schema, with where the mistake is; the schema is told to whoever asks", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "json.ts": `export const methods = {
            move: {
              description: "Moves a task",
              timeoutMillis: 100_000,
              params: {
                type: "object",
                properties: { task: { type: "string", pattern: "^t\\\\d+$" }, column: { enum: ["todo", "done"] }, tags: { type: "array", items: { $ref: "#/$defs/tag" } } },
                required: ["task"],
                additionalProperties: false,
                $defs: { tag: { type: "string", maxLength: 3 } }
              },
              result: { type: "object", properties: { moved: { type: "boolean" } }, required: ["moved"] }
            }
          }
          export const move = ({ task }) => task === "t0" ? { moved: "yes" } : { moved: true }`
      })
      const { methods } = yield* hob.add(paths["json.ts"]!)
      assert.deepInclude(methods[0] as object, { method: "move", description: "Moves a task", timeoutMillis: 100_000 })
      assert.containsAllKeys(methods[0]!, ["params", "result"])
      assert.deepStrictEqual(yield* hob.call("move", { task: "t1", column: "done", tags: ["a"] }), { moved: true })
      const wrong: ReadonlyArray<readonly [unknown, RegExp]> = [
        [{}, /task/],
        [{ task: 5 }, /task/],
        [{ task: "x" }, /task/],
        [{ task: "t1", column: "lost" }, /column/],
        [{ task: "t1", tags: ["long!"] }, /tags\.0/],
        [{ task: "t1", more: 1 }, /more/],
        [[], /object/i],
        [null, /object/i]
      ]
      for (const [params, where] of wrong) {
        const error = yield* failure(hob.call("move", params))
        assert.strictEqual(error._tag, "InvalidParams", JSON.stringify(params))
        assert.match(error.message, where)
      }
      const error = yield* failure(hob.call("move", { task: "t0" }))
      assert.strictEqual(error._tag, "InvalidResult")
      assert.match(error.message, /moved/)
    })
  )

  it.live("an Effect Schema decodes parameters and encodes results, by the module's own copy of effect", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { directory, paths } = yield* written({
        "package.json": `{ "type": "module" }`,
        "effect.ts": `import { Schema } from "effect"
          export default class Meetings {
            static methods = {
              next: {
                params: Schema.Struct({ after: Schema.Date, many: Schema.optionalKey(Schema.Int) }),
                result: Schema.Struct({ at: Schema.Date })
              }
            }
            next({ after }: { after: Date }) {
              if (!(after instanceof Date)) throw new Error("not decoded")
              return { at: new Date(after.getTime() + 1000) }
            }
          }`
      })
      symlinkSync(join(root, "node_modules"), join(directory, "node_modules"))
      const { methods } = yield* hob.add(paths["effect.ts"]!)
      assert.strictEqual((methods[0]!.params as any).type, "object")
      assert.deepStrictEqual(yield* hob.call("next", { after: "2026-01-01T00:00:00.000Z" }), {
        at: "2026-01-01T00:00:01.000Z"
      })
      const error = yield* failure(hob.call("next", { after: "2026-01-01T00:00:00.000Z", many: 1.5 }))
      assert.strictEqual(error._tag, "InvalidParams")
      assert.match(error.message, /many/)
    })
  )

  it.live("any Standard Schema, also one that takes its time", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "standard.ts": `const even = { "~standard": { version: 1, vendor: "own", validate: async (value) =>
            typeof value.n === "number" && value.n % 2 === 0 ? { value: { n: value.n / 2 } } : { issues: [{ message: "must be even", path: ["n"] }] } } }
          const breaks = { "~standard": { version: 1, vendor: "own", validate: () => { throw new Error("in the schema") } } }
          export const methods = { half: { params: even }, broken: { params: breaks } }
          export const half = ({ n }) => n
          export const broken = () => 1`
      })
      yield* hob.add(paths["standard.ts"]!)
      assert.strictEqual(yield* hob.call("half", { n: 4 }), 2)
      const error = yield* failure(hob.call("half", { n: 3 }))
      assert.strictEqual(error._tag, "InvalidParams")
      assert.include(error.message, "n: must be even")
      assert.strictEqual((yield* failure(hob.call("broken", { n: 3 }))).message, "in the schema")
    })
  )

  it.live("a method's own time limit holds where its caller names none", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_GRACE_MILLIS: "10000", HOB_METHODS_UNATTENDED_MILLIS: "150" })
      const { paths } = yield* written({
        "slow.ts": `export const methods = { slow: { timeoutMillis: 100 } }
          const wait = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
          export const slow = wait
          export const any = wait`
      })
      yield* hob.add(paths["slow.ts"]!)
      assert.include((yield* failure(hob.call("slow"))).message, "100 ms")
      assert.include((yield* failure(hob.call("slow", {}, { timeoutMillis: 50 }))).message, " 50 ms")
      // Jobs and webhooks have a limit where nobody else says one; people have none.
      assert.include((yield* failure(hob.call("any", {}, { caller: { kind: "job" } }))).message, "150 ms")
    })
  )
})
