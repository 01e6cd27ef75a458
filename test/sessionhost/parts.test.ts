import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, it, vi } from "vitest"
import { outputHead } from "../../src/sessionhost/dataFrames.ts"
import { Recent, safeStart } from "../../src/sessionhost/Recent.ts"
import { TICKET_MILLIS, Tickets } from "../../src/sessionhost/tickets.ts"
import { encodeFrame } from "../../src/wire/frames.ts"
import { random, sample, temporary } from "./log/support.ts"

describe("recent output in memory", () => {
  it("is what was printed last, in slices that stay as they are while somebody has them", () => {
    const next = random(2)
    for (const limit of [0, 1, 5_000, 64 * 1024, 300_000]) {
      const recent = new Recent(limit)
      let held: { readonly from: number; readonly slices: ReadonlyArray<Buffer> } | null = null
      for (let round = 0; round < 400; round++) {
        recent.append(sample(recent.end, 1 + next(round % 7 === 0 ? 100_000 : 500)))
        assert.isAtLeast(recent.end - recent.oldest, Math.min(limit, recent.end))
        const from = recent.oldest + next(recent.end - recent.oldest)
        const to = from + next(recent.end - from + 1)
        assert.deepStrictEqual(Buffer.concat(recent.slices(from, to)), sample(from, to - from))
        if (held !== null) {
          const data = Buffer.concat(held.slices)
          assert.deepStrictEqual(data, sample(held.from, data.length))
        }
        if (next(5) === 0) held = null
        else if (held === null) held = { from, slices: recent.slices(from, to) }
        recent.trim(held?.from ?? Infinity)
        assert.isAtMost(recent.end - recent.oldest, limit + 260_000)
      }
    }
  })

  it("takes nothing before the first byte, and memory is used again", () => {
    const allocate = vi.spyOn(Buffer, "allocUnsafeSlow")
    const recent = new Recent(256 * 1024)
    assert.strictEqual(allocate.mock.calls.length, 0)
    for (let round = 0; round < 2_000; round++) {
      recent.append(sample(recent.end, 4_000))
      recent.trim(Infinity)
    }
    assert.isBelow(allocate.mock.calls.length, 20)
    allocate.mockRestore()
  })

  it("is shown from a line on, else from a character on", () => {
    const at = (text: string | Buffer) => safeStart(Buffer.from(text as string))
    assert.strictEqual(at("rest of a line\nnext"), 15)
    assert.strictEqual(at("no line"), 0)
    assert.strictEqual(at(""), 0)
    assert.strictEqual(at(Buffer.from("🙂🙂").subarray(1)), 3)
    assert.strictEqual(at(Buffer.from("ä").subarray(1)), 1)
    // Not UTF-8 at all: no more than a character's worth is skipped.
    assert.strictEqual(at(Buffer.alloc(10, 0x80)), 3)
  })
})

describe("tickets", () => {
  afterEach(() => void vi.useRealTimers())
  const grant = { session: "s", mode: "read", readOnly: true, since: null, tail: null, cols: null, rows: null } as never

  it("are good once, and for 30 seconds", () => {
    vi.useFakeTimers()
    const tickets = new Tickets()
    assert.isTrue(tickets.add("a", grant))
    assert.isFalse(tickets.add("a", grant))
    assert.isTrue(tickets.add("b", grant))
    assert.strictEqual(tickets.take("a"), grant)
    assert.isNull(tickets.take("a"))
    assert.isNull(tickets.take("c"))
    vi.advanceTimersByTime(TICKET_MILLIS - 1)
    assert.isTrue(tickets.add("d", grant))
    vi.advanceTimersByTime(1)
    assert.isNull(tickets.take("b"))
    assert.strictEqual(tickets.take("d"), grant)
    assert.strictEqual(vi.getTimerCount(), 0)
  })
})

describe("an output frame", () => {
  it("has the offset that it is told, also beyond 4 GiB", () => {
    for (const offset of [0, 1, 0xffff_ffff, 0x1_0000_0000, Number.MAX_SAFE_INTEGER]) {
      const payload = Buffer.alloc(8 + 3)
      payload.writeBigUInt64BE(BigInt(offset))
      assert.deepStrictEqual(Buffer.concat([outputHead(offset, 3), Buffer.alloc(3)]), encodeFrame(0x12, payload))
    }
  })
})

describe("what the host says", () => {
  const say = async (fd: number) => {
    const module = join(import.meta.dirname, "../../src/sessionhost/hostLog.ts")
    const script = `import { hostLog } from ${JSON.stringify(module)}; hostLog("something")`
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", fd] })
    return (await once(child, "exit"))[0] as number
  }

  it("goes to a log that stays small", async () => {
    using directory = temporary()
    const path = join(directory.path, "host.log")
    writeFileSync(path, "x".repeat(2 * 1024 * 1024))
    const fd = openSync(path, "a")
    assert.strictEqual(await say(fd), 0)
    closeSync(fd)
    assert.isBelow(statSync(path).size, 1_000)
    assert.match(readFileSync(path, "utf8"), /^\d{4}-.*Z session-host \d+: something\n$/)
  })

  it("may go nowhere", async () => {
    const fd = openSync("/dev/full", "w")
    assert.strictEqual(await say(fd), 0)
    closeSync(fd)
  })
})
