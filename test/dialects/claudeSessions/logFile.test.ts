import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { Direction } from "../../../src/protocol/sessionFrames.ts"
import { linesFor, type Position } from "../../../src/dialects/claudeSessions/log/lines.ts"
import { LogFile } from "../../../src/dialects/claudeSessions/log/LogFile.ts"
import { onSmallDisk, smallDisk } from "../../sessionhost/support/smallDisk.ts"
import { bytesOf, readLog } from "./client.ts"

const ID = "67e55044-10b1-426f-9247-bb680e5fe0c8"
const BEGINNING: Position = { output: 0, input: 0 }

let directory: string
let path: string
beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "hob-log-"))
  path = join(directory, "a.jsonl")
})
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }))

const record = (direction: Direction, offset: number, data: string | Buffer) =>
  ({ type: "record", direction, offset, time: Date.UTC(2026, 0, 2), data: Buffer.from(data as string) }) as const

/** Adds output, as it follows. */
const print = async (file: LogFile, text: string): Promise<void> => {
  const { lines, position } = linesFor(ID, file.position, record(Direction.output, file.position.output, text))
  await file.append(lines!, position)
}

describe("a line of a log", () => {
  it("is what its program writes, no longer than it reads at once", () => {
    assert.deepStrictEqual(linesFor(ID, BEGINNING, record(Direction.output, 0, "Hello")), {
      lines: `{"timestamp":"2026-01-02T00:00:00.000+00:00","session_id":"${ID}","direction":"output","data":"SGVsbG8=","size":5}\n`,
      position: { output: 5, input: 0 }
    })
    const long = linesFor(ID, BEGINNING, record(Direction.input, 0, Buffer.alloc(20_000, 7)))
    fs.writeFileSync(path, long.lines!)
    assert.deepStrictEqual(
      readLog(path).map(({ direction, size }) => [direction, size]),
      [
        ["input", 8192],
        ["input", 8192],
        ["input", 3616]
      ]
    )
    assert.deepStrictEqual(long.position, { output: 0, input: 20_000 })
  })

  it("is there once: what is known already, wholly or in part, is left out", () => {
    const position = { output: 100, input: 10 }
    assert.deepStrictEqual(linesFor(ID, position, record(Direction.output, 90, "0123456789")), { lines: "", position })
    const partly = linesFor(ID, position, record(Direction.output, 95, "0123456789"))
    fs.writeFileSync(path, partly.lines!)
    assert.strictEqual(bytesOf(path, "output").toString(), "56789")
    assert.deepStrictEqual(partly.position, { output: 105, input: 10 })
    assert.deepStrictEqual(linesFor(ID, position, record(Direction.resize, 100, "80x24")), { lines: "", position })
    assert.deepStrictEqual(linesFor(ID, position, { type: "gap", from: 0, to: 100, reason: "rotated" }), {
      lines: "",
      position
    })
    assert.deepStrictEqual(linesFor(ID, position, { type: "gap", from: 100, to: 120, reason: "log-lost" }), {
      lines: null,
      position: { output: 120, input: 10 }
    })
  })
})

describe("the file of a log", () => {
  it("goes on where it was, by itself and by what is remembered", async () => {
    let file = await LogFile.open(path, null)
    await print(file, "one")
    const remembered = await file.remember()
    await print(file, "two")
    await file.close()
    for (const known of [null, remembered]) {
      file = await LogFile.open(path, known)
      assert.deepStrictEqual(file.position, { output: 6, input: 0 })
      await file.close()
    }
    assert.strictEqual(fs.statSync(path).mode & 0o777, 0o600)
  })

  it("is mended wherever a crash has cut it", async () => {
    const file = await LogFile.open(path, null)
    for (const text of ["one", "two", "three"]) await print(file, text)
    await file.close()
    const whole = fs.readFileSync(path)
    const ends = [0, 3, 6, 11]
    for (let cut = 0; cut <= whole.length; cut++) {
      fs.writeFileSync(path, whole.subarray(0, cut))
      const opened = await LogFile.open(path, null)
      const lines = whole.subarray(0, cut).toString().split("\n").length - 1
      assert.strictEqual(opened.position.output, ends[lines])
      assert.lengthOf(readLog(path), lines)
      await print(opened, "onetwothree".slice(opened.position.output))
      await opened.close()
      assert.strictEqual(bytesOf(path, "output").toString(), "onetwothree")
    }
    // What a file system leaves of a block that never reached the disk.
    fs.writeFileSync(path, Buffer.concat([whole, Buffer.alloc(5000)]))
    const opened = await LogFile.open(path, null)
    assert.strictEqual(opened.position.output, 11)
    await opened.close()
    assert.deepStrictEqual(fs.readFileSync(path), whole)
  })

  it("that its owner has emptied goes on where the session is; one that was removed is made anew there", async () => {
    let file = await LogFile.open(path, null)
    await print(file, "one")
    const remembered = await file.remember()
    assert.isFalse(await file.append("", file.position))
    fs.truncateSync(path)
    await print(file, "two")
    assert.strictEqual(bytesOf(path, "output").toString(), "two")
    fs.appendFileSync(path, "somebody's\n")
    assert.isTrue(await file.append("", file.position))
    assert.isFalse(await file.append("", file.position))
    fs.rmSync(path)
    await file.append("x\n", file.position).then(
      () => assert.fail("nobody could read it"),
      (error: Error) => assert.include(error.message, "was removed")
    )
    await file.close()
    file = await LogFile.open(path, remembered)
    assert.deepStrictEqual(file.position, { output: 3, input: 0 })
    await file.close()
  })

  it("is not opened through a link, nor where something else lies", async () => {
    const other = join(directory, "other")
    fs.writeFileSync(other, "mine")
    fs.symlinkSync(other, path)
    const problem = (open: Promise<LogFile>) =>
      open.then(
        () => "none",
        ({ message }: Error) => message
      )
    assert.include(await problem(LogFile.open(path, null)), "ELOOP")
    assert.strictEqual(fs.readFileSync(other, "utf8"), "mine")
    fs.rmSync(path)
    fs.mkdirSync(path)
    assert.match(await problem(LogFile.open(path, null)), /EISDIR|not a file/)
  })

  onSmallDisk("takes a line whole or not at all when the disk is full, and goes on when there is room", async () => {
    using disk = smallDisk(64)
    const full = join(disk.path, "a.jsonl")
    const file = await LogFile.open(full, null)
    let failures = 0
    for (let round = 0; round < 40; round++) {
      await print(file, `${round} ${"x".repeat(3000)}`).catch(() => failures++)
      assert.strictEqual(bytesOf(full, "output").length, file.position.output)
    }
    assert.isAbove(failures, 0)
    const before = bytesOf(full, "output")
    fs.truncateSync(full)
    await print(file, "again")
    assert.strictEqual(bytesOf(full, "output").toString(), "again")
    assert.strictEqual(file.position.output, before.length + 5)
    await file.close()
  })
})
