import {
  closeSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
  copyFileSync,
  mkdirSync
} from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { Direction } from "../../../src/protocol/sessionFrames.ts"
import { findLog } from "../../../src/sessionhost/log/findLog.ts"
import { makeWriter, missing, random, readAll, readEntries, sample, temporary } from "./support.ts"

/** `HOB_LOG_FLIPS=1000 vitest run test/sessionhost/log/damage` for as many as you like. */
const FLIPS = Number(process.env["HOB_LOG_FLIPS"] ?? 300)
const END = 120_000
/** No record of the test's log is longer. */
const LARGEST_RECORD = 700

const typedAt = (offset: number) => 0x41 + (offset % 26)

/** A log of several segments with records of input between those of output. */
const makeLog = (directory: string) => {
  const { writer } = makeWriter(directory, 30_000)
  const next = random(11)
  let typed = 0
  while (writer.end() < END) {
    if (next(4) === 0) {
      const size = 1 + next(20)
      writer.append(
        Direction.input,
        [Buffer.from(Array.from({ length: size }, (_, index) => typedAt(typed + index)))],
        1
      )
      typed += size
    }
    writer.append(Direction.output, [sample(writer.end(), Math.min(1 + next(LARGEST_RECORD), END - writer.end()))], 1)
  }
  writer.close()
  return { end: writer.end(), lostBytes: 0 }
}

const flip = (path: string, position: number, bit: number) => {
  const fd = openSync(path, "r+")
  const byte = Buffer.alloc(1)
  readSync(fd, byte, 0, 1, position)
  byte[0]! ^= 1 << bit
  writeSync(fd, byte, 0, 1, position)
  closeSync(fd)
}

/** The records as they are read: nothing wrong among them, and whether damage was named. */
const checkEntries = (recorded: { end: number; lostBytes: number }, directory: string) => {
  let at = 0
  let typed = 0
  let damaged = false
  for (const entry of readEntries(findLog(directory, recorded))) {
    if (entry.type === "gap") {
      assert.strictEqual(entry.reason, "corrupt")
      assert.strictEqual(entry.from, at)
      at = entry.to
      damaged = true
    } else if (entry.direction === Direction.input) {
      assert.isAtLeast(entry.offset, typed)
      typed = entry.offset + entry.data.length
      for (const [index, byte] of entry.data.entries()) assert.strictEqual(byte, typedAt(entry.offset + index))
    } else if (entry.direction === Direction.resize) {
      assert.deepStrictEqual([entry.offset, entry.data.toString()], [at, "80x24"])
    } else {
      assert.strictEqual(entry.offset, at)
      assert.deepStrictEqual(entry.data, sample(at, entry.data.length))
      at += entry.data.length
    }
  }
  assert.strictEqual(at, recorded.end)
  return damaged
}

describe("a damaged log", () => {
  it(
    `names each of ${FLIPS} flipped bits, loses the record concerned and nothing else, and is never wrong`,
    { timeout: 600_000 },
    () => {
      using directory = temporary()
      const recorded = makeLog(directory.path)
      const files = readdirSync(directory.path)
      const sizes = files.map((name) => statSync(join(directory.path, name)).size)
      const total = sizes.reduce((sum, size) => sum + size, 0)
      const next = random(5)
      const kinds = new Set<string>()
      for (let round = 0; round < FLIPS; round++) {
        let position = next(total)
        let file = 0
        while (position >= sizes[file]!) position -= sizes[file++]!
        const name = files[file]!
        const path = join(directory.path, name)
        const bit = next(8)
        flip(path, position, bit)

        const { gaps, wrong, end } = readAll(findLog(directory.path, recorded))
        const what = `${name} at ${position}`
        assert.deepStrictEqual(wrong, [], what)
        assert.strictEqual(end, END, what)
        assert.isAtMost(missing(gaps), LARGEST_RECORD, what)
        assert.isTrue(
          gaps.every(({ reason }) => reason === "corrupt"),
          what
        )
        if (name.endsWith(".out")) {
          const offset = Number(name.slice(0, 16)) + position
          assert.strictEqual(gaps.length, 1, what)
          assert.isTrue(gaps[0]!.from <= offset && offset < gaps[0]!.to, what)
        }
        kinds.add(`${name.split(".")[1]} ${gaps.length}`)
        // A file's first record says nothing that its name doesn't.
        const named = checkEntries(recorded, directory.path)
        assert.isTrue(named, what)
        flip(path, position, bit)
      }
      assert.strictEqual(readAll(findLog(directory.path, recorded)).bytes, END)
      for (const kind of ["out 1", "in 0", "idx 0", "idx 1"]) assert.include([...kinds], kind)
    }
  )

  it("is never wrong when a file was cut short anywhere", () => {
    using source = temporary()
    const recorded = makeLog(source.path)
    const next = random(6)
    const files = readdirSync(source.path)
    for (let round = 0; round < 300; round++) {
      const directory = join(source.path, `cut-${round}`)
      mkdirSync(directory)
      for (const name of files) copyFileSync(join(source.path, name), join(directory, name))
      const name = files[next(files.length)]!
      truncateSync(join(directory, name), next(statSync(join(directory, name)).size))
      const { gaps, wrong, end } = readAll(findLog(directory, recorded))
      assert.deepStrictEqual(wrong, [], name)
      assert.strictEqual(end, END, name)
      if (name.endsWith(".out")) assert.isAbove(missing(gaps), 0)
      // Without its records a file's bytes are as they were written: that much is known of them.
      else assert.strictEqual(missing(gaps), 0, name)
      checkEntries(recorded, directory)
    }
  })

  it("is never wrong when several bytes are", () => {
    using directory = temporary()
    const recorded = makeLog(directory.path)
    const next = random(8)
    const files = readdirSync(directory.path).filter((name) => !name.endsWith(".in"))
    for (let round = 0; round < 60; round++) {
      for (let flips = 0; flips < 5; flips++) {
        const path = join(directory.path, files[next(files.length)]!)
        flip(path, next(statSync(path).size), next(8))
      }
      const { wrong, end } = readAll(findLog(directory.path, recorded))
      assert.deepStrictEqual(wrong, [])
      assert.strictEqual(end, END)
      for (let probe = 0; probe < 10; probe++) {
        assert.deepStrictEqual(readAll(findLog(directory.path, recorded), next(END)).wrong, [])
      }
    }
  })
})
