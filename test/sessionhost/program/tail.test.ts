import { assert, beforeAll, describe, expect, it } from "vitest"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describePty, kinds, pattern, type Run, run, shell } from "./run.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"

const sizes = [1, 100, 4095, 4096, 20_000, 65_536, 300_000, 2_000_000]
const whole = pattern(Math.max(...sizes))
let directory: string
const fileOf = (size: number) => join(directory, String(size))

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "hob-tail-"))
  for (const size of sizes) writeFileSync(fileOf(size), whole.subarray(0, size))
  return () => rmSync(directory, { recursive: true, force: true })
})

/** Nothing lost, nothing doubled, nothing out of order; and the program's own output is complete when it has exited. */
const complete = async (ended: Run, size: number) => {
  expect(await ended.exit).toEqual({ code: 0, signal: null })
  await ended.closed
  const got = ended.bytes()
  assert.strictEqual(got.length, size)
  assert.isTrue(got.equals(whole.subarray(0, size)))
}

const block = (millis: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)

describe.each(kinds)("the last bytes of a program %s", (_, start) => {
  it("all come, whatever the size, 25 runs of each", { timeout: 300_000 }, async () => {
    for (let round = 0; round < 25; round++) {
      for (const size of sizes) await complete(run(start, "/bin/cat", [fileOf(size)]), size)
    }
  })

  it("all come when the event loop is busy while the program exits", { timeout: 300_000 }, async () => {
    for (let round = 0; round < 40; round++) {
      const size = sizes[round % sizes.length]!
      const ended = run(start, "/bin/cat", [fileOf(size)])
      block(30)
      setImmediate(block, 30)
      await complete(ended, size)
    }
  })

  it("all come from 20 programs at once", { timeout: 300_000 }, async () => {
    for (let round = 0; round < 5; round++) {
      const size = sizes[3 + round]!
      await Promise.all(Array.from({ length: 20 }, () => complete(run(start, "/bin/cat", [fileOf(size)]), size)))
    }
  })

  it("what children print after the program has exited comes too, and then the session closes", async () => {
    for (let round = 0; round < 10; round++) {
      const ended = shell(
        start,
        `trap '' HUP; (read -r _ </dev/null; while kill -0 $$ 2>&-; do :; done; cat ${fileOf(300_000)}) & printf .`
      )
      await ended.exit
      await ended.closed
      assert.isTrue(ended.bytes().equals(Buffer.concat([Buffer.from("."), whole.subarray(0, 300_000)])))
    }
  })
})

describePty("the order of output and exit under a terminal", () => {
  it("every byte that the program itself wrote has been delivered when its exit is announced", async () => {
    for (let round = 0; round < 50; round++) {
      const size = sizes[round % sizes.length]!
      const ended = run(startPty, "/bin/cat", [fileOf(size)])
      if (round % 2 === 0) block(20)
      await ended.closed
      assert.strictEqual(ended.bytesAtExit(), size)
    }
  })

  it("a program that closes its terminal and works on is not taken for ended", async () => {
    const ended = shell(
      startPty,
      "echo before; exec 3</dev/tty </dev/null >/dev/null 2>&1 3>&-; for i in 1 2 3 4 5 6 7 8 9; do /bin/true; done; echo after >/dev/tty; exit 7"
    )
    expect(await ended.exit).toEqual({ code: 7, signal: null })
    await ended.closed
    assert.strictEqual(ended.text(), "before\r\nafter\r\n")
  })

  it("a turn's worth of output comes in one piece, and never more than 256 KiB", async () => {
    const ended = run(startPty, "/bin/cat", [fileOf(2_000_000)])
    block(100)
    await ended.closed
    assert.isAtMost(Math.max(...ended.chunks), 256 * 1024)
    assert.isAbove(Math.max(...ended.chunks), 4095)
  })
})
