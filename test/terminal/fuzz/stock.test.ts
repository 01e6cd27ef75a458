/**
 * What we do instead of the library for being faster, compared with the library as it comes: the same streams, the same
 * cells. Only what both mean to do the same: where a cursor waits to wrap while cells are erased, and what becomes of
 * halves of wide characters, we do otherwise on purpose, and so widths of emoji.
 */
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Bg, CELL, Colour, Content, ERASED, SECOND } from "../../../src/terminal/cells.ts"
import { charsetName } from "../../../src/terminal/charsetNames.ts"
import { Emulator } from "../../../src/terminal/Emulator.ts"
import { type Core, type Grid, makeCore } from "../../../src/terminal/xterm.ts"
import { parameters, TIMEOUT } from "./parameters.ts"
import { type Size, sizes } from "./streams.ts"

const CSI = "\x1b["
const number = (max: number, min = 0) => fc.integer({ min, max })
const pick = <A>(...values: ReadonlyArray<A>) => fc.constantFrom(...values)
const count = fc.oneof({ weight: 5, arbitrary: number(6) }, number(40)).map((n) => (n === 0 ? "" : String(n)))
const narrow = fc.oneof({ weight: 3, arbitrary: fc.string({ unit: "grapheme-ascii", maxLength: 30 }) }, pick("e\u0301"))
const words = fc.array(narrow, { maxLength: 4 }).map((all) => all.join(""))
const to = fc.tuple(number(8, 1), number(24, 1)).map(([row, column]) => `${CSI}${row};${column}H`)
const step = fc.oneof(
  { weight: 8, arbitrary: words },
  { weight: 4, arbitrary: pick("\r\n", "\r", "\n", "\b", "\t", "\x0e", "\x0f", "\x1bD", "\x1bE", "\x1bM") },
  { weight: 2, arbitrary: to },
  { weight: 2, arbitrary: fc.tuple(count, pick(..."ABCDEFG`ade")).map(([n, final]) => `${CSI}${n}${final}`) },
  // From a cursor that doesn't wait to wrap.
  {
    weight: 3,
    arbitrary: fc.tuple(to, pick("", "1", "2"), pick("J", "K")).map(([at, n, final]) => `${at}\b${CSI}${n}${final}`)
  },
  { weight: 4, arbitrary: fc.tuple(to, count, pick(..."@LMPXST")).map(([at, n, final]) => `${at}${CSI}${n}${final}`) },
  { weight: 1, arbitrary: to.map((at) => `${at}${CSI}3J`) },
  {
    weight: 3,
    arbitrary: pick(
      "0",
      "1",
      "2",
      "3",
      "4",
      "4:3",
      "7",
      "9",
      "22",
      "24",
      "27",
      "31",
      "42",
      "95",
      "103",
      "38;5;200",
      "48;5;17",
      "38;2;1;2;3",
      "48;2;4;5;6",
      "58;5;9",
      "53"
    ).map((sgr) => `${CSI}${sgr}m`)
  },
  { weight: 1, arbitrary: pick("\x1b]8;id=a;http://x/\x07", "\x1b]8;;\x07") },
  { weight: 1, arbitrary: number(8).map((top) => `${CSI}${top}r`) },
  {
    weight: 1,
    arbitrary: pick(`${CSI}4h`, `${CSI}4l`, `${CSI}?45h`, `${CSI}20h`, `${CSI}20l`)
  },
  { weight: 1, arbitrary: pick("\x1b(0", "\x1b(B", "\x1b)0", "\x1b)A", "\x1bH", `${CSI}3g`) }
)
const both = fc.oneof(
  { weight: 20, arbitrary: step },
  { weight: 1, arbitrary: pick("?47h", "?47l", "?1047h", "?1047l").map((how) => `\r${CSI}${how}`) }
)

/** Text that flows, wide characters among it. */
const flow = fc.oneof(
  { weight: 6, arbitrary: words },
  { weight: 4, arbitrary: pick("漢", "字 한", "あ\u0301") },
  {
    weight: 3,
    arbitrary: pick("\r\n", "\n", "\t", "\x1bE", "\x1bM", "\r\x1b[1L", "\r\x1b[2M", "\r\x1b[S", "\r\x1b[T", "\r\x1b[J")
  },
  { weight: 2, arbitrary: pick("0", "1", "4:3", "31", "42", "48;2;4;5;6").map((sgr) => `${CSI}${sgr}m`) }
)

/**
 * Below a bottom margin the library wraps a row into itself, and the cursor leaves the margins of origin mode with the
 * screen. So these are there where nothing wraps and the screen stays.
 */
const unwrapped = fc.oneof(
  { weight: 20, arbitrary: step },
  { weight: 1, arbitrary: fc.tuple(number(8), number(8)).map(([top, bottom]) => `${CSI}${top};${bottom}r`) },
  // Scrolled at its bottom margin.
  {
    weight: 2,
    arbitrary: fc
      .tuple(number(3), number(8, 1), pick("\n", "\r\nx\n", "\x1bDy\x1bE"))
      .map(([top, bottom, lines]) => `${CSI}${top};${bottom}r${CSI}${bottom}H${lines}`)
  },
  { weight: 1, arbitrary: pick(`${CSI}?6h`, `${CSI}?6l`) }
)
const NO_WRAP = `${CSI}?7l`

/** The library leaves bits of an earlier colour behind one of the palette. */
const colour = (value: number): number => {
  const kind = value & Colour.kind
  return (kind === Colour.rgb ? value : kind === 0 ? value & ~Colour.value : value & ~0xffff00) >>> 0
}

const gridOf = (grid: Grid) => {
  const lines = Array.from({ length: grid.lines.length }, (_, index) => {
    const line = grid.lines.get(index)!
    const cells = Array.from({ length: line.length }, (__, x) => {
      const content = line._data[x * CELL]!
      const bg = line._data[x * CELL + 2]!
      const extended = bg & Bg.extended ? line._extendedAttrs[x] : undefined
      // Of an empty one only the background can be seen.
      if ((content & Content.any) === 0 && content !== SECOND) return colour(bg & ERASED)
      const text = content & Content.combined ? line._combined[x] : content & Content.codePoint
      // Which one can't be compared: the library forgets those whose rows were erased.
      const linked = extended !== undefined && extended._urlId !== 0
      return [
        text,
        content >>> Content.widthShift,
        colour(line._data[x * CELL + 1]!),
        colour(bg),
        colour(extended?._ext ?? 0),
        linked
      ].join()
    })
    return `${line.isWrapped ? ">" : "|"}${cells.join("|")}`
  })
  return { lines, above: grid.ybase, cursor: [grid.x, grid.y], margins: [grid.scrollTop, grid.scrollBottom] }
}

const stateOf = (core: Core) => {
  const { active, normal } = core._bufferService.buffers
  const { _charsetService: charsets, _curAttrData: pen, _coreService: service } = core._inputHandler
  return {
    active: gridOf(active),
    main: gridOf(normal),
    pen: [colour(pen.fg), colour(pen.bg), colour(pen.extended._ext)],
    charsets: [charsetName(charsets.charset), charsets.glevel],
    modes: [service.decPrivateModes, service.modes]
  }
}

const active = (core: Core): Grid => core._bufferService.buffers.active

const compare = (size: Size, scrollback: number, steps: ReadonlyArray<string>): void => {
  const stock = makeCore({ ...size, scrollback, logLevel: "off" })
  const ours = new Emulator({ ...size, scrollback })
  for (const text of steps) {
    const bytes = Buffer.from(text)
    stock._inputHandler.parse(bytes)
    // What is left of a line whose beginning has gone is a line with us.
    for (const grid of [active(stock), stock._bufferService.buffers.normal]) grid.lines.get(0)!.isWrapped = false
    ours.write(bytes)
  }
  const expected = stateOf(stock)
  const actual = stateOf({ ...ours.handler, _inputHandler: ours.handler } as never)
  if (JSON.stringify(actual) !== JSON.stringify(expected)) assert.deepStrictEqual(actual, expected)
}

const many = (one: fc.Arbitrary<string>) => fc.array(one, { minLength: 1, maxLength: 60, size: "max" })
const scrollbacks = fc.oneof(number(2), number(30))

describe("what is rewritten of the library", () => {
  it(
    "does the same as the library",
    () => {
      fc.assert(fc.property(sizes, scrollbacks, many(both), compare), parameters)
    },
    TIMEOUT
  )

  it(
    "does the same with wide characters",
    () => {
      fc.assert(fc.property(sizes, scrollbacks, many(flow), compare), parameters)
    },
    TIMEOUT
  )

  it(
    "does the same between two margins",
    () => {
      const withoutWrapping = unwrapped.map((each) => each.replaceAll("\x1bc", `\x1bc${NO_WRAP}`))
      const streams = many(withoutWrapping).map((steps) => [NO_WRAP].concat(steps))
      fc.assert(fc.property(sizes, scrollbacks, streams, compare), parameters)
    },
    TIMEOUT
  )
})
