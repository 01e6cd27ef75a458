/** Random streams for a terminal: text, and every sequence that changes something, in any order. */
import * as fc from "fast-check"

/** Something that is printed (text, or bytes that are no text), or another size. */
export type Step = string | { readonly bytes: ReadonlyArray<number> } | Size
export interface Size {
  readonly cols: number
  readonly rows: number
}

const CSI = "\x1b["
const number = (max: number, min = 0) => fc.integer({ min, max })
const pick = <A>(...values: ReadonlyArray<A>) => fc.constantFrom(...values)
const count = fc.oneof({ weight: 6, arbitrary: number(5) }, { weight: 1, arbitrary: number(40) }, pick(99_999))
const optional = fc.oneof(pick(""), count.map(String))
const end = pick("\x1b\\", "\x07")

const ascii = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 })
const wide = pick("漢", "字漢", "한글", "ｆｕ", "あ", "😀", "𠮷", "👍")
const marks = pick("\u0301", "\u0308\u0330", "\u200d", "\ufe0f", "\u20e3", "\u0e33", "\u{e0061}", "\u{1f3fd}")
const joined = pick("👨‍👩‍👧", "👍🏽", "🇩🇪", "🇩", "❤️", "1️⃣", "e\u0301", "g\u0308\u0301", "🏴\u{e0067}\u{e0062}\u{e007f}")
const odd = pick(
  "\u00ad",
  "\u00a0",
  "\ufeff",
  "\ufffd",
  "\ufffe",
  "\u0085",
  "\u0084",
  "\u008d",
  "\u0088",
  "\u{10fffd}",
  "\x7f"
)
const text = fc.oneof(
  { weight: 6, arbitrary: ascii },
  { weight: 2, arbitrary: number(60).map((length) => "0123456789".repeat(6).slice(0, length)) },
  { weight: 3, arbitrary: wide },
  { weight: 2, arbitrary: fc.array(fc.oneof(wide, ascii), { maxLength: 6 }).map((parts) => parts.join("")) },
  { weight: 2, arbitrary: marks },
  { weight: 2, arbitrary: joined },
  { weight: 1, arbitrary: odd }
)
const controls = pick(
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\b",
  "\t",
  "\v",
  "\f",
  "\x0e",
  "\x0f",
  "\x07",
  "\0",
  "\x18",
  "\x1a"
)
/** Parts of characters, and what is never one. */
const rubbish = pick(
  [0x80],
  [0xff],
  [0xc3],
  [0xe6, 0xbc],
  [0xf0, 0x9f, 0x98],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf8, 1]
)

const move = fc.oneof(
  fc.tuple(optional, pick(..."ABCDEFGIZ`ade")).map(([n, final]) => `${CSI}${n}${final}`),
  fc.tuple(number(9), number(26), pick("H", "f")).map(([row, column, final]) => `${CSI}${row};${column}${final}`),
  pick("\x1bD", "\x1bE", "\x1bM", `${CSI}H`, `${CSI}999;999H`, `${CSI}999G`)
)
const edit = fc.oneof(
  fc.tuple(optional, pick(..."@LMPXST")).map(([n, final]) => `${CSI}${n}${final}`),
  fc
    .tuple(pick("", "?"), pick("", "0", "1", "2", "3"), pick("J", "K"))
    .map(([prefix, n, final]) => `${CSI}${prefix}${n}${final}`),
  fc.tuple(optional, pick("'}", "'~", " @", " A")).map(([n, final]) => `${CSI}${n}${final}`),
  optional.map((n) => `${CSI}${n}b`),
  pick("\x1b#8")
)
const colour = fc.oneof(
  number(7).map(String),
  number(255).map((n) => `8;5;${n}`),
  fc.tuple(number(255), number(255), number(255)).map((rgb) => `8;2;${rgb.join(";")}`),
  fc.tuple(number(255), number(255)).map(([r, g]) => `8:2::${r}:${g}:7`),
  pick("9")
)
const style = fc.oneof(
  pick(..."0123456789", "21", "22", "23", "24", "25", "27", "28", "29", "53", "55", "59", "", "0;1", "1;3;9"),
  fc
    .tuple(pick("3", "4", "9", "10"), colour)
    .map(([first, rest]) => (first.length > 1 || first === "9" ? `${first}${rest[0]}` : first + rest)),
  pick("4:0", "4:1", "4:2", "4:3", "4:4", "4:5", "58;5;9", "58:5:200", "58;2;1;2;3", "58:2::4:5:6")
)
const pens = fc.oneof(
  { weight: 8, arbitrary: style.map((codes) => `${CSI}${codes}m`) },
  { weight: 1, arbitrary: pick(`${CSI}1"q`, `${CSI}0"q`, `${CSI}2"q`) }
)
const uri = pick("http://x/", "http://y/;z", "file:///a%20b", "")
const links = fc.tuple(pick("", "id=a", "id=b", "id=1:x=y"), uri, end).map(([id, to, st]) => `\x1b]8;${id};${to}${st}`)
const mode = fc.oneof(
  { weight: 4, arbitrary: pick(1, 5, 6, 7, 12, 25, 45, 66, 1004, 1007, 2004, 2026, 2027, 2031, 2048, 8452) },
  { weight: 2, arbitrary: pick(9, 1000, 1002, 1003, 1005, 1006, 1015, 1016) },
  { weight: 2, arbitrary: pick(6, 7, 3, 1048) }
)
const modes = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(fc.array(mode, { minLength: 1, maxLength: 3 }), pick("h", "l"))
      .map(([all, how]) => `${CSI}?${all.join(";")}${how}`)
  },
  {
    weight: 3,
    arbitrary: fc.tuple(pick(47, 1047, 1049), pick("h", "l")).map(([which, how]) => `${CSI}?${which}${how}`)
  },
  { weight: 1, arbitrary: fc.tuple(mode, pick("s", "r")).map(([which, how]) => `${CSI}?${which}${how}`) },
  { weight: 2, arbitrary: pick(`${CSI}4h`, `${CSI}4l`, `${CSI}20h`, `${CSI}20l`, "\x1b=", "\x1b>") }
)
const region = fc.oneof(
  fc.tuple(number(8), number(9)).map(([top, bottom]) => `${CSI}${top};${bottom}r`),
  // Scrolled at its bottom margin.
  fc
    .tuple(number(3), number(8, 1), pick("\n", "\r\nx\n", "\x1bDy\x1bE"))
    .map(([top, bottom, lines]) => `${CSI}${top};${bottom}r${CSI}${bottom}H${lines}`),
  pick(`${CSI}r`)
)
const sets = fc.oneof(
  fc.tuple(pick(..."()*+-./"), pick(..."0AB4CK=")).map(([level, set]) => `\x1b${level}${set}`),
  pick("\x0e", "\x0f", "\x1bn", "\x1bo", "\x1b|", "\x1b~", "\x1b%G")
)
const tabs = fc.oneof(
  pick(`${CSI}3g`, `${CSI}g`, `${CSI}0g`),
  pick("\x1bH"),
  number(24, 1).map((x) => `${CSI}${x}G\x1bH`)
)
const saved = pick("\x1b7", "\x1b8", `${CSI}s`, `${CSI}u`, `${CSI}?1048h`, `${CSI}?1048l`)
const cursor = number(7).map((n) => `${CSI}${n} q`)
const word = pick("", "a title", "ä漢😀", "x;y", "\u009b", "long ".repeat(30))
const told = fc.oneof(
  fc.tuple(pick(0, 1, 2), word, end).map(([which, title, st]) => `\x1b]${which};${title}${st}`),
  fc.tuple(pick(22, 23), pick("", ";0", ";1", ";2")).map(([how, which]) => `${CSI}${how}${which}t`),
  fc
    .tuple(number(16), pick("#123456", "rgb:f/0/7f", "red", "?", "none"), end)
    .map(([n, to, st]) => `\x1b]4;${n};${to}${st}`),
  fc.tuple(number(19, 10), pick("#abcdef", "rgb:1/2/3", "?"), end).map(([n, to, st]) => `\x1b]${n};${to}${st}`),
  pick("\x1b]104\x07", "\x1b]104;1\x07", "\x1b]110\x07", "\x1b]7;file://host/p\x07", "\x1b]7;\x07", "\x1b]133;A\x07"),
  fc.tuple(number(5), number(120)).map(([state, value]) => `\x1b]9;4;${state};${value}\x07`)
)
const keyboard = fc.oneof(
  fc
    .tuple(pick(">", "<", "="), number(33), pick("", ";1", ";2", ";3"))
    .map(([how, flags, way]) => `${CSI}${how}${flags}${how === "=" ? way : ""}u`),
  fc.tuple(number(5), number(3)).map(([resource, value]) => `${CSI}>${resource};${value}m`),
  fc.tuple(number(5), pick("n", "m", "f")).map(([resource, final]) => `${CSI}>${resource}${final}`),
  fc.tuple(number(5), number(3)).map(([resource, value]) => `${CSI}>${resource};${value}f`)
)
const questions = pick(
  `${CSI}c`,
  `${CSI}>c`,
  `${CSI}6n`,
  `${CSI}?6n`,
  `${CSI}?u`,
  `${CSI}?2026$p`,
  "\x1bP$qm\x1b\\",
  "\x1bP$q q\x1b\\",
  `${CSI}18t`,
  "\x05",
  "\x1bZ",
  "\x1bP+q544e\x1b\\"
)
/** Sequences that never end, that are broken off, or that mean nothing. */
const broken = pick(
  "\x1b",
  CSI,
  `${CSI}3`,
  `${CSI}1;`,
  `${CSI}?`,
  "\x1b]0;open",
  "\x1bP",
  "\x1bPq",
  "\x1b_apc\x1b\\",
  "\x1b^pm\x1b\\",
  "\x1bX",
  `${CSI}1\n2H`,
  `${CSI}3\x185m`,
  "\u009b2;2H",
  "\u009d2;c1\u009c",
  "\u0090q\u009c",
  `${CSI}<1z`,
  "\x1b(",
  "\x1b#",
  "\x1b#3",
  "\x1b%"
)
const resets = pick("\x1bc", `${CSI}!p`)

const printed = fc.oneof(
  { weight: 30, arbitrary: text },
  { weight: 14, arbitrary: controls },
  { weight: 12, arbitrary: move },
  { weight: 14, arbitrary: edit },
  { weight: 12, arbitrary: pens },
  { weight: 3, arbitrary: links },
  { weight: 10, arbitrary: modes },
  { weight: 4, arbitrary: region },
  { weight: 4, arbitrary: sets },
  { weight: 3, arbitrary: tabs },
  { weight: 6, arbitrary: saved },
  { weight: 2, arbitrary: cursor },
  { weight: 4, arbitrary: told },
  { weight: 4, arbitrary: keyboard },
  { weight: 3, arbitrary: questions },
  { weight: 3, arbitrary: broken },
  { weight: 1, arbitrary: resets }
)

/** Small ones, so that everything meets an edge. */
export const sizes: fc.Arbitrary<Size> = fc.record({
  cols: fc.oneof({ weight: 1, arbitrary: number(4, 2) }, { weight: 6, arbitrary: number(24, 5) }),
  rows: fc.oneof({ weight: 1, arbitrary: number(2, 1) }, { weight: 6, arbitrary: number(8, 3) })
})

export const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.oneof(
    { weight: 60, arbitrary: printed as fc.Arbitrary<Step> },
    { weight: 1, arbitrary: rubbish.map((bytes) => ({ bytes })) },
    { weight: 2, arbitrary: sizes }
  ),
  { minLength: 1, maxLength: 80, size: "max" }
)

export interface Stream {
  readonly size: Size
  readonly scrollback: number
  readonly steps: ReadonlyArray<Step>
  /** Where it is cut, as a part of its length. */
  readonly cut: number
}

export const streams: fc.Arbitrary<Stream> = fc.record({
  size: sizes,
  scrollback: fc.oneof(number(3), number(30)),
  steps,
  cut: number(1000).map((part) => part / 1000)
})

/** A stream as what a terminal is given, one after the other. */
export type Given = Uint8Array | Size

export const given = (all: ReadonlyArray<Step>): ReadonlyArray<Given> =>
  all.map((step) =>
    typeof step === "string" ? Buffer.from(step) : "bytes" in step ? Uint8Array.from(step.bytes) : step
  )

const lengthOf = (item: Given): number => (item instanceof Uint8Array ? item.length : 0)

/** Parts it after so many bytes. */
export const cutAt = (
  items: ReadonlyArray<Given>,
  part: number
): readonly [before: ReadonlyArray<Given>, after: ReadonlyArray<Given>] => {
  let rest = Math.round(items.reduce((sum, item) => sum + lengthOf(item), 0) * part)
  for (const [index, item] of items.entries()) {
    if (lengthOf(item) <= rest && rest > 0) {
      rest -= lengthOf(item)
      continue
    }
    if (!(item instanceof Uint8Array) || rest === 0) return [items.slice(0, index), items.slice(index)]
    return [
      [...items.slice(0, index), item.subarray(0, rest)],
      [item.subarray(rest), ...items.slice(index + 1)]
    ]
  }
  return [items, []]
}
