import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { ModeTracker } from "../../src/cli/terminal/modes.ts"

const restore = (...outputs: ReadonlyArray<string>) => {
  const tracker = new ModeTracker()
  for (const output of outputs) tracker.push(Buffer.from(output, "latin1"))
  return tracker.restore()
}

describe("what a session switched on in the terminal", () => {
  it("is nothing when it only printed, and then nothing is written", () => {
    assert.strictEqual(
      restore("hello\r\n", "\x1b[1mbold\x1b[0m \x1b[32mgreen\x1b[m\r\n", "\x1b[2J\x1b[H\x1b[5;5Hx"),
      ""
    )
  })

  it("is switched off, each thing with its own opposite", () => {
    const table: ReadonlyArray<readonly [string, string]> = [
      ["\x1b[?1049h", "\x1b[?1049l"],
      ["\x1b[?47h", "\x1b[?47l"],
      ["\x1b[?25l", "\x1b[?25h"],
      ["\x1b[?7l", "\x1b[?7h"],
      ["\x1b[?1h\x1b=", "\x1b[?1l\x1b>"],
      ["\x1b[?1000;1006h", "\x1b[?1000l\x1b[?1006l"],
      ["\x1b[?2004h", "\x1b[?2004l"],
      ["\x1b[?1004h", "\x1b[?1004l"],
      ["\x1b[?2026h", "\x1b[?2026l"],
      ["\x1b[31m", "\x1b[0m"],
      ["\x1b[4h", "\x1b[4l"],
      ["\x1b(0", "\x1b(B\x0f"],
      ["\x1b[5;20r", "\x1b7\x1b[r\x1b8"],
      ["\x1b[?6h", "\x1b[?6l"],
      ["\x1b[>1u", "\x1b[<1u"],
      ["\x1b[>1u\x1b[>5u\x1b[<u", "\x1b[<1u"],
      ["\x1b[>4;2m", "\x1b[>4;0m"],
      ["\x1b[4 q", "\x1b[0 q"],
      ["\x1b]11;#000000\x07", "\x1b]111\x1b\\"],
      ["\x1b]8;;http://x\x1b\\link", "\x1b]8;;\x1b\\"]
    ]
    for (const [output, expected] of table) assert.strictEqual(restore(output), expected, JSON.stringify(output))
  })

  it("is forgotten once the session has switched it off itself, or reset the terminal", () => {
    const on = "\x1b[?1049h\x1b[?25l\x1b[?1002h\x1b[>1u\x1b[4 q\x1b[31m"
    assert.strictEqual(restore(on, "\x1b[m\x1b[0 q\x1b[<u\x1b[?1002l\x1b[?25h\x1b[?1049l"), "")
    assert.strictEqual(restore(on, "\x1bc"), "")
  })

  it("the keyboard's stack is popped on the screen it was pushed on", () => {
    assert.strictEqual(restore("\x1b[>1u\x1b[?1049h\x1b[>1u\x1b[>1u"), "\x1b[<2u\x1b[?1049l\x1b[<1u")
  })

  it("asking for a colour changes nothing", () => {
    assert.strictEqual(restore("\x1b]11;?\x1b\\\x1b]4;1;?\x07"), "")
  })

  it("text in strings is not taken for sequences, and a string that was cut off is ended", () => {
    assert.strictEqual(restore("\x1b]0;title with [?25l in it\x07"), "")
    assert.strictEqual(restore("\x1bPq#0;2;0;0;0[?25l\x1b\\"), "")
    assert.strictEqual(restore("\x1b]0;half a title"), "\x18\x1b\\")
    assert.strictEqual(restore("\x1b[?25"), "\x18\x1b\\")
  })

  it("does not depend on where the output is cut", () => {
    const output = "a\x1b[?1049h\x1b[?25lb\x1b]11;#123456\x1b\\\x1b[>1u\x1b(0c\x1b[2;9r\x1b[31m\x1b]8;;u\x07\x1b[?2004h"
    const whole = restore(output)
    assert.notStrictEqual(whole, "")
    fc.assert(
      fc.property(fc.array(fc.nat(output.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), output.length]
        const parts = at.slice(1).map((end, index) => output.slice(at[index], end))
        assert.strictEqual(restore(...parts), whole)
      })
    )
  })

  it("does not depend on how a sequence is read, whole or byte by byte", () => {
    const piece = fc.oneof(
      fc.constantFrom("\x1b[", "\x1b", ";", ":", "?", ">", " ", "0", "1", "4", "25", "\x18", "\r", "text"),
      fc.constantFrom(..."@ABCDEFGHIJKLMPSTXZ`abcdfghilmnpqrstux")
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const output = pieces.join("")
        assert.strictEqual(restore(...output), restore(output), JSON.stringify(output))
      }),
      { numRuns: 2000 }
    )
  })

  it("restoring leaves nothing to restore", () => {
    const sequence = fc.constantFrom(
      "\x1b[?1049h",
      "\x1b[?1049l",
      "\x1b[?25l",
      "\x1b[?6h",
      "\x1b[3;9r",
      "\x1b[>1u",
      "\x1b[<u",
      "\x1b[=5u",
      "\x1b[1m",
      "\x1b(0",
      "\x1b]12;red\x07",
      "\x1b[?2026h",
      "\x1b[2 q",
      "\x1b]8;;u\x07",
      "\x1b=",
      "\x1b[4h",
      "text",
      "\x1b[>4;1m",
      "\x1b["
    )
    fc.assert(
      fc.property(fc.array(sequence, { maxLength: 20 }), (sequences) => {
        const tracker = new ModeTracker()
        tracker.push(Buffer.from(sequences.join(""), "latin1"))
        tracker.push(Buffer.from(tracker.restore(), "latin1"))
        assert.strictEqual(tracker.restore(), "")
      })
    )
  })
})
