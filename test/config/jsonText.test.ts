import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { parseJsonText } from "../../src/config/jsonText.ts"

const mistake = (text: string): string => {
  const parsed = parseJsonText(text)
  return "problem" in parsed ? `${parsed.place.line}:${parsed.place.column} ${parsed.problem}` : "none"
}

const accepts = (text: string) => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe("JSON written by hand", () => {
  it("is read as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(0, 2, "\t"), (value, space) => {
        const text = JSON.stringify(value, null, space)
        const parsed = parseJsonText(text)
        assert.deepStrictEqual("value" in parsed ? parsed.value : parsed, JSON.parse(text))
      }),
      { numRuns: 500 }
    )
  })

  it("is refused exactly where JSON.parse refuses it", () => {
    const broken = fc
      .tuple(fc.json(), fc.nat(), fc.string({ unit: "binary", maxLength: 2 }))
      .map(([text, at, into]) => {
        const position = at % (text.length + 1)
        return text.slice(0, position) + into + text.slice(position + 1)
      })
    fc.assert(
      fc.property(broken, (text) => {
        const problem = mistake(text)
        if (problem.includes("is there twice")) return
        assert.strictEqual(problem === "none", accepts(text), text)
      }),
      { numRuns: 3000 }
    )
  })

  it("tells where its keys are", () => {
    const parsed = parseJsonText('{\n  "a": {\n    "b": [{"c": 1}], "d": 2\n  }\n}')
    const places =
      "places" in parsed ? [...parsed.places].map(([key, { column, line }]) => `${key} ${line}:${column}`) : []
    assert.deepStrictEqual(places, ["a 2:3", "a.b 3:5", "a.b[0].c 3:12", "a.d 3:22"])
  })

  const mistakes: Record<string, string> = {
    "": "1:1 expected a value where the text ends",
    "{": "1:2 expected a key in double quotes where the text ends",
    "{a: 1}": '1:2 expected a key in double quotes where "a" stands',
    "{'a': 1}": `1:2 expected a key in double quotes where "'" stands`,
    '{"a" 1}': '1:6 expected ":" where "1" stands',
    '{"a": }': '1:7 expected a value where "}" stands',
    '{"a": 1 "b": 2}': '1:9 expected "," or "}" where """ stands',
    '{"a": 1,}': '1:9 expected another one behind the "," where "}" stands',
    "[1,]": '1:4 expected another one behind the "," where "]" stands',
    '{"a": 1}\n}': "2:1 expected nothing more",
    '{"a": 01}': '1:7 expected a value where "0" stands',
    '{"a": True}': '1:7 expected a value where "T" stands',
    '{\n // no\n"a": 1}': '2:2 expected a key in double quotes where "/" stands',
    '{"a": // no\n 1}': "1:7 JSON has no comments",
    '{"a": "x\ny"}': "1:7 a string that does not end on its line, or with a bad escape (a \\ is written \\\\)",
    '{"a": "C-\\"}': "1:7 a string that does not end on its line, or with a bad escape (a \\ is written \\\\)",
    '{"a": 1, "a": 2}': '1:10 "a" is there twice',
    "\u00a0{}": '1:1 expected a value where "\u00a0" stands'
  }
  for (const [text, expected] of Object.entries(mistakes)) {
    it(`points at the mistake in ${JSON.stringify(text)}`, () => assert.strictEqual(mistake(text), expected))
  }

  it("nests no deeper than anybody would write", () => {
    assert.strictEqual(mistake("[".repeat(64) + "]".repeat(64)), "none")
    assert.strictEqual(mistake("[".repeat(100_000)), "1:65 nested deeper than 64")
  })
})
