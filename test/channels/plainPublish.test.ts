import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { readPlainPublish } from "../../src/channels/plainPublish.ts"
import { Publish } from "../../src/protocol/channels.ts"
import { memberText } from "../../src/wire/members.ts"

const decode = Schema.decodeUnknownOption(Publish.payloadSchema)

/** What the schema makes of it; none where it is no JSON. */
const bySchema = (text: string) => Option.flatMap(Option.liftThrowable(() => JSON.parse(text) as unknown)(), decode)

const large = ["1e400", "-1E+400", "[1e9]", `${"9".repeat(250)}e99`, "1".repeat(400), "1e-400", '"1e400"', "-0"]
const more = ["", " 1", "1 ", "1 2", "}", "nul", '1,"message":2', '1,"namespace":"n"', '1,"channel":"other"']
const odd = [...large, ...more]

describe("the short way of reading a publish", () => {
  it("reads what the schema reads, or nothing", () => {
    const name = fc.oneof(
      fc.constantFrom("a", "a:b", "", "a::b", "*", "a:**", "é", "x".repeat(600), "a\\nb", 'a"b', "locks:a", "a\u0001"),
      fc.string({ maxLength: 5 })
    )
    const message = fc.oneof(fc.json({ maxDepth: 3 }), fc.constantFrom(...odd))
    const text = fc
      .tuple(name, message, fc.constantFrom("}", "", "]", "} ", "}}"))
      .map(([channel, json, end]) => `{"channel":"${channel}","message":${json}${end}`)
    let quick = 0
    fc.assert(
      fc.property(
        text.map((it) => it.toWellFormed()),
        (text) => {
          const plain = readPlainPublish(text)
          if (plain === undefined) return
          quick++
          const { channel, message } = plain.payload
          assert.deepStrictEqual(Option.some({ channel, message }), bySchema(text) as Option.Option<object>, text)
          assert.strictEqual(plain.texts["message"], memberText(text, "message"))
        }
      ),
      { numRuns: 10_000 }
    )
    assert.isAbove(quick, 200)
  })
})
