import { assert, describe, it } from "vitest"
import { QueryFilter } from "../../src/cli/terminal/queries.ts"

const filter = (...pieces: ReadonlyArray<string>) => {
  const queries = new QueryFilter()
  const shown = pieces.map((piece) => queries.push(Buffer.from(piece, "latin1")).toString("latin1"))
  return shown.join("") + queries.end().toString("latin1")
}

const questions = [
  "\x1b[c",
  "\x1b[0c",
  "\x1b[>c",
  "\x1b[>0c",
  "\x1b[=c",
  "\x1b[5n",
  "\x1b[6n",
  "\x1b[?6n",
  "\x1b[?2026$p",
  "\x1b[>q",
  "\x1b[>0q",
  "\x1b[?u",
  "\x1b[14t",
  "\x1b[18t",
  "\x1b[21t",
  "\x1b]10;?\x07",
  "\x1b]11;?\x1b\\",
  "\x1b]4;7;?\x1b\\",
  "\x1bP$qm\x1b\\",
  "\x1bP+q544e\x1b\\",
  "\x05"
]

describe("replayed output", () => {
  it("asks the terminal nothing: a second answer would be typed into the session", () => {
    for (const question of questions) assert.strictEqual(filter(`a${question}b`), "ab", JSON.stringify(question))
  })

  it("asks nothing wherever it is cut", () => {
    for (const question of questions) {
      for (let cut = 1; cut < question.length; cut++) {
        assert.strictEqual(
          filter(`a${question.slice(0, cut)}`, `${question.slice(cut)}b`),
          "ab",
          JSON.stringify([question, cut])
        )
      }
    }
  })

  it("is otherwise shown as it is", () => {
    const output =
      "\x1b[1;31mred\x1b[m\x1b[?1049h\x1b[2;5H\x1b[22;0t\x1b]0;title\x07\x1b]11;#000\x07\x1b[?25l\x1b[4 q\x1b[>1u text\r\n"
    assert.strictEqual(filter(output), output)
    for (let cut = 1; cut < output.length; cut++)
      assert.strictEqual(filter(output.slice(0, cut), output.slice(cut)), output)
  })
})
