import { afterEach, assert, beforeEach, describe, it, vi } from "vitest"
import { PlainView } from "../../src/cli/render/PlainView.ts"

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const view = (cols = 40, rows = 6) => {
  let printed = ""
  const plain = new PlainView({ cols, rows }, (text) => (printed += text))
  return {
    plain,
    push: (text: string) => plain.push(Buffer.from(text)),
    /** What has been given out since the last time. */
    taken: () => {
      const text = printed
      printed = ""
      return text
    }
  }
}

describe("output as a terminal shows it, as it comes", () => {
  it("is a line once the cursor is past it and it stays so; the rest at the end", () => {
    const { plain, push, taken } = view()
    push("\x1b[32mone\x1b[m\r\ntw")
    assert.strictEqual(taken(), "")
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(taken(), "one\n")
    push("o\r\n")
    vi.advanceTimersByTime(1_000)
    push("three")
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(taken(), "two\n")
    plain.end()
    assert.strictEqual(taken(), "three\n")
  })

  it("has what was written over by going up only as it ended", () => {
    const { plain, push, taken } = view()
    push("a: 0%\r\nb: 0%\r\n")
    for (let percent = 10; percent <= 100; percent += 10) {
      vi.advanceTimersByTime(220)
      push(`\x1b[2A\x1b[2Ka: ${percent}%\r\n\x1b[2Kb: ${percent}%\r\n`)
    }
    push("done\r\n")
    vi.advanceTimersByTime(1_000)
    plain.end()
    assert.strictEqual(taken(), "a: 100%\nb: 100%\ndone\n")
  })

  it("has every line of what flies by, wrapped rows as one, without waiting", () => {
    const { plain, push, taken } = view(10, 4)
    const lines = Array.from({ length: 100 }, (_, index) => `${index} ${"x".repeat(index % 25)}`.trimEnd())
    push(lines.join("\r\n"))
    const first = taken()
    plain.end()
    assert.isAbove(first.length, 1_000)
    assert.strictEqual(first + taken(), lines.map((line) => `${line}\n`).join(""))
  })

  it("has what came after the screen was cleared, and nothing twice", () => {
    const { plain, push, taken } = view()
    push("one\r\ntwo\r\n")
    vi.advanceTimersByTime(1_000)
    push("\x1b[2J\x1b[Hthree\r\n")
    vi.advanceTimersByTime(1_000)
    push("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n")
    plain.end()
    assert.strictEqual(taken(), "one\ntwo\nthree\n1\n2\n3\n4\n5\n6\n")
  })

  it("is nothing of a full-screen program, but what it shows at the end", () => {
    const { plain, push, taken } = view()
    push("$ menu\r\n\x1b[?1049h\x1b[Hmenu\r\nitem\r\n")
    vi.advanceTimersByTime(1_000)
    assert.strictEqual(taken(), "")
    plain.end()
    assert.strictEqual(taken(), "$ menu\nmenu\nitem\n")
  })

  it("goes on when the size changes, and passes nothing on to a terminal", () => {
    const { plain, push, taken } = view(10, 4)
    push("a line of twenty cells\r\nb\x07\x1b]0;title\x07\r\n")
    vi.advanceTimersByTime(1_000)
    plain.resize({ cols: 30, rows: 3 })
    push("c\r\n")
    vi.advanceTimersByTime(1_000)
    plain.end()
    assert.strictEqual(taken(), "a line of twenty cells\nb\nc\n")
  })
})
