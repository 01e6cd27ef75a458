import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { PlainText, plainLine } from "../../src/cli/render/plain.ts"

describe("output as plain text", () => {
  it("reads a line as it would stand in the end", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["plain", "plain"],
      ["line end\r", "line end"],
      ["\x1b[1;31mred\x1b[0m text", "red text"],
      ["\x1b]0;title\x07after", "after"],
      ["\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
      ["10%\r50%\r100%", "100%"],
      ["longer text\rshort", "shorter text".replace("shorter", "shortr")],
      ["downloading 10%\r\x1b[Kdone", "done"],
      ["half\r\x1b[2Knew", "new"],
      ["abc\b\bX", "aXc"],
      ["bell\x07", "bell"],
      ["tab\tkept", "tab\tkept"],
      ["日本\r語", "語本"]
    ]
    for (const [line, expected] of table) assert.strictEqual(plainLine(line), expected, JSON.stringify(line))
  })

  it("does not depend on where the output is cut, not even inside a character or a sequence", () => {
    const output = Buffer.from("héllo \x1b[31mwörld\x1b[0m\r\n10%\r100%\r\n日本語\r\nlast without end")
    const expected = "héllo wörld\n100%\n日本語\nlast without end\n"
    fc.assert(
      fc.property(fc.array(fc.nat(output.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), output.length]
        const text = new PlainText()
        const lines = at.slice(1).map((end, index) => text.push(output.subarray(at[index], end)))
        assert.strictEqual(lines.join("") + text.end(), expected)
      })
    )
  })

  it("a line without end is given out in pieces: nothing grows with it", () => {
    const text = new PlainText()
    const piece = Buffer.alloc(300_000, "x")
    let given = ""
    for (let count = 0; count < 10; count++) given += text.push(piece)
    assert.isAbove(given.length, 1_000_000)
    assert.strictEqual((given + text.end()).replaceAll("\n", "").length, 3_000_000)
  })
})
