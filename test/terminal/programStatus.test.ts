import { assert, describe, it } from "vitest"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { QueryFilter } from "../../src/terminal/queries.ts"
import type { Sign } from "../../src/terminal/sequences.ts"

const hear = (...pieces: ReadonlyArray<string>) => {
  const emulator = new Emulator({ cols: 20, rows: 5 })
  const replies: Array<string> = []
  const signs: Array<Sign> = []
  emulator.onReply((data) => replies.push(data))
  emulator.onSign((sign) => signs.push(sign))
  for (const piece of pieces) emulator.write(Buffer.from(piece))
  return { replies, signs }
}

const filtered = (text: string): string => Buffer.from(new QueryFilter().push(Buffer.from(text))).toString()

describe("the Program Status Protocol (OSC 7501)", () => {
  it("a program that asks whether anybody listens is answered, once, in its own way", () => {
    assert.deepStrictEqual(hear("\x1b]7501;?\x1b\\").replies, ["\x1b]7501;?\x1b\\"])
    assert.deepStrictEqual(hear("\x1b]7501", ";?\x07").replies, ["\x1b]7501;?\x07"])
    assert.deepStrictEqual(hear("\x1b]7501;?\x1b\\").signs, [])
  })

  it("what it reports is a sign, and is answered by nothing", () => {
    const { replies, signs } = hear("\x1b]7501;state=blocked:kind=permission:app=x\x1b\\")
    assert.deepStrictEqual(signs, [{ sign: "status", text: "state=blocked:kind=permission:app=x" }])
    assert.deepStrictEqual(replies, [])
  })

  it("a client's terminal gets the reports and never the question", () => {
    const report = "\x1b]7501;state=working:app=x\x1b\\"
    assert.strictEqual(filtered(`a\x1b]7501;?\x1b\\b${report}c\x1b]7501;?\x07d`), `ab${report}cd`)
  })
})
