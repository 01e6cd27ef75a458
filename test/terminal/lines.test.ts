import { assert, describe, it } from "vitest"
import { Emulator } from "../../src/terminal/Emulator.ts"

const make = (options = {}) => {
  const emulator = new Emulator({ cols: 10, rows: 3, scrollback: 2, ...options })
  const gone: Array<{ text: string; styled: string }> = []
  emulator.onLines((lines) => gone.push(...lines))
  const write = (text: string) => emulator.write(Buffer.from(text))
  const texts = () => gone.map((line) => line.text)
  /** What has gone, and what is still there. */
  const all = () => [...texts(), ...emulator.text().map((line) => line.text)]
  return { emulator, gone, write, texts, all }
}

describe("lines that go off the top", () => {
  it("go once what is kept is full, in order", () => {
    const { write, texts, all } = make()
    write("1\r\n2\r\n3\r\n4\r\n5")
    assert.deepStrictEqual(texts(), [])
    write("\r\n6\r\n7")
    assert.deepStrictEqual(texts(), ["1", "2"])
    assert.deepStrictEqual(all(), ["1", "2", "3", "4", "5", "6", "7"])
  })

  it("that were wrapped over rows go as one, once their last row goes", () => {
    const { write, texts, all } = make()
    const long = "a long line that takes four rows here"
    write(`${long}\r\nx\r\ny`)
    assert.deepStrictEqual(texts(), [])
    assert.deepStrictEqual(all(), [long, "x", "y"])
    write("\r\nz\r\n1\r\n2\r\n3")
    assert.deepStrictEqual(all(), [long, "x", "y", "z", "1", "2", "3"])
    assert.strictEqual(texts()[0], long)
  })

  it("have no blank where a wide character had no room, and blanks where a row was erased", () => {
    const { write, all } = make()
    write("123456789漢!\r\n")
    write("1234567890abc\x1b[A\x1b[8G\x1b[K\x1b[2B\r\n\r\nx")
    assert.deepStrictEqual(all(), ["123456789漢!", "1234567   abc", "", "x"])
  })

  it("have their styles and links", () => {
    const { gone, write } = make()
    write("\x1b[1;31mred\x1b[m plain\r\n\x1b]8;id=1;http://x/\x1b\\link\x1b]8;;\x1b\\\r\nplain\r\n\r\n\r\n\r\n\r\n")
    assert.deepStrictEqual(gone[0], { text: "red plain", styled: "\x1b[1;31mred\x1b[m plain" })
    assert.strictEqual(gone[1]!.styled, "\x1b]8;id=1;http://x/\x1b\\link\x1b]8;;\x1b\\")
    assert.strictEqual(gone[2]!.styled, gone[2]!.text)
  })

  it("don't come from the alternate screen, nor from a region below the top", () => {
    const { write, texts } = make()
    write(`\x1b[?1049h${"x\r\n".repeat(20)}\x1b[?1049l\x1b[2;3r\x1b[3;1H${"y\r\n".repeat(20)}`)
    assert.deepStrictEqual(texts(), [])
  })

  it("go when a program erases what is kept", () => {
    const { write, texts } = make()
    write("1\r\n2\r\n3\r\n4\r\n5\x1b[H\x1b[2J\x1b[3J6")
    assert.deepStrictEqual(texts(), ["1", "2"])
  })

  it("go all with a reset", () => {
    const { write, texts, all } = make()
    write("1\r\n2\r\n3\r\n4\r\n\x1bc5")
    assert.deepStrictEqual(texts(), ["1", "2", "3", "4"])
    assert.deepStrictEqual(all(), ["1", "2", "3", "4", "5"])
  })

  it("go when a narrower screen needs more rows, and none is lost or told twice", () => {
    const { emulator, write, all } = make({ cols: 20 })
    const lines = ["a line of twenty cell", "b another of these too", "c and a third one here", "end"]
    write(lines.join("\r\n"))
    emulator.resize(5, 3)
    assert.deepStrictEqual(all(), lines)
    emulator.resize(40, 2)
    write("\r\n1\r\n2")
    assert.deepStrictEqual(all(), [...lines, "1", "2"])
  })

  it("that never end go in pieces", () => {
    const { write, gone, all } = make({ cols: 100 })
    write("x".repeat(200_000))
    assert.isAbove(gone.length, 1)
    assert.strictEqual(all().join("").length, 200_000)
  })
})

describe("the text of a terminal", () => {
  it("says where its lines are, and which rows they take", () => {
    const { emulator, write } = make({ scrollback: 3 })
    write("1\r\n2\r\nlonger than ten\r\n\r\nend")
    assert.deepStrictEqual(emulator.text(), [
      { text: "1", row: -3, rows: 1 },
      { text: "2", row: -2, rows: 1 },
      { text: "longer than ten", row: -1, rows: 2 },
      { text: "", row: 1, rows: 1 },
      { text: "end", row: 2, rows: 1 }
    ])
  })

  it("keeps the blanks that a program wrote, and none that it didn't", () => {
    const { emulator, write } = make()
    write("a  \r\n\x1b[5Cb")
    assert.deepStrictEqual(
      emulator.text().map((line) => line.text),
      ["a  ", "     b"]
    )
  })
})
