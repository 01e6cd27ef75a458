import { assert, describe, it } from "vitest"
import { progressLine } from "../../src/cli/render/progressBar.ts"
import { failureDetails, paramsOf, shownResult } from "../../src/cli/verbs/callArguments.ts"

describe("the arguments of hob call", () => {
  it("are JSON where they are JSON, character for character, and text elsewhere", () => {
    assert.strictEqual(
      paramsOf(["1e400", "12345678901234567890", '{"a": 1, "a": 2}', "tank", '"quoted"', "", "01", "NaN"]),
      '[1e400, 12345678901234567890, {"a": 1, "a": 2}, "tank", "quoted", "", "01", "NaN"]'
    )
    assert.strictEqual(paramsOf([]), "[]")
  })
})

describe("a result of hob call", () => {
  it("is shown as midclt shows it", () => {
    for (const [result, shown] of [
      ["true", "True"],
      ["false", "False"],
      ["null", "null"],
      ["12345678901234567890", "12345678901234567890"],
      ['"a \\"text\\"\\u00e9"', 'a "text"é'],
      ['"no end', '"no end'],
      ["[ NaN ]", "[ NaN ]"]
    ] as const)
      assert.strictEqual(shownResult(result), shown)
  })

  it("that is a failure has its trace and what is beside it, whatever the upstream made of them", () => {
    assert.deepStrictEqual(failureDetails({ trace: '{"formatted": "Traceback\\n  here\\n"}', extra: "[1]" }), [
      "Traceback\n  here",
      "[1]"
    ])
    for (const trace of [null, "7", "{", '{"formatted": 7}', "null"])
      assert.deepStrictEqual(failureDetails({ trace, extra: null }), [])
  })
})

describe("the progress bar", () => {
  it("has forty cells, percent, time and description, on one line that fits", () => {
    const line = progressLine({ percent: 50, description: "step 1/2\nand \u001b[31mmore" }, 65_000, 120)
    assert.strictEqual(line, `[${"#".repeat(20)}${"_".repeat(20)}]  50% 1:05 step 1/2 and more`)
    assert.isAtMost(progressLine({ percent: 100, description: "x".repeat(500) }, 0, 80).length, 79)
    assert.include(progressLine({ percent: null, description: null }, 0, 80), "?")
    assert.include(progressLine({ percent: 250, description: null }, 0, 80), "100%")
  })
})
