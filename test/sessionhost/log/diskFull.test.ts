import { readdirSync, rmSync, statfsSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { Direction } from "../../../src/protocol/sessionFrames.ts"
import { findLog } from "../../../src/sessionhost/log/findLog.ts"
import type { LogFs } from "../../../src/sessionhost/log/LogFs.ts"
import { onSmallDisk, smallDisk } from "../support/smallDisk.ts"
import { faulty, makeWriter, missing, readAll, sample, temporary } from "./support.ts"

const CHUNK = 1_000
const CHUNKS = 40

/** Writes the same output each time, with a clock that lets each chunk try again. */
const write = (directory: string, fs: LogFs) => {
  const { clock, news, writer } = makeWriter(directory, 5_000, undefined, fs)
  for (let chunk = 0; chunk < CHUNKS; chunk++) {
    clock.now += 60_000
    const data = sample(writer.end(), CHUNK)
    writer.append(Direction.output, [data.subarray(0, 300), data.subarray(300)], 1)
    if (chunk % 10 === 5) writer.append(Direction.input, [Buffer.from("typed")], 1)
  }
  writer.close()
  return { news, writer }
}

const check = (directory: string, writer: ReturnType<typeof write>["writer"], what: string) => {
  const recorded = { end: writer.end(), lostBytes: writer.lostBytes }
  for (const source of [writer, findLog(directory, recorded)]) {
    const { bytes, end, gaps, wrong } = readAll(source)
    assert.deepStrictEqual(wrong, [], what)
    assert.strictEqual(end, CHUNK * CHUNKS, what)
    assert.strictEqual(missing(gaps), writer.lostBytes, what)
    assert.strictEqual(bytes, CHUNK * CHUNKS - writer.lostBytes, what)
    assert.isTrue(
      gaps.every(({ reason }) => reason === "log-lost"),
      `${what}: ${JSON.stringify(gaps)}`
    )
  }
}

describe("a log that can't be written", () => {
  for (const code of ["ENOSPC", "EIO"] as const) {
    it(`loses at most what was refused and says so once, when any one write fails with ${code}`, () => {
      const positions = countWrites()
      assert.isAbove(positions, 80)
      // The first four make the first segment: without them there is no session.
      for (let position = 5; position <= positions; position++) {
        using directory = temporary()
        const fs = faulty((n) => (n === position ? code : null))
        const { news, writer } = write(directory.path, fs)
        check(directory.path, writer, `write ${position}`)
        assert.isAtMost(writer.lostBytes, CHUNK)
        if (news.length > 0) assert.strictEqual(news[0], "lost")
        if (position < positions - 10)
          assert.strictEqual(news.filter((each) => each === "lost").length, news.length / 2)
      }
    })

    it(`goes on when every write fails with ${code} for a while, from any write on`, () => {
      for (let first = 5; first <= 55; first++) {
        using directory = temporary()
        const fs = faulty((n) => (n >= first && n < first + 10 ? code : null))
        const { news, writer } = write(directory.path, fs)
        check(directory.path, writer, `from ${first}`)
        assert.deepStrictEqual([...new Set(news)], news.length === 0 ? [] : ["lost", "restored"])
        assert.isAtMost(news.length, 4)
      }
    })
  }

  it("takes writes that do less than they were asked, at any place", () => {
    const positions = countWrites()
    for (let position = 5; position <= positions; position++) {
      using directory = temporary()
      const { writer } = write(
        directory.path,
        faulty((n) => (n === position ? "short" : null))
      )
      check(directory.path, writer, `write ${position}`)
      assert.strictEqual(writer.lostBytes, 0)
    }
  })

  it("cuts off the torn end of a write that was short and then failed", () => {
    for (let position = 5; position <= countWrites(); position++) {
      using directory = temporary()
      const fs = faulty((n) => (n === position ? "short" : n > position && n < position + 6 ? "ENOSPC" : null))
      const { writer } = write(directory.path, fs)
      check(directory.path, writer, `write ${position}`)
    }
  })

  it("throws when it can't even be begun, and leaves nothing behind", () => {
    for (let position = 1; position <= 3; position++) {
      using directory = temporary()
      assert.throws(() =>
        makeWriter(
          directory.path,
          5_000,
          undefined,
          faulty((n) => (n === position ? "ENOSPC" : null))
        )
      )
      assert.deepStrictEqual(readdirSync(directory.path), [])
    }
  })

  it("tries again less and less often, and only when there is something to write", () => {
    using directory = temporary()
    let full = false
    const fs = faulty(() => (full ? "ENOSPC" : null))
    const { clock, writer } = makeWriter(directory.path, 5_000, undefined, fs)
    full = true
    const before = fs.writes
    for (let milli = 0; milli < 60_000; milli++) {
      clock.now = milli
      writer.append(Direction.output, [sample(writer.end(), 10)], 1)
    }
    assert.isBelow(fs.writes - before, 20)
    assert.strictEqual(writer.lostBytes, 600_000)
    full = false
    clock.now += 60_000
    writer.append(Direction.output, [sample(writer.end(), 10)], 1)
    assert.isFalse(writer.isLost)
    assert.strictEqual(writer.lostBytes, 600_000)
    assert.deepStrictEqual(readAll(writer).gaps, [{ from: 0, to: 600_000, reason: "log-lost" }])
  })

  onSmallDisk("survives a real file system of 64 KiB that fills up and is freed again", () => {
    using disk = smallDisk(64)
    const mount = disk.path
    const { clock, news, writer } = makeWriter(mount, 16 * 1024)
    const print = (chunks: number) => {
      for (let chunk = 0; chunk < chunks; chunk++) {
        clock.now += 60_000
        writer.append(Direction.output, [sample(writer.end(), 777)], 1)
      }
    }
    print(200)
    assert.isTrue(writer.isLost)
    assert.deepStrictEqual(news, ["lost"])
    const kept = 200 * 777 - writer.lostBytes
    assert.isAbove(kept, 30_000)
    assert.strictEqual(statfsSync(mount).bavail, 0)

    // Somebody frees the oldest segment by hand.
    const [oldest, second] = writer.segments()
    for (const name of readdirSync(mount)) {
      if (Number(name.slice(0, 16)) === oldest!.output) rmSync(join(mount, name))
    }
    print(3)
    assert.isFalse(writer.isLost)
    assert.deepStrictEqual(news, ["lost", "restored"])
    writer.close()
    const { gaps, wrong, end } = readAll(findLog(mount, { end: writer.end(), lostBytes: writer.lostBytes }))
    assert.deepStrictEqual(wrong, [])
    assert.strictEqual(end, 203 * 777)
    assert.deepStrictEqual(
      gaps.map(({ reason }) => reason),
      ["rotated", "log-lost"]
    )
    assert.strictEqual(gaps[0]!.to, second!.output)
    assert.strictEqual(missing(gaps.slice(1)), writer.lostBytes)
  })
})

const countWrites = (): number => {
  using directory = temporary()
  const fs = faulty(() => null)
  write(directory.path, fs)
  return fs.writes
}
