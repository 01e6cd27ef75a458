import { Effect, Fiber } from "effect"
import { EventEmitter } from "node:events"
import type { Socket } from "node:net"
import { assert, describe, it } from "vitest"
import { Outbox } from "../../src/wire/Outbox.ts"

/** A socket whose other side reads only what the test lets it. */
class SlowSocket extends EventEmitter {
  readonly written: Array<string> = []
  readonly #callbacks: Array<() => void> = []
  writable = true
  ended = false

  /** What went out in one: between `cork` and `uncork`. */
  writes = 0
  #corked = false

  write(data: string | Buffer, done?: () => void): boolean {
    if (!this.#corked) this.writes++
    this.written.push(String(data))
    if (done !== undefined) this.#callbacks.push(done)
    return false
  }

  cork(): void {
    this.#corked = true
  }

  uncork(): void {
    this.#corked = false
    this.writes++
  }

  end(): void {
    this.ended = true
  }

  /** The other side reads what was written last. */
  read(): void {
    this.#callbacks.shift()?.()
  }
}

const make = (limitBytes: number) => {
  const socket = new SlowSocket()
  const outbox = new Outbox(socket as unknown as Socket, {
    limitBytes,
    stallAfter: "1 hour",
    onStalled: () => {},
    fork: Effect.runFork
  })
  return { socket, outbox }
}

describe("an outbox", () => {
  it("writes what was added in one turn at once", async () => {
    const { outbox, socket } = make(1000)
    outbox.add("a")
    outbox.add("b")
    assert.deepStrictEqual(socket.written, [])
    await Promise.resolve()
    assert.deepStrictEqual(socket.written, ["a\nb\n"])
  })

  it("sends bytes that others are sent too in their place among its replies", async () => {
    const { outbox, socket } = make(1000)
    const body = Buffer.from("shared")
    outbox.add("a")
    outbox.addAround("<", body, ">")
    outbox.add("b")
    outbox.addAround("[", body, "]")
    await Promise.resolve()
    assert.strictEqual(socket.writes, 1)
    for (let at = 0; at < 10; at++) socket.read()
    assert.strictEqual(socket.written.join(""), "a\n<shared>\nb\n[shared]\n")
  })

  it("waits for the end of a batch", async () => {
    const { outbox, socket } = make(1000)
    outbox.cork()
    outbox.add("a")
    await Promise.resolve()
    assert.deepStrictEqual(socket.written, [])
    outbox.uncork()
    assert.deepStrictEqual(socket.written, ["a\n"])
  })

  it("has no room once more waits than allowed, inside a batch too, and has room again when half of it was read", async () => {
    const { outbox, socket } = make(200_000)
    outbox.cork()
    outbox.add("x".repeat(199_000))
    assert.isUndefined(outbox.room)
    outbox.add("y".repeat(300_000))
    const room = outbox.room
    assert.isDefined(room)
    const waiting = Effect.runFork(room)
    let pieces = 1
    while (waiting.pollUnsafe() === undefined) {
      socket.read()
      pieces++
    }
    // 499,002 bytes in pieces of 64 KiB: seven, and it is the sixth that leaves less than 100,000.
    assert.strictEqual(pieces, 7)
    assert.isUndefined(outbox.room)
    socket.read()
    assert.strictEqual(socket.written.join("").length, 499_002)
  })

  it("lets everybody go who waits when the client has gone", async () => {
    const { outbox, socket } = make(10)
    outbox.add("x".repeat(100_000))
    const fiber = Effect.runFork(outbox.room!)
    assert.isUndefined(fiber.pollUnsafe())
    socket.emit("close")
    await Effect.runPromise(Fiber.join(fiber))
  })

  it("does not take a client for stalled because this process stood still, and does where it is one", async () => {
    const socket = new SlowSocket()
    const stalled = Promise.withResolvers<number>()
    let read = 0
    const outbox = new Outbox(socket as unknown as Socket, {
      limitBytes: 10,
      stallAfter: 200,
      onStalled: () => stalled.resolve(read),
      fork: Effect.runFork
    })
    outbox.add("x".repeat(200_000))
    await Promise.resolve()
    await new Promise(setImmediate)
    // What the client has read meanwhile is known a turn after the timers.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
    setImmediate(() => {
      read++
      socket.read()
    })
    assert.strictEqual(await stalled.promise, 1)
  })

  it("ends the socket when all has been written, and not before", () => {
    const { outbox, socket } = make(1000)
    outbox.add("x".repeat(100_000))
    outbox.end()
    assert.isFalse(socket.ended)
    socket.read()
    assert.isFalse(socket.ended)
    socket.read()
    assert.isTrue(socket.ended)
  })
})
