/** Streams that were wrong once, as small as they could be made, by what was wrong. */
import type { Stream } from "./streams.ts"

const small = { cols: 5, rows: 3 }

export const found: Record<string, Stream> = {
  "a wrapped line whose row above is not full, on a screen of one row": {
    size: { cols: 5, rows: 3 },
    scrollback: 1,
    steps: ["012345", { cols: 6, rows: 1 }, "\x1b7"],
    cut: 0.8125
  },
  "a control sequence inside a string, by a character of eight bits": {
    size: small,
    scrollback: 0,
    steps: ["\x1b]0;\u009b\x07", "c ", "\x1b[b"],
    cut: 0
  },
  "control characters in an escape that another one abandons": {
    size: { cols: 5, rows: 1 },
    scrollback: 0,
    steps: ["\x1b(", "\f", "\x1b]8;;http://x/\x1b\\", " "],
    cut: 0.175
  },
  "a byte that is no text, and a control character, in an escape that another one abandons": {
    size: small,
    scrollback: 0,
    steps: ["a", "\x1b", { bytes: [128] }, "\f", "\x1bn", "b"],
    cut: 5 / 7
  },
  "a question that abandons an escape": { size: small, scrollback: 0, steps: ["\x1b(", "\x1b[c", " "], cut: 0 },
  "a title that a question in eight bits cuts off": {
    size: small,
    scrollback: 0,
    steps: ["\x1b]0;a title\x1b\\", "\x1b]0;\u009b\x07", "\x1b[c", "\x1b[>0u"],
    cut: 0
  },
  "marks of characters that move when the size changes": {
    size: small,
    scrollback: 1,
    steps: [
      { cols: 20, rows: 5 },
      "\x1b[0;7H",
      "한글",
      " ".repeat(37),
      "\x1b[5a",
      "👨‍👩‍👧",
      "\x1b[b",
      "1️⃣",
      "\x1b[5;0H",
      { cols: 23, rows: 3 },
      { cols: 22, rows: 3 },
      "0"
    ],
    cut: 1
  },
  "a link where the cursor waits to wrap": {
    size: { cols: 2, rows: 3 },
    scrollback: 0,
    steps: ["\x1b]8;;http://x/\x1b\\", "\x1b7", "0123456789", "\x1b]8;;http://x/\x1b\\", "\x1b[?"],
    cut: 1
  },
  "a mark in the middle of a wide character": {
    size: { cols: 5, rows: 3 },
    scrollback: 0,
    steps: ["漢", "\x1b[4h", "\x1b[40m", "\x1b[1;2H", "\u0301", " "],
    cut: 0
  },
  "a question in the middle of a character": {
    size: small,
    scrollback: 0,
    steps: [{ bytes: [240, 159, 152] }, "\x1b[c", { bytes: [128] }, { bytes: [230, 188] }, "\x1b[c", { bytes: [162] }],
    cut: 0
  },
  "a byte that is no text in a question": {
    size: small,
    scrollback: 0,
    steps: ["\x1b[?", { bytes: [128] }, "S", ""],
    cut: 0
  },
  "a bell in a string that is no command": {
    size: small,
    scrollback: 0,
    steps: ["\x1bX", "\x07", "\x1b[c", "\n", "\x1b[30m"],
    cut: 0
  }
}
