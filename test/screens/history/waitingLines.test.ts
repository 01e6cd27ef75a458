import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { WaitingLines } from "../../../src/screens/history/WaitingLines.ts"

describe("lines that wait to be written", () => {
  it("are their UTF-8, each ended by LF, however many there are and have been", () => {
    const lines = fc.array(fc.string({ unit: "binary", maxLength: 3000 }), { maxLength: 20 })
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 3 }), (turns) => {
        const waiting = new WaitingLines()
        for (const turn of turns) {
          for (const line of turn) waiting.add(line)
          const expected = Buffer.from(turn.map((line) => `${line}\n`).join(""))
          assert.isTrue(waiting.bytes.equals(expected))
          assert.deepStrictEqual([waiting.count, waiting.length], [turn.length, expected.length])
          waiting.clear()
        }
      })
    )
  })

  it("one that is too long is cut off at a character", () => {
    const cut = (line: string, mostBytes: number) => {
      const waiting = new WaitingLines()
      waiting.add(line, mostBytes)
      return waiting.bytes.toString()
    }
    assert.strictEqual(cut("abcd", 5), "abcd\n")
    assert.strictEqual(cut("abcde", 5), "abcd\n")
    assert.strictEqual(cut("ab€d", 5), "ab\n")
    assert.strictEqual(cut("a😀", 5), "a\n")
    assert.strictEqual(cut("😀", 5), "😀\n")
  })
})
