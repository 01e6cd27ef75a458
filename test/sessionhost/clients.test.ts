import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "vitest"
import { FrameType } from "../../src/protocol/sessionFrames.ts"
import { encodeFrame } from "../../src/wire/frames.ts"
import { byteAt, random, sample } from "./log/support.ts"
import { TestHost } from "./support/host.ts"
import type { Client } from "./support/peers.ts"

/** Every byte a client got is the one that was printed at its offset. */
const assertExact = (client: Client) => {
  assert.deepStrictEqual(client.misplaced, [])
  let at = client.opened!.offset
  // Gaps and bytes are checked as one sequence by the client; here only what came.
  if (client.gaps.length > 0) return
  for (const byte of client.output) {
    if (byte !== byteAt(at)) assert.fail(`the byte at ${at} is wrong`)
    at++
  }
}

setFlagsFromString("--expose-gc")
const collectGarbage = runInNewContext("gc") as () => void

/** What buffers take that somebody still has. */
/** What stays: what a socket or a sweep still lets go of is no cost. */
const bufferBytes = async () => {
  let least = Infinity
  for (let round = 0; round < 20; round++) {
    await turn()
    collectGarbage()
    least = Math.min(least, process.memoryUsage().arrayBuffers)
  }
  return least
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("clients of a session's output", () => {
  it("get every byte once, however they come and go while it prints", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ segmentBytes: 200_000, recentBytes: 20_000 })
    const next = random(21)
    const all: Array<Client> = []
    const opening: Array<Promise<void>> = []
    let printed = 0
    const come = async () => {
      const mode = (["attach", "follow", "read"] as const)[next(3)]!
      const where = next(3)
      const client = await host.open(id, {
        mode,
        ...(where === 0 ? { since: next(printed + 1) } : where === 1 ? { tail: next(100_000) } : {})
      })
      all.push(client)
      // Some pause for a while, some leave in the middle, some stay to the end.
      const fate = next(4)
      if (fate === 0) client.socket.pause()
      const turns = next(60)
      for (let each = 0; each < turns; each++) await turn()
      if (fate === 0) client.socket.resume()
      if (fate === 1) client.socket.destroy()
    }
    for (let round = 0; round < 1_500; round++) {
      const size = 1 + next(next(20) === 0 ? 60_000 : 900)
      program.print(sample(printed, size))
      printed += size
      if (next(10) === 0) opening.push(come())
      if (next(3) === 0) await turn()
    }
    program.end()
    await Promise.all(opening)
    await Promise.all(all.map((client) => client.whenClosed()))

    assert.isAbove(all.length, 75)
    for (const client of all) assertExact(client)
    const stayed = all.filter(({ ended }) => ended)
    assert.isAbove(stayed.length, 40)
    for (const client of stayed) {
      assert.deepStrictEqual(client.gaps, [])
      if (client.exited !== null) assert.strictEqual(client.offset, printed)
    }
    assert.strictEqual((await host.read(id)).bytes, printed)
  })

  it("read on where they were: an offset is exact, and what is gone is said", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ segmentBytes: 10_000, maxBytes: 40_000, recentBytes: 4_096 })
    for (let printed = 0; printed < 200_000; printed += 1_000) {
      program.print(sample(printed, 1_000))
      await turn()
    }
    const middle = await host.open(id, { mode: "follow", since: 190_123 })
    await middle.until(() => middle.offset === 200_000)
    assert.strictEqual(middle.opened!.offset, 190_123)
    assert.strictEqual(middle.opened!.liveFrom, 200_000)
    assertExact(middle)

    const early = await host.open(id, { mode: "follow", since: 5 })
    await early.until(() => early.offset === 200_000)
    assert.deepStrictEqual(early.gaps, [{ from: 5, to: early.opened!.offset, reason: "rotated" }])
    assert.isAbove(early.opened!.offset, 150_000)

    const tail = await host.open(id, { mode: "read", tail: 777 })
    await tail.whenClosed()
    assert.strictEqual(tail.opened!.offset, 199_223)
    assert.strictEqual(tail.bytes, 777)

    const beyond = await host.open(id, { mode: "follow", since: 999_999 })
    assert.strictEqual(beyond.opened!.offset, 200_000)
    program.print(sample(200_000, 10))
    await beyond.until(() => beyond.bytes === 10)
    assertExact(beyond)
  })

  it("begin with the recent output when they attach, at a line and never inside a character", async () => {
    await using host = await TestHost.start()
    const lines = await host.spawn({ recentBytes: 8_192 })
    for (let line = 0; line < 3_000; line++) lines.program.print(`line ${line} – ä🙂\n`)
    await turn()
    const attached = await host.open(lines.id)
    await attached.until(() => attached.offset === attached.opened!.liveFrom)
    assert.match(attached.output.toString(), /^line \d+ – ä🙂\n/)
    assert.isAbove(attached.bytes, 7_000)
    assert.isBelow(attached.bytes, 20_000)

    const endless = await host.spawn({ recentBytes: 8_192 })
    for (let piece = 0; piece < 5_000; piece++) endless.program.print("🙂")
    await turn()
    const inside = await host.open(endless.id)
    await inside.until(() => inside.offset === inside.opened!.liveFrom)
    assert.match(inside.output.toString(), /^(🙂)+$/u)
    const tail = await host.open(endless.id, { tail: 4_094 })
    await tail.until(() => tail.offset === tail.opened!.liveFrom)
    assert.match(tail.output.toString(), /^(🙂)+$/u)
  })

  it("that do not read cost a piece and hold up nobody; a terminal skips, a follower misses nothing", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ recentBytes: 64 * 1024, segmentBytes: 4 * 1024 * 1024 })
    const [frozenTerminal, frozenFollower, reader] = await Promise.all([
      host.open(id),
      host.open(id, { mode: "follow" }),
      host.open(id, { mode: "follow" })
    ])
    frozenTerminal.socket.pause()
    frozenFollower.socket.pause()
    const before = await bufferBytes()
    const total = 24 * 1024 * 1024
    for (let printed = 0; printed < total; printed += 64 * 1024) {
      program.print(sample(printed, 64 * 1024))
      await reader.until(() => reader.offset >= printed - 1024 * 1024)
    }
    await reader.until(() => reader.offset === total)
    // The reader itself keeps what it got, for the comparison.
    assert.isBelow((await bufferBytes()) - before - reader.bytes, 4 * 1024 * 1024)
    assert.isBelow(frozenTerminal.offset, total / 2)

    frozenTerminal.socket.resume()
    frozenFollower.socket.resume()
    await Promise.all([
      frozenTerminal.until(() => frozenTerminal.offset === total),
      frozenFollower.until(() => frozenFollower.offset === total)
    ])
    assert.deepStrictEqual(frozenFollower.gaps, [])
    assertExact(frozenFollower)
    assert.strictEqual(frozenTerminal.gaps.length, 1)
    assert.strictEqual(frozenTerminal.gaps[0]!.reason, "behind")
    assert.isAbove(frozenTerminal.gaps[0]!.to, total - 256 * 1024)
    assert.deepStrictEqual(frozenTerminal.misplaced, [])
  })

  it("get the rest and the end when the session ends while they are behind", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ recentBytes: 16 * 1024, segmentBytes: 1024 * 1024 })
    const behind = await host.open(id, { mode: "follow" })
    behind.socket.pause()
    const total = 4 * 1024 * 1024
    for (let printed = 0; printed < total; printed += 128 * 1024) program.print(sample(printed, 128 * 1024))
    program.end({ code: null, signal: "SIGSEGV" })
    await host.control.event("closed", id)
    assert.strictEqual(host.running.host.held, 0)
    behind.socket.resume()
    await behind.whenClosed()
    assert.strictEqual(behind.bytes, total)
    assert.isTrue(behind.ended)
    assert.strictEqual(behind.exited?.signal, "SIGSEGV")
    assertExact(behind)
  })

  it("may vanish at any moment", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const next = random(9)
    for (let round = 0; round < 60; round++) {
      const client = await host.open(id, { mode: next(2) === 0 ? "attach" : "follow" })
      program.print(sample(round * 10_000, 10_000))
      if (next(2) === 0) client.socket.write(encodeFrame(FrameType.input, Buffer.alloc(100)).subarray(0, next(100)))
      client.socket.destroy()
    }
    const last = await host.open(id)
    await last.until(() => last.offset === 600_000)
    const clients = async () =>
      (await host.control.ask<{ sessions: [{ clients: number }] }>("list")).sessions[0].clients
    while ((await clients()) > 1) await turn()
    assert.deepStrictEqual(host.said, [])
  })

  it("are answered when they have no business here", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const used = await host.ticket(id)
    const { Client, connected } = await import("./support/peers.ts")
    const first = new Client(await connected(host.paths.hostSocket), used)
    await first.whenOpened()
    for (const ticket of [used, "never-was", ""]) {
      const client = new Client(await connected(host.paths.hostSocket), ticket)
      await client.whenClosed()
      assert.strictEqual(client.error?.code, "bad-ticket")
    }
    const readOnly = await host.open(id, { readOnly: true })
    readOnly.type("x")
    await readOnly.whenClosed()
    assert.strictEqual(readOnly.error?.code, "bad-frame")
    const absurd = await host.open(id)
    absurd.resize(0, 5_000)
    await absurd.whenClosed()
    assert.strictEqual(absurd.error?.code, "bad-frame")
    assert.strictEqual(program.readInput().length, 0)
    assert.strictEqual(program.sizes.length, 1)
    program.print("still here")
    await first.until(() => first.bytes === 10)
  })
})
