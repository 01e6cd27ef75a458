import { assert, describe, it } from "vitest"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { continuations, kinds } from "./kinds.ts"
import { stateOf } from "./state.ts"

const size = { cols: 20, rows: 6, scrollback: 20 }

const after = (...pieces: ReadonlyArray<string | Uint8Array>): Emulator => {
  const emulator = new Emulator(size)
  for (const piece of pieces) emulator.write(typeof piece === "string" ? Buffer.from(piece) : piece)
  return emulator
}

describe("a snapshot brings a fresh terminal into the same state", () => {
  it("a state that was forgotten would be seen", () => {
    const states = Object.values(kinds).map((stream) => JSON.stringify(stateOf(after(stream))))
    assert.strictEqual(new Set(states).size, states.length)
  })

  for (const [kind, stream] of Object.entries(kinds)) {
    it(kind, () => {
      const emulator = after(stream)
      const snapshot = emulator.snapshot()
      const restored = after(snapshot)
      assert.deepStrictEqual(stateOf(restored), stateOf(emulator))
      assert.strictEqual(restored.snapshot().toString(), snapshot.toString())
      for (const next of continuations) {
        assert.deepStrictEqual(stateOf(after(snapshot, next)), stateOf(after(stream, next)))
      }
    })
  }

  it("asks nothing, whatever the state", () => {
    for (const stream of Object.values(kinds)) {
      const restored = new Emulator(size)
      let asked = 0
      restored.onReply(() => asked++)
      restored.write(after(stream).snapshot())
      assert.strictEqual(asked, 0)
    }
  })

  it("of one row, with a line that was wrapped over rows before and whose end was erased", () => {
    for (const background of ["", "\x1b[44m"]) {
      const emulator = new Emulator({ cols: 5, rows: 2, scrollback: 5 })
      emulator.write(Buffer.from(`01234567\x1b[1;5H${background}\x1b[X\x1b[2;4H`))
      emulator.resize(5, 1)
      const restored = new Emulator({ cols: 5, rows: 1, scrollback: 5 })
      restored.write(emulator.snapshot())
      assert.deepStrictEqual(stateOf(restored), stateOf(emulator))
      emulator.resize(20, 1)
      restored.resize(20, 1)
      assert.deepStrictEqual(stateOf(restored), stateOf(emulator))
    }
  })

  it("without history it is the screen alone", () => {
    const emulator = after(kinds["lines above the screen"]!)
    const restored = after(emulator.snapshot({ history: false }))
    assert.deepStrictEqual(stateOf(restored, false), stateOf(emulator, false))
    assert.strictEqual(restored.screen().historyRows, 0)
    assert.strictEqual(emulator.screen().historyRows, 7)
  })

  it("with as much history as is wanted", () => {
    const restored = after(after(kinds["lines above the screen"]!).snapshot({ historyLines: 2 }))
    assert.strictEqual(restored.screen().historyRows, 2)
    assert.strictEqual(restored.text()[0]!.text, "line 5")
  })
})

describe("what is unfinished", () => {
  const cuts: Record<string, readonly [stream: string, pending: number]> = {
    "an escape": ["text\x1b", 1],
    "a control sequence": ["text\x1b[1;3", 5],
    "a title": ["text\x1b]0;half a ti", 13],
    "a title up to the middle of its end": ["text\x1b]0;title\x1b", 10],
    "a control character inside a sequence": ["text\x1b[1\n", 4],
    "a sequence of an eight bit introducer": ["text\u009b1;", 4],
    nothing: ["text", 0]
  }
  for (const [what, [stream, pending]] of Object.entries(cuts)) {
    it(`is counted: ${what}`, () => {
      const emulator = after(stream)
      assert.strictEqual(emulator.pendingBytes, pending)
      const bytes = Buffer.from(stream)
      const rest = "31m;done\x07\x1b\\!"
      const restored = after(emulator.snapshot(), bytes.subarray(bytes.length - pending), rest)
      assert.deepStrictEqual(stateOf(restored), stateOf(after(stream, rest)))
    })
  }

  it("is all of what another sequence abandons, with the control characters in it", () => {
    const emulator = after("text\x1b(\n", "\x1b[3")
    const pending = "\x1b(\n\x1b[3".slice(-emulator.pendingBytes)
    const restored = after(emulator.snapshot(), pending, "1mred")
    assert.deepStrictEqual(stateOf(restored), stateOf(after("text\x1b(\n\x1b[31mred")))
  })

  it("is counted: bytes of a character", () => {
    const bytes = Buffer.from("漢😀")
    for (let end = 0; end <= bytes.length; end++) {
      const emulator = after(bytes.subarray(0, end))
      assert.strictEqual(emulator.pendingBytes, end < 3 ? end : end - 3 === 4 ? 0 : end - 3)
      assert.deepStrictEqual(stateOf(after(bytes.subarray(0, end), bytes.subarray(end))), stateOf(after(bytes)))
    }
  })

  it("is counted however long it is", () => {
    const long = `\x1b]52;c;${"QUJD".repeat(20_000)}`
    const emulator = after("text", long.slice(0, 30_000), long.slice(30_000))
    assert.strictEqual(emulator.pendingBytes, long.length)
    emulator.write(Buffer.from("\x07."))
    assert.strictEqual(emulator.pendingBytes, 0)
    assert.strictEqual(emulator.text()[0]!.text, "text.")
  })
})
