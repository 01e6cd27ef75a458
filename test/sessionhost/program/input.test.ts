import { createHash } from "node:crypto"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { afterEach, assert, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest"
import { InputQueue } from "../../../src/sessionhost/InputQueue.ts"
import { startPipes } from "../../../src/sessionhost/pipe.ts"
import { startPty } from "../../../src/sessionhost/pty.ts"
import { describePty, itPty, kinds, pattern, run, shell } from "./run.ts"

const KiB = 1024

/** Takes `room` bytes, and counts. */
const sink = (room: number) => {
  const taken: Array<number> = []
  const state = { room, drained: 0, attempts: 0, broken: false, taken }
  const write = (buffer: Buffer, offset: number, length: number) => {
    state.attempts++
    if (state.broken) throw new Error("EIO")
    const count = Math.min(state.room, length)
    state.room -= count
    for (const byte of buffer.subarray(offset, offset + count)) taken.push(byte)
    return count
  }
  return { state, write, drained: () => void state.drained++ }
}

describe("an input queue", () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it("passes everything on in order, whatever the pieces and however little is taken at a time", () => {
    const feeding = sink(0)
    const queue = new InputQueue(64 * KiB, feeding)
    const data = pattern(40 * KiB)
    for (let at = 0, size = 1; at < data.length; at += size, size = (size * 7) % 1000 || 1) {
      expect(queue.push(data.subarray(at, at + size))).toBe("accepted")
    }
    for (let size = 1; queue.bytes > 0; size += 13) {
      feeding.state.room = size
      vi.advanceTimersByTime(50)
    }
    assert.isTrue(Buffer.from(feeding.state.taken).equals(data))
    assert.strictEqual(vi.getTimerCount(), 0)
  })

  it("copies what it takes", () => {
    const feeding = sink(0)
    const queue = new InputQueue(KiB, feeding)
    const data = Buffer.from("abc")
    queue.push(data)
    data.fill("x")
    feeding.state.room = 3
    vi.advanceTimersByTime(50)
    assert.strictEqual(Buffer.from(feeding.state.taken).toString(), "abc")
  })

  it("takes all of a piece or nothing, and says once when half of the room is free again", () => {
    const feeding = sink(0)
    const queue = new InputQueue(1000, feeding)
    expect(queue.push(Buffer.alloc(900))).toBe("accepted")
    expect(queue.push(Buffer.alloc(101))).toBe("full")
    expect(queue.push(Buffer.alloc(100))).toBe("accepted")
    expect(queue.bytes).toBe(1000)
    feeding.state.room = 500
    vi.advanceTimersByTime(50)
    expect([queue.bytes, feeding.state.drained]).toEqual([500, 0])
    feeding.state.room = 1
    vi.advanceTimersByTime(50)
    expect([queue.bytes, feeding.state.drained]).toEqual([499, 1])
    feeding.state.room = 1000
    vi.advanceTimersByTime(50)
    expect([queue.bytes, feeding.state.drained]).toEqual([0, 1])
    expect(queue.push(Buffer.alloc(64 * KiB * KiB))).toBe("full")
  })

  it("tries a program that reads nothing less and less often, 20 times a second in the end, however much is typed", () => {
    const feeding = sink(0)
    const queue = new InputQueue(KiB * KiB, feeding)
    queue.push(Buffer.alloc(1000))
    vi.advanceTimersByTime(1000)
    const first = feeding.state.attempts
    assert.isAtMost(first, 30)
    for (let second = 0; second < 60; second++) {
      queue.push(Buffer.from("x"))
      vi.advanceTimersByTime(1000)
    }
    assert.isAtMost(feeding.state.attempts - first, 60 * 20)
    feeding.state.room = 10
    vi.advanceTimersToNextTimer()
    const before = feeding.state.attempts
    vi.advanceTimersByTime(1)
    assert.isAbove(feeding.state.attempts, before, "after a taken byte it is tried again at once")
  })

  it("gives others a turn when a program takes everything", () => {
    const feeding = sink(0)
    const queue = new InputQueue(4 * KiB * KiB, feeding)
    queue.push(Buffer.alloc(KiB * KiB))
    for (let piece = 0; piece < 8; piece++) queue.push(Buffer.alloc(128 * KiB))
    feeding.state.room = Infinity
    vi.advanceTimersToNextTimer()
    assert.strictEqual(feeding.state.taken.length, 256 * KiB)
    vi.runAllTimers()
    assert.strictEqual(queue.bytes, 0)
  })

  it("ends: what waits is forgotten, nothing is written or called any more", () => {
    const feeding = sink(0)
    const queue = new InputQueue(KiB, feeding)
    queue.push(Buffer.alloc(KiB))
    queue.push(Buffer.alloc(KiB))
    queue.end()
    const { attempts } = feeding.state
    feeding.state.room = Infinity
    vi.advanceTimersByTime(1000)
    expect(queue.push(Buffer.from("x"))).toBe("ended")
    expect([queue.bytes, feeding.state.attempts, feeding.state.drained]).toEqual([0, attempts, 0])
  })

  it("ends by itself when it can't write", () => {
    const feeding = sink(0)
    feeding.state.broken = true
    const queue = new InputQueue(KiB, feeding)
    expect(queue.push(Buffer.from("x"))).toBe("ended")
    expect([vi.getTimerCount(), feeding.state.drained]).toEqual([0, 0])
  })

  it("tells who was refused that it ended by itself", () => {
    const feeding = sink(0)
    const queue = new InputQueue(KiB, feeding)
    queue.push(Buffer.alloc(KiB))
    expect(queue.push(Buffer.alloc(KiB))).toBe("full")
    feeding.state.broken = true
    vi.advanceTimersByTime(50)
    expect([queue.bytes, feeding.state.drained]).toEqual([0, 1])
    expect(queue.push(Buffer.from("x"))).toBe("ended")
  })
})

describe.each(kinds)("input of a program %s", (kind, start) => {
  const raw = kind === "on pipes" ? "" : "stty raw -echo; "

  it("arrives complete and in order, a megabyte in one piece", async () => {
    const data = pattern(KiB * KiB)
    const ended = shell(start, `${raw}printf ready; head -c ${data.length} | sha256sum`, {
      inputQueueBytes: data.length
    })
    await ended.says("ready")
    expect(ended.program.write(data)).toBe("accepted")
    await ended.closed
    assert.include(ended.text(), createHash("sha256").update(data).digest("hex"))
    assert.strictEqual(ended.program.queuedInputBytes, 0)
  })

  it("is refused as a whole when the queue is full, and asked for again when half of it is free", async () => {
    const data = pattern(3 * KiB * KiB)
    // It reads when the queue has long been full.
    const script = `${raw}printf ready; sleep 1; head -c ${data.length} | sha256sum`
    const ended = shell(start, script, { inputQueueBytes: 256 * KiB })
    await ended.says("ready")
    expect(ended.program.write(data)).toBe("full")
    let refusals = 0
    for (let at = 0; at < data.length;) {
      const drained = ended.drained()
      const piece = data.subarray(at, at + 64 * KiB)
      if (ended.program.write(piece) === "accepted") {
        assert.isAtMost(ended.program.queuedInputBytes, 256 * KiB)
        at += piece.length
        continue
      }
      refusals++
      await drained
      assert.isBelow(ended.program.queuedInputBytes, 128 * KiB)
    }
    await ended.closed
    assert.isAbove(refusals, 0)
    assert.include(ended.text(), createHash("sha256").update(data).digest("hex"))
  })

  it("is refused after the program has exited, also while its children hold on", async () => {
    const ended = shell(start, "trap '' HUP; sleep 1000 & exit 0")
    await ended.exit
    expect(ended.program.write(Buffer.from("x"))).toBe("ended")
    expect(ended.program.queuedInputBytes).toBe(0)
    expect(ended.isClosed()).toBe(false)
    ended.program.signalAll("SIGKILL")
    await ended.closed
    expect(ended.program.write(Buffer.from("x"))).toBe("ended")
  })

  it("that nobody reads is dropped when the program is killed", async () => {
    const ended = run(start, "/bin/sleep", ["1000"])
    expect(ended.program.write(Buffer.alloc(KiB * KiB, "x\n"))).toBe("accepted")
    assert.isAbove(ended.program.queuedInputBytes, 100 * KiB)
    ended.program.signalAll("SIGKILL")
    await ended.closed
    expect(ended.program.queuedInputBytes).toBe(0)
  })
})

describePty("input that a program under a terminal never reads", () => {
  it("is tried at most 20 times a second, while another session is typed into and answers", async () => {
    // Raw, because a terminal in its usual mode throws an endless line away.
    const full = shell(startPty, "stty raw -echo; printf ready; exec sleep 1000")
    const other = run(startPty, "/bin/cat", [])
    await full.says("ready")
    full.program.write(Buffer.alloc(KiB * KiB, "x"))
    const write = vi.spyOn(fs, "writeSync")
    syncBuiltinESMExports()
    onTestFinished(() => {
      write.mockRestore()
      syncBuiltinESMExports()
    })
    // Each time that the terminal takes a little more, the tries begin anew: it takes no more once ten were in vain.
    let queued = -1
    let triesThen = 0
    await vi.waitUntil(
      () => {
        const tries = write.mock.calls.length
        if (full.program.queuedInputBytes !== queued) {
          queued = full.program.queuedInputBytes
          triesThen = tries
        }
        return tries - triesThen >= 10
      },
      { timeout: 60_000, interval: 5 }
    )
    const triesBefore = write.mock.calls.length
    const started = performance.now()
    for (let line = 0; line < 20; line++) {
      other.program.write(Buffer.from(`line ${line}\r`))
      await other.says(`line ${line}\r\nline ${line}\r\n`)
      const before = write.mock.calls.length
      await vi.waitUntil(() => write.mock.calls.length > before, { timeout: 60_000, interval: 5 })
    }
    const seconds = (performance.now() - started) / 1000
    const attempts = write.mock.calls.length - triesBefore - 20
    assert.isAtMost(attempts, 20 * seconds + 2)
  })
})

describe("the end of input", () => {
  it("comes behind what is queued", async () => {
    const ended = run(startPipes, "/usr/bin/sha256sum", [])
    const data = pattern(500 * KiB)
    ended.program.write(data)
    ended.program.endInput!()
    expect(ended.program.write(Buffer.from("late"))).toBe("ended")
    await ended.closed
    assert.include(ended.text(), createHash("sha256").update(data).digest("hex"))
  })

  it("may be the program's own doing: who waits for room is told", async () => {
    const ended = shell(startPipes, "trap 'exec <&-' USR1; echo ready; while :; do sleep 0.01; done")
    await ended.says("ready")
    while (ended.program.write(Buffer.alloc(100 * KiB)) === "accepted");
    const drained = ended.drained()
    process.kill(ended.program.pid, "SIGUSR1")
    await drained
    expect(ended.program.write(Buffer.from("x"))).toBe("ended")
    expect(ended.program.queuedInputBytes).toBe(0)
    ended.program.signalAll("SIGKILL")
    await ended.closed
  })

  itPty("is typed at a terminal", async () => {
    const ended = run(startPty, "/bin/cat", [])
    ended.program.write(Buffer.from("line\n\x04"))
    await ended.closed
    assert.strictEqual(ended.text(), "line\r\nline\r\n")
  })
})
