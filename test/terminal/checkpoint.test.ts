import { assert, describe, it } from "vitest"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { kinds } from "./kinds.ts"
import { stateOf } from "./state.ts"

const size = { cols: 20, rows: 6, scrollback: 4 }

describe("a checkpoint", () => {
  it("is the emulator, in every kind of state", () => {
    for (const [kind, stream] of Object.entries(kinds)) {
      const emulator = new Emulator(size)
      emulator.write(Buffer.from(stream))
      const restored = Emulator.fromCheckpoint(emulator.toCheckpoint(), { scrollback: size.scrollback })!
      assert.deepStrictEqual(stateOf(restored), stateOf(emulator), kind)
      assert.deepStrictEqual(restored.text({ styled: true }), emulator.text({ styled: true }), kind)
      assert.deepStrictEqual(restored.toCheckpoint(), emulator.toCheckpoint(), kind)
      assert.strictEqual(restored.written, emulator.written)
    }
  })

  it("says where the stream goes on: before what was unfinished", () => {
    const stream = Buffer.from("text\x1b[31mred \x1b[4")
    const emulator = new Emulator(size)
    emulator.write(stream)
    const restored = Emulator.fromCheckpoint(emulator.toCheckpoint())!
    assert.strictEqual(restored.written, stream.length - 3)
    restored.write(Buffer.concat([stream.subarray(restored.written), Buffer.from("mline")]))
    emulator.write(Buffer.from("mline"))
    assert.deepStrictEqual(stateOf(restored), stateOf(emulator))
  })

  it("keeps the beginning of a line that has gone in part, and the count of those that have gone", () => {
    const first: Array<string> = []
    const second: Array<string> = []
    const emulator = new Emulator(size)
    emulator.onLines((lines) => first.push(...lines.map((line) => line.text)))
    emulator.write(Buffer.from(`one\r\n${"0123456789".repeat(25)}`))
    assert.deepStrictEqual(first, ["one"])
    const restored = Emulator.fromCheckpoint(emulator.toCheckpoint(), { scrollback: size.scrollback })!
    assert.strictEqual(restored.linesLeft, 1)
    assert.strictEqual(restored.text()[0]!.text, "0123456789".repeat(25))
    restored.onLines((lines) => second.push(...lines.map((line) => line.text)))
    restored.write(Buffer.from("\r\n".repeat(20)))
    assert.strictEqual(second[0], "0123456789".repeat(25))
    assert.strictEqual(restored.linesLeft, 1 + second.length)
  })

  it("that can't be read is none", () => {
    const whole = new Emulator(size).toCheckpoint()
    const spoilt = ["", "\n", "{}\n", "nonsense\n", whole.toString().replace('"checkpoint":1', '"checkpoint":99')]
    for (const bytes of spoilt) assert.isUndefined(Emulator.fromCheckpoint(Buffer.from(bytes)), bytes)
    assert.isUndefined(Emulator.fromCheckpoint(whole.subarray(0, 10)))
    assert.isDefined(Emulator.fromCheckpoint(whole))
  })
})
