import { readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { Direction } from "../../../src/protocol/sessionFrames.ts"
import { findLog } from "../../../src/sessionhost/log/findLog.ts"
import { MAX_RECORD_DATA_BYTES } from "../../../src/sessionhost/log/format.ts"
import { LogReader } from "../../../src/sessionhost/log/LogReader.ts"
import { nodeLogFs } from "../../../src/sessionhost/log/LogFs.ts"
import { byteAt, makeWriter, missing, random, readAll, readEntries, sample, systemError, temporary } from "./support.ts"

/** Appends random pieces of the test's output. */
const fill = (writer: ReturnType<typeof makeWriter>["writer"], bytes: number, largest: number, seed = 1) => {
  const next = random(seed)
  const end = writer.end() + bytes
  while (writer.end() < end) {
    const size = Math.min(1 + next(largest), end - writer.end())
    const data = sample(writer.end(), size)
    const cut = next(size)
    writer.append(Direction.output, cut > 0 ? [data.subarray(0, cut), data.subarray(cut)] : [data], Date.now())
  }
}

const sizeOf = (directory: string) =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)

describe("the log", () => {
  it("gives back any range, while it is written and afterwards", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 50_000)
    const next = random(7)
    for (let round = 0; round < 5; round++) {
      fill(writer, 100_000, 3_000, round)
      for (const source of [writer, findLog(directory.path, null)]) {
        for (let probe = 0; probe < 50; probe++) {
          const from = next(writer.end())
          const reader = new LogReader(source)
          const piece = reader.read(from)
          reader.close()
          assert(piece?.type === "bytes")
          assert.strictEqual(piece.offset, from)
          assert.deepStrictEqual(piece.data, sample(from, piece.data.length))
        }
        assert.deepStrictEqual(readAll(source), { gaps: [], bytes: writer.end(), wrong: [], end: writer.end() })
      }
    }
    writer.close()
    assert.deepStrictEqual(readAll(findLog(directory.path, null)).bytes, 500_000)
  })

  it("begins a new segment at its size, named by the offset, and its files together are the output", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 10_000)
    fill(writer, 95_000, 900)
    writer.close()
    const segments = readdirSync(directory.path).filter((name) => name.endsWith(".out"))
    assert.isAtLeast(segments.length, 9)
    let at = 0
    for (const name of segments.sort()) {
      assert.strictEqual(Number(name.slice(0, 16)), at)
      const { size } = statSync(join(directory.path, name))
      assert.isAtMost(size, 10_000)
      at += size
    }
    assert.strictEqual(at, 95_000)
  })

  it("deletes the oldest segments when all of them are too large together, and says what is gone", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 8_000, 40_000)
    for (let round = 0; round < 40; round++) {
      fill(writer, 5_000, 700, round)
      assert.isAtMost(sizeOf(directory.path), 48_000)
      const { gaps, wrong, end } = readAll(writer)
      assert.deepStrictEqual(wrong, [])
      assert.strictEqual(end, writer.end())
      assert.deepStrictEqual(gaps, writer.oldest === 0 ? [] : [{ from: 0, to: writer.oldest, reason: "rotated" }])
    }
    assert.isAbove(writer.oldest, 150_000)
    assert.strictEqual(findLog(directory.path, null).oldest, writer.oldest)
  })

  it("stays bounded when a program prints byte by byte or somebody types a lot, too", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 4_000, 20_000)
    for (let byte = 0; byte < 5_000; byte++) writer.append(Direction.output, [sample(byte, 1)], 0)
    assert.isAtMost(sizeOf(directory.path), 24_100)
    for (let round = 0; round < 100; round++) writer.append(Direction.input, [Buffer.alloc(1_000, 0x61)], 0)
    assert.isAtMost(sizeOf(directory.path), 24_100)
    assert.strictEqual(writer.end(), 5_000)
    assert.strictEqual(readAll(writer).end, 5_000)
  })

  it("keeps input and output apart and in the order in which they came", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 500)
    const expected: Array<readonly [number, number, string]> = []
    const next = random(3)
    let typed = 0
    for (let round = 0; round < 200; round++) {
      if (next(3) === 0) {
        const data = Buffer.from(`<${round}>`)
        expected.push([Direction.input, typed, data.toString()])
        writer.append(Direction.input, [data], round)
        typed += data.length
      } else {
        const data = sample(writer.end(), 1 + next(40))
        expected.push([Direction.output, writer.end(), data.toString("latin1")])
        writer.append(Direction.output, [data], round)
      }
    }
    for (const source of [writer, findLog(directory.path, null)]) {
      const entries = readEntries(source).flatMap((entry) => {
        assert(entry.type === "record")
        // Each segment begins with the size.
        if (entry.direction === Direction.resize) return []
        const text = entry.data.toString(entry.direction === Direction.input ? "utf8" : "latin1")
        return [[entry.direction, entry.offset, text] as const]
      })
      assert.deepStrictEqual(entries, expected)
      assert.deepStrictEqual(readAll(source).gaps, [])
    }
  })

  it("serves bytes whose record was not written any more, and half a record hurts nobody", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 1_000_000)
    fill(writer, 50_000, 1_000)
    writer.close()
    const index = join(
      directory.path,
      readdirSync(directory.path).find((name) => name.endsWith(".idx"))!
    )
    for (const cut of [1, 39, 40, 41, 400]) {
      truncateSync(index, statSync(index).size - cut)
      assert.deepStrictEqual(readAll(findLog(directory.path, null)), {
        gaps: [],
        bytes: 50_000,
        wrong: [],
        end: 50_000
      })
      const records = readEntries(findLog(directory.path, null))
      assert.isTrue(records.every(({ type }) => type === "record"))
    }
    rmSync(index)
    assert.strictEqual(readAll(findLog(directory.path, null)).bytes, 50_000)
  })

  it("names what a whole missing or shortened file took with it", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 10_000)
    fill(writer, 50_000, 1_000)
    writer.close()
    const outs = readdirSync(directory.path)
      .filter((name) => name.endsWith(".out"))
      .sort()
    rmSync(join(directory.path, outs[2]!))
    truncateSync(join(directory.path, outs.at(-1)!), 5)
    const recorded = { end: writer.end(), lostBytes: 0 }
    const { gaps, wrong, end } = readAll(findLog(directory.path, recorded))
    assert.deepStrictEqual(wrong, [])
    assert.strictEqual(end, 50_000)
    assert.isTrue(gaps.every(({ reason }) => reason === "corrupt"))
    assert.strictEqual(gaps[0]!.from, Number(outs[2]!.slice(0, 16)))
    assert.strictEqual(gaps[0]!.to, Number(outs[3]!.slice(0, 16)))
    for (const name of readdirSync(directory.path)) rmSync(join(directory.path, name))
    assert.deepStrictEqual(readAll(findLog(directory.path, recorded)).gaps, [
      { from: 0, to: 50_000, reason: "corrupt" }
    ])
  })

  it("ignores files that are not its own", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 10_000)
    fill(writer, 25_000, 1_000)
    for (const name of ["session.json", "0.out", "notes.txt", "x.idx"]) writeFileSync(join(directory.path, name), "?")
    assert.strictEqual(readAll(findLog(directory.path, null)).bytes, 25_000)
  })

  it("reads a piece at a time, never more than 256 KiB", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 16 * 1024 * 1024)
    for (let round = 0; round < 20; round++) {
      writer.append(Direction.output, [sample(writer.end(), MAX_RECORD_DATA_BYTES)], 0)
    }
    let largest = 0
    let reads = 0
    const fs = {
      ...nodeLogFs,
      read: (fd: number, into: Buffer, position: number) => {
        largest = Math.max(largest, into.length)
        reads++
        return nodeLogFs.read(fd, into, position)
      }
    }
    assert.strictEqual(readAll(findLog(directory.path, null, fs), 100).wrong.length, 0)
    assert.isAtMost(largest, MAX_RECORD_DATA_BYTES)
    assert.isBelow(reads, 60)
  })

  it("goes on in the old segment while there is no descriptor for a new one", () => {
    using directory = temporary()
    let exhausted = false
    const fs = {
      ...nodeLogFs,
      create: (path: string) => {
        if (exhausted) throw systemError("EMFILE")
        return nodeLogFs.create(path)
      }
    }
    const { clock, news, writer } = makeWriter(directory.path, 5_000, undefined, fs)
    exhausted = true
    fill(writer, 20_000, 500)
    assert.strictEqual(writer.segments().length, 1)
    exhausted = false
    clock.now += 1_000
    fill(writer, 20_000, 500)
    assert.isAbove(writer.segments().length, 3)
    assert.deepStrictEqual(news, [])
    assert.deepStrictEqual(readAll(writer), { gaps: [], bytes: 40_000, wrong: [], end: 40_000 })
  })

  it("tells a reader that there is no descriptor, instead of giving it less", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 5_000)
    fill(writer, 12_000, 500)
    let exhausted = true
    let open = 0
    const fs = {
      ...nodeLogFs,
      openToRead: (path: string) => {
        if (exhausted && path.endsWith(".idx")) throw systemError("EMFILE")
        open++
        return nodeLogFs.openToRead(path)
      },
      close: (fd: number) => {
        open--
        nodeLogFs.close(fd)
      }
    }
    const source = { ...findLog(directory.path, null), fs }
    const reader = new LogReader(source)
    assert.throws(() => reader.read(0), "EMFILE")
    assert.strictEqual(open, 0)
    exhausted = false
    assert.strictEqual(reader.read(0)?.type, "bytes")
    reader.close()
    assert.strictEqual(open, 0)
    assert.strictEqual(missing(readAll(source, 0, byteAt).gaps), 0)
  })
})
