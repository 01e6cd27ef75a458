import * as fc from "fast-check"
import { execFileSync } from "node:child_process"
import { assert, describe, it } from "vitest"
import { dumps, itemsOf, parsePython, PythonError, Raw, repr, strip } from "../../../src/dialects/midclt/python.ts"
import { needs } from "../../support/needs.ts"

/** What Python says of a text, taken down; null where it reads it. */
const said: ReadonlyArray<readonly [text: string, error: string | null]> = [
  ["not json", "Expecting value: line 1 column 1 (char 0)"],
  ["{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
  ["[", "Expecting value: line 1 column 2 (char 1)"],
  ["[1,]", "Expecting value: line 1 column 4 (char 3)"],
  ["[1 2]", "Expecting ',' delimiter: line 1 column 4 (char 3)"],
  ["[1", "Expecting ',' delimiter: line 1 column 3 (char 2)"],
  ['{"a":1,}', "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)"],
  ['{"a" 1}', "Expecting ':' delimiter: line 1 column 6 (char 5)"],
  ['{"a":1', "Expecting ',' delimiter: line 1 column 7 (char 6)"],
  ["{1:2}", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"],
  ['"abc', "Unterminated string starting at: line 1 column 1 (char 0)"],
  ['"\\', "Unterminated string starting at: line 1 column 1 (char 0)"],
  ['"a\\q"', "Invalid \\escape: line 1 column 3 (char 2)"],
  ['"a\\u12"', "Invalid \\uXXXX escape: line 1 column 4 (char 3)"],
  ['"a\\u12zz"', "Invalid \\uXXXX escape: line 1 column 4 (char 3)"],
  ['"a\x01"', "Invalid control character at: line 1 column 3 (char 2)"],
  ["nul", "Expecting value: line 1 column 1 (char 0)"],
  ["1 2", "Extra data: line 1 column 3 (char 2)"],
  ["01", "Extra data: line 1 column 2 (char 1)"],
  ["-", "Expecting value: line 1 column 1 (char 0)"],
  ['{"a":\n\n x}', "Expecting value: line 3 column 2 (char 8)"],
  ['"\u00e9\u{1f600}" x', "Extra data: line 1 column 6 (char 5)"],
  ['[NaN, Infinity, -Infinity, 1e400, -0, 1.5E+3, {"1": null, "a": [true, false]}]', null]
]

/** What it is refused with; null for a value. */
const problemOf = (text: string): string | null => {
  try {
    parsePython(text)
    return null
  } catch (error) {
    if (error instanceof PythonError) return error.message
    throw error
  }
}

describe("JSON as Python reads it", () => {
  it("is refused in Python's words", () => {
    for (const [text, error] of said) assert.strictEqual(problemOf(text), error, text)
  })

  needs("python3")("agrees with Python on texts that somebody has damaged", () => {
    const damaged = fc.sample(
      fc
        .tuple(
          fc.json({ maxDepth: 3 }),
          fc.nat(),
          fc.constantFrom("", '"', "{", "]", ",", ":", "\\", "\\u00", "\x02", " 1", "tru", "-", "é", "\u{1f600}", "\n")
        )
        .map(([json, at, put]) => {
          const cut = [...json]
          cut.splice(at % (cut.length + 1), put === "" ? 1 : 0, put)
          return cut.join("")
        })
        // A set is not what it seems, and the stand for one is not made by chance.
        .filter((text) => !/[\ud800-\udfff]/.test(text.replaceAll(/[\ud800-\udbff][\udc00-\udfff]/g, ""))),
      { numRuns: 1500, seed: 7 }
    )
    const program = [
      "import json, sys",
      "def say(text):",
      "  try: json.loads(text)",
      "  except json.JSONDecodeError as e: return str(e)",
      "print(json.dumps([say(text) for text in json.load(sys.stdin)]))"
    ].join("\n")
    const expected = JSON.parse(
      execFileSync("python3", ["-c", program], { input: JSON.stringify(damaged), encoding: "utf8" })
    ) as ReadonlyArray<string | null>
    assert.isAbove(expected.filter((error) => error !== null).length, 500)
    damaged.forEach((text, at) => {
      // Later versions of Python have words of their own for a comma that closes a list.
      if (expected[at]?.startsWith("Illegal trailing comma") === true) assert.isNotNull(problemOf(text))
      else assert.strictEqual(problemOf(text), expected[at], JSON.stringify(text))
    })
  })

  it("keeps the characters of what it has read", () => {
    const text = '[12345678901234567890, 1e400, -0, {"2":1,"1":2,"1":3}, "\\u00e9\\ud800"]'
    const value = parsePython(` ${text} `)
    assert.strictEqual(value.text, text)
    assert.deepStrictEqual(
      itemsOf(value)!.map(({ kind }) => kind),
      ["int", "float", "int", "dict", "str"]
    )
  })

  it("has a set where a dict says so, in which nothing is that can change", () => {
    assert.strictEqual(parsePython('{"$set":[1,"a"]}').kind, "set")
    assert.strictEqual(parsePython('{"$set":[1],"b":2}').kind, "dict")
    assert.strictEqual(problemOf('{"$set":[{"a":1}]}'), "Error parsing $set: unhashable type: 'dict'")
    assert.strictEqual(problemOf('{"$set":[[1]]}'), "Error parsing $set: unhashable type: 'list'")
    assert.strictEqual(problemOf('{"$set":[{"$set":[]}]}'), "Error parsing $set: unhashable type: 'set'")
    assert.strictEqual(problemOf('{"$set":5}'), "Error parsing $set: 'int' object is not iterable")
  })
})

describe("what Python writes", () => {
  it("has a space behind each comma and colon, and is ASCII, but for what came from elsewhere", () => {
    const value = {
      type: "error",
      error: "é\u{1f600}\x7f",
      extra: new Raw('{"a":1e400,"é":[]}'),
      trace: null,
      n: [1, 2.5]
    }
    assert.strictEqual(
      dumps(value),
      '{"type": "error", "error": "\\u00e9\\ud83d\\ude00\\u007f", "extra": {"a":1e400,"é":[]}, "trace": null, "n": [1, 2.5]}'
    )
  })

  it("shows a value as repr does", () => {
    const shown = (text: string) => repr(parsePython(text))
    assert.strictEqual(shown('[null, true, 1.5, "it\'s", {"a": "b"}]'), `[None, True, 1.5, "it's", {'a': 'b'}]`)
    assert.strictEqual(shown('"\\n\\u0001\\u200b é"'), "'\\n\\x01\\u200b é'")
  })

  it("strips what Python takes for blank", () => {
    assert.strictEqual(strip(" \t\x1c\u00a0\u2003x y\r\n"), "x y")
    assert.strictEqual(strip("\ufeffx"), "\ufeffx")
  })
})
