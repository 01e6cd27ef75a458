import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { elements, members, memberText } from "../../src/wire/members.ts"

const space = fc.constantFrom("", " ", "\t", " \r\n ")
const name = fc.string({ maxLength: 6, unit: fc.constantFrom("a", "é", '"', "\\", ":", ",", "{", "\u{1F600}") })
/** A JSON value as somebody else may write it. */
const value = fc.oneof(
  fc.json({ maxDepth: 3 }),
  fc.constantFrom("1.0", "1e400", "-0", "9007199254740993", '"\\u00e9\\\\"', "[ ]", '{ "a" : [ "]" ] }')
)

describe("the members of an object", () => {
  it("are found as they are written, in order, those of the same name among them", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), space, (entries, gap) => {
        const pairs = entries.map(([key, text]) => `${gap}${JSON.stringify(key)}${gap}:${gap}${text}${gap}`)
        const json = `${gap}{${pairs.join(",") || gap}}${gap}`
        assert.deepStrictEqual(
          members(json).map(({ end, key, start }) => [key, json.slice(start, end)]),
          entries
        )
      })
    )
  })

  it("are asked for by name; of several the last counts, as for JSON.parse", () => {
    assert.strictEqual(memberText('{"a":1,"b":{"a":2},"a":3.0}', "a"), "3.0")
    assert.strictEqual(memberText('{"\\u0061":9007199254740993}', "a"), "9007199254740993")
    assert.isUndefined(memberText('{"b":{"a":2}}', "a"))
    assert.isUndefined(memberText("{}", "a"))
  })
})

describe("the elements of an array", () => {
  it("are found as they are written", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 6 }), space, (entries, gap) => {
        const json = `${gap}[${entries.map((entry) => `${gap}${entry}${gap}`).join(",") || gap}]${gap}`
        assert.deepStrictEqual(elements(json), entries)
      })
    )
  })
})
