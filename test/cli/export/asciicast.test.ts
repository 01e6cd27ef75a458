import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Asciicast } from "../../../src/cli/export/asciicast.ts"
import { Direction } from "../../../src/protocol/sessionFrames.ts"

const start = Date.parse("2026-02-07T18:15:32.000Z")
const make = () =>
  new Asciicast({ cols: 100, rows: 30, createdAt: new Date(start).toISOString(), command: ["sh", "-i"], title: null })

/** The events of pieces that came a second apart. */
const events = (pieces: ReadonlyArray<readonly [number, Uint8Array | string]>): Array<[number, string, string]> => {
  const cast = make()
  return pieces
    .map(([direction, data], index) =>
      cast.event({ timestampMillis: start + (index + 1) * 1000, direction, data: Buffer.from(data as string) })
    )
    .filter((text) => text !== "")
    .map((text) => JSON.parse(text))
}

describe("a log as an asciicast", () => {
  it("has a head that says the size, the time in seconds and the command", () => {
    const head = make().head()
    assert.isTrue(head.endsWith("}\n"))
    assert.deepInclude(JSON.parse(head), {
      version: 2,
      width: 100,
      height: 30,
      timestamp: start / 1000,
      command: "sh -i"
    })
  })

  it("tells output, input and new sizes, each with the seconds since the start", () => {
    assert.deepStrictEqual(
      events([
        [Direction.output, "$ "],
        [Direction.input, "ls\r"],
        // Where a segment of the log begins it says the size again.
        [Direction.resize, "100x30"],
        [Direction.resize, "80x24"],
        [Direction.resize, "80x24"],
        [Direction.resize, "100x30"]
      ]),
      [
        [1, "o", "$ "],
        [2, "i", "ls\r"],
        [4, "r", "80x24"],
        [6, "r", "100x30"]
      ]
    )
  })

  it("gives what was printed character by character, wherever it was cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.nat(40)), (text, cuts) => {
        const bytes = Buffer.from(text)
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].toSorted((a, b) => a - b)
        const pieces = at.slice(1).map((end, index) => [Direction.output, bytes.subarray(at[index], end)] as const)
        assert.strictEqual(
          events(pieces)
            .map(([, , part]) => part)
            .join(""),
          bytes.toString()
        )
      })
    )
  })

  it("ends lines of pipes as a terminal would, also between two pieces, and once only", () => {
    const printed = events([
      [Direction.stdout, "a\nb\r"],
      [Direction.stdout, "\nc"],
      [Direction.stdout, "\n"],
      [Direction.stderr, "\nd\r\n"]
    ])
    assert.deepStrictEqual(
      printed.map(([, , text]) => text),
      ["a\r\nb\r", "\nc", "\r\n", "\r\nd\r\n"]
    )
  })

  it("does not run backwards when the clock was set back", () => {
    const cast = make()
    const at = (millis: number) =>
      (
        JSON.parse(cast.event({ timestampMillis: millis, direction: Direction.output, data: Buffer.from("x") })) as [
          number
        ]
      )[0]
    assert.deepStrictEqual([at(start + 5000), at(start - 60_000), at(start + 5500)], [5, 5, 5.5])
  })
})
