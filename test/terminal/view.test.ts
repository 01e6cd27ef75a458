import { assert, describe, it } from "vitest"
import { Emulator } from "../../src/terminal/Emulator.ts"
import { endView, type Frame, renderView, type ViewSize } from "../../src/terminal/view.ts"

const bytes = (text: string) => Buffer.from(text)

/** A session's emulator and a client's terminal that is shown it. */
const pair = (session: ViewSize, client: ViewSize) => {
  const emulator = new Emulator({ ...session, scrollback: 10 })
  const terminal = new Emulator({ ...client, scrollback: 10 })
  let frame: Frame | undefined
  return {
    emulator,
    terminal,
    frame: () => frame!,
    /** Writes to the session, and gives what the client is sent. */
    show: (text: string): string => {
      emulator.write(bytes(text))
      const rendered = renderView(emulator, client, frame)
      frame = rendered.frame
      terminal.write(rendered.bytes)
      return rendered.bytes.toString()
    },
    rows: () => terminal.screen().lines.map((line) => line.text),
    cursor: () => [terminal.screen().cursor.column, terminal.screen().cursor.row]
  }
}

describe("a view of a screen of another size", () => {
  it("of a smaller one shows all of it with a rim", () => {
    const { show, rows, cursor } = pair({ cols: 6, rows: 2 }, { cols: 10, rows: 5 })
    show("one\r\ntwo")
    assert.deepStrictEqual(rows(), ["one   │", "two   │", "──────┘", "", ""])
    assert.deepStrictEqual(cursor(), [3, 1])
  })

  it("of a larger one shows the part around the cursor, and moves no more than it must", () => {
    const { show, rows, cursor, frame } = pair({ cols: 20, rows: 6 }, { cols: 8, rows: 3 })
    show("0123456789abcdefghi\r\nb\r\nc\r\nd\r\ne\r\nf")
    assert.deepStrictEqual(rows(), ["d", "e", "f"])
    show("\x1b[5;1H")
    assert.strictEqual(frame().top, 3)
    show("\x1b[1;16H")
    assert.deepStrictEqual(rows(), ["89abcdef", "", ""])
    assert.deepStrictEqual(cursor(), [7, 0])
    assert.deepStrictEqual([frame().left, frame().top], [8, 0])
  })

  it("never shows half of a wide character", () => {
    const { show, rows } = pair({ cols: 12, rows: 1 }, { cols: 5, rows: 1 })
    show("漢字漢字漢字\x1b[1;6H")
    assert.deepStrictEqual(rows(), [" 字漢"])
  })

  it("is sent only what has changed", () => {
    const { show, rows } = pair({ cols: 20, rows: 4 }, { cols: 30, rows: 6 })
    show("a long line of text\r\nanother")
    assert.strictEqual(show(""), "")
    const change = show("\x1b[1;3HLONG")
    assert.notInclude(change, "another")
    assert.isBelow(change.length, 60)
    assert.strictEqual(
      rows()[0],
      "a LONG line of text │".replace("a LONG line", "a LONGline").replace("LONGline", "LONG line")
    )
    show("\x1b[2;1H\x1b[K")
    assert.strictEqual(rows()[1], "                    │")
  })

  it("is drawn at once, as one frame", () => {
    const { show } = pair({ cols: 20, rows: 4 }, { cols: 30, rows: 6 })
    assert.match(show("text"), /^\x1b\[\?2026h.*\x1b\[\?2026l$/s) // oxlint-disable-line no-control-regex
  })

  it("has the styles and links of the session", () => {
    const { show, terminal } = pair({ cols: 20, rows: 2 }, { cols: 30, rows: 4 })
    show("\x1b[1;4:3;31mred\x1b[m \x1b]8;;http://x/\x1b\\link")
    assert.deepStrictEqual(terminal.screen().lines[0]!.runs.slice(0, 2), [
      { column: 0, cells: 3, style: { fg: 1, bold: true, underline: "curly" } },
      { column: 4, cells: 4, style: { link: "http://x/" } }
    ])
  })

  it("makes the client's terminal send what the program expects, for as long as it does", () => {
    const { show, terminal, frame } = pair({ cols: 20, rows: 4 }, { cols: 10, rows: 4 })
    show("\x1b[?1h\x1b[?2004;1004;1002;1006h\x1b[>5u\x1b[4 q\x1b]2;title\x1b\\\x1b]11;#112233\x1b\\\x1b[?25l")
    const { modes, cursor, title } = terminal.screen()
    assert.include(modes, {
      applicationCursorKeys: true,
      bracketedPaste: true,
      focusReporting: true,
      mouse: "drag",
      mouseEncoding: "sgr",
      keyboardFlags: 5
    })
    assert.deepStrictEqual([cursor.visible, cursor.shape, title], [false, "underline", "title"])
    show("\x1b[?2004;1002;1006l\x1b[<u\x1b[?25h")
    assert.include(terminal.screen().modes, {
      bracketedPaste: false,
      mouse: "none",
      mouseEncoding: "default",
      keyboardFlags: 0
    })
    assert.isTrue(terminal.screen().cursor.visible)
    terminal.write(endView(frame()))
    assert.include(terminal.screen().modes, { applicationCursorKeys: false, focusReporting: false })
    assert.strictEqual(terminal.screen().cursor.shape, "block")
  })

  it("follows another size of the session", () => {
    const { show, rows, emulator } = pair({ cols: 20, rows: 3 }, { cols: 10, rows: 4 })
    show("one\r\ntwo\r\nthree")
    emulator.resize(8, 2)
    show("\x1b[H\x1b[2Jsmall")
    assert.deepStrictEqual(rows(), ["small   │", "        │", "────────┘", ""])
  })
})
