import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { hasLargeNumber } from "../../src/wire/largeNumbers.ts"
import { isPlainJson, quoted } from "../../src/wire/plainJson.ts"

const isJson = (text: string): boolean => {
  try {
    return !hasLargeNumber(JSON.parse(text))
  } catch {
    return false
  }
}

/** Pieces of JSON in any order: nearly right, and wrong in every way there is. */
const pieces = fc
  .array(
    fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      '"',
      "\\",
      "1",
      "0",
      "-",
      ".",
      "e9",
      "true",
      "null",
      " ",
      "\n"
    ),
    { maxLength: 9 }
  )
  .map((all) => all.join(""))

describe("JSON that is known by its looks", () => {
  it("is JSON, whatever it is made of", () => {
    let plain = 0
    fc.assert(
      fc.property(fc.oneof(pieces, fc.json({ maxDepth: 3 }), fc.string()), (text) => {
        if (!isPlainJson(text)) return
        plain++
        assert.isTrue(isJson(text), text)
      }),
      { numRuns: 20_000 }
    )
    assert.isAbove(plain, 2000)
  })

  it("is what most messages are", () => {
    for (const value of [
      { event: "task-moved", taskId: "1234567890", sent: "56456450424138" },
      { at: 1_763_749_000_123, ok: true, by: null, tags: ["a", "ü"], of: { x: -0.5 } },
      [[1, 2], [3]],
      "text",
      0,
      {},
      []
    ]) {
      assert.isTrue(isPlainJson(JSON.stringify(value)), JSON.stringify(value))
    }
  })

  it("is not what has to be looked at more closely", () => {
    for (const text of [
      '"\\u0000"',
      '"\\',
      "1e400",
      "9".repeat(400),
      " 1",
      '{"a":1,}',
      "01",
      '"a\u0001"',
      "[1]]",
      ""
    ]) {
      assert.isFalse(isPlainJson(text), text)
    }
  })
})

describe("a text as JSON", () => {
  it("is what JSON.stringify makes of it", () => {
    const any = fc.array(
      fc.oneof(fc.nat(0xffff), fc.constantFrom(0x22, 0x5c, 0x1f, 0x7f, 0x2028, 0xd83d, 0xde00, 0x41))
    )
    fc.assert(
      fc.property(any, (units) => {
        const text = String.fromCharCode(...units)
        assert.strictEqual(quoted(text), JSON.stringify(text))
      }),
      { numRuns: 2000 }
    )
    for (let unit = 0; unit <= 0xffff; unit++) {
      const text = `a${String.fromCharCode(unit)}`
      if (quoted(text) !== JSON.stringify(text)) assert.fail(`unit ${unit}`)
    }
  })
})
