import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { daemon, failure, method, written } from "./support.ts"

/** What a method does; what it fails with, or undefined where it returns 1. */
type Odd = readonly [name: string, body: string, reason?: RegExp]

/** None of them ends the process that they share. */
const odd = (name: string, cases: ReadonlyArray<Odd>) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_RESULT_BYTES: String(1024 * 1024) })
      const { paths } = yield* written({
        "odd.ts": [
          ...cases.map(([, body], index) => `export function odd${index}(_, hob) { ${body} }`),
          "export const pid = () => process.pid"
        ].join("\n")
      })
      yield* hob.add(paths["odd.ts"]!)
      const before = yield* hob.call("pid")
      for (const [index, [what, , reason]] of cases.entries()) {
        const called = hob.call(method(`odd${index}`), {}, { prompt: () => Effect.succeed("an answer") })
        if (reason === undefined) assert.strictEqual(yield* called, 1, what)
        else assert.match((yield* failure(called)).message, reason, what)
        assert.strictEqual(yield* hob.call("pid"), before, what)
      }
    })
  )

describe("a call fails alone, and its process goes on,", () => {
  odd("when its result can't be read", [
    ["a getter", "return { get x() { throw new Error('in the getter') } }", /in the getter/],
    ["a proxy", "return new Proxy({}, { ownKeys() { throw new Error('in the trap') } })", /in the trap/],
    ["no error", "return { get x() { throw Object.create(null) } }", /can't be answered/],
    ["maybe a promise", "return { get then() { throw new Error('in then') } }", /in then/]
  ])

  odd("when what it throws can't be told as it is", [
    ["a message that is no text", "throw Object.assign(new Error(), { message: { a: 1 } })", /a: 1/],
    ["an error without anything", "throw Object.setPrototypeOf(new Error('x'), null)", /./],
    ["a message that throws", "throw { get message() { throw 1 } }", /./]
  ])

  odd("when nobody could be asked what it asks", [
    ["no such type", "return hob.prompt({ message: 'x', type: 'colour' })", /"colour".*text, confirm or select/],
    ["a choice of nothing", "return hob.prompt({ message: 'x', options: [] })", /needs options/],
    ["a choice without options", "return hob.prompt({ message: 'x', type: 'select' })", /needs options/],
    ["no JSON", "return hob.prompt({ message: 'x', default: 1n })", /BigInt/],
    ["options that are none", "return hob.prompt({ message: 'x', options: 7 })", /needs options/],
    ["no question", "return hob.prompt()", /question/],
    ["too long", "return hob.prompt('x'.repeat(3_000_000))", /question is .* bytes long/]
  ])

  odd("when what it says is too long", [
    ["emitted", "hob.emit('x'.repeat(3_000_000)); return 1"],
    ["progress", "hob.progress(1, 'x'.repeat(3_000_000)); return 1"],
    ["published", "return hob.publish('c', 'x'.repeat(3_000_000))", /published.* bytes long/]
  ])
})

describe("a class finds on `this`", () => {
  it.live("where it is, what was called, and on whose behalf", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "where.ts": `export default class {
            where() { return [this.namespace, this.method, this.caller.kind] }
          }`
      })
      yield* hob.add(paths["where.ts"]!)
      assert.deepStrictEqual(yield* hob.call("where"), ["default", "where", "person"])
    })
  )
})
