import { assert, describe, it } from "vitest"
import { deeperThan, LineFault, LineReader, type LineLimits } from "../../src/wire/lines.ts"

const limits: LineLimits = { lineBytes: 64, depth: 3 }

const bytes = (text: string): Buffer => Buffer.from(text, "utf8")

/** All lines and faults of these chunks, faults as `!reason`. */
const read = (chunks: ReadonlyArray<Buffer>, options: LineLimits = limits): Array<string> => {
  const reader = new LineReader(options)
  const found: Array<string> = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let line = reader.next(); line !== undefined; line = reader.next()) {
      found.push(line instanceof LineFault ? `!${line.reason}` : line)
    }
  }
  const end = reader.end()
  if (end !== undefined) found.push(`!${end.reason}`)
  return found
}

describe("splitting bytes into lines", () => {
  const stream = bytes(
    '{"a":1}\n\n  \t\r\n"é€😀"\r\n' +
      "x".repeat(65) +
      '\n[1]\n{"deep":[[[1]]]}\n' +
      '"]]][[["\n\ufeff{}\n"lone\rCR"\n{"last":2}\n'
  )
  const expected = [
    '{"a":1}',
    '"é€😀"\r',
    "!too-long",
    "[1]",
    "!too-deep",
    '"]]][[["',
    "!byte-order-mark",
    '"lone\rCR"',
    '{"last":2}'
  ]

  it("whole, byte by byte, and cut anywhere in two, it finds the same lines and faults in the same order", () => {
    assert.deepStrictEqual(read([stream]), expected)
    assert.deepStrictEqual(read([...stream].map((byte) => Buffer.from([byte]))), expected)
    for (let cut = 0; cut <= stream.length; cut++) {
      assert.deepStrictEqual(read([stream.subarray(0, cut), stream.subarray(cut)]), expected, `cut at ${cut}`)
    }
  })

  it("takes UTF-8 strictly, and only the line that isn't is refused", () => {
    const bad: Array<Array<number>> = [
      [0xff],
      [0xc3],
      [0xc0, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xe2, 0x82]
    ]
    for (const sequence of bad) {
      const line = Buffer.concat([bytes('"good"\n"'), Buffer.from(sequence), bytes('"\n"é"\n')])
      assert.deepStrictEqual(read([line]), ['"good"', "!invalid-utf8", '"é"'], sequence.join(","))
      for (let cut = 0; cut <= line.length; cut++) {
        const parts = [line.subarray(0, cut), line.subarray(cut)]
        assert.deepStrictEqual(read(parts), ['"good"', "!invalid-utf8", '"é"'], `${sequence.join(",")} cut at ${cut}`)
      }
    }
  })

  it("a line of exactly the limit passes, one byte more does not, however it comes and goes on", () => {
    for (const size of [64, 65]) {
      const line = bytes(`${"x".repeat(size)}\n"next"\n`)
      const wanted = [size === 64 ? "x".repeat(64) : "!too-long", '"next"']
      for (let cut = 0; cut <= line.length; cut++) {
        assert.deepStrictEqual(read([line.subarray(0, cut), line.subarray(cut)]), wanted, `${size} cut at ${cut}`)
      }
    }
  })

  it("reports an endless line once, and keeps none of it", () => {
    const reader = new LineReader({ lineBytes: 1000, depth: 64 })
    const faults: Array<unknown> = []
    for (let i = 0; i < 1000; i++) {
      reader.push(Buffer.alloc(100, "x"))
      for (let line = reader.next(); line !== undefined; line = reader.next()) faults.push(line)
      assert.isAtMost(reader.pendingBytes, 1000)
    }
    assert.strictEqual(faults.length, 1)
    assert.strictEqual(reader.pendingBytes, 0)
  })

  it("tells of a last line without its newline, and of nothing when there is none", () => {
    assert.deepStrictEqual(read([bytes('{"a":1}\n{"b"')]), ['{"a":1}', "!unfinished"])
    assert.deepStrictEqual(read([bytes('{"a":1}\n')]), ['{"a":1}'])
  })

  it("splits megabytes that come a byte at a time in time that grows with their number", () => {
    // Looking at what was held again for each byte would take hours here.
    const reader = new LineReader({ lineBytes: 8 * 1024 * 1024, depth: 64 })
    const one = [Buffer.from("a"), Buffer.from("\n")] as const
    for (let i = 0; i < 4 * 1024 * 1024; i++) reader.push(one[0])
    reader.push(one[1])
    const line = reader.next()
    assert.isString(line)
    assert.strictEqual((line as string).length, 4 * 1024 * 1024)
  })
})

describe("nesting", () => {
  it("counts brackets of arrays and objects, and none inside strings", () => {
    assert.isFalse(deeperThan("[[[]]]", 3))
    assert.isTrue(deeperThan("[[[[", 3))
    assert.isTrue(deeperThan('[{"a":[{', 3))
    assert.isFalse(deeperThan("[[]][[]][[]]", 2))
    assert.isFalse(deeperThan(String.raw`["[[[[[\"[[[[\\"]`, 1))
    assert.isTrue(deeperThan(String.raw`["\\",[[`, 2))
    assert.isFalse(deeperThan('"never closed [[[[', 1))
  })

  it("is found in a deep line without going through its levels on the stack", () => {
    assert.isTrue(deeperThan("[".repeat(8 * 1024 * 1024), 64))
    assert.isFalse(deeperThan("[]".repeat(4 * 1024 * 1024), 1))
  })
})
