import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect, type Socket } from "node:net"
import { eventually, listening, method, open, type OpenOptions, post, raw } from "./support.ts"

/** `HOB_WEBHOOK_FLOOD_BYTES=1073741824 vitest run test/webhooks/flood.test.ts` for the whole gigabyte. */
const FLOOD_BYTES = Number(process.env["HOB_WEBHOOK_FLOOD_BYTES"] ?? 128 * 1024 * 1024)
const MiB = 1024 * 1024

const opened = (settings: NonNullable<OpenOptions["settings"]> = {}) =>
  Effect.gen(function* () {
    const opened = yield* open({ settings })
    yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
    return { ...opened, port: yield* listening(opened) }
  })

const HEAD = "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"

/** Writes as fast as it is read, until so much is written or nobody reads any more; what was answered. */
const flood = (
  port: number,
  head: string,
  piece: Buffer,
  total: number
): Promise<{ readonly answer: string; readonly written: number }> =>
  new Promise((done) => {
    const socket = connect(port, "127.0.0.1")
    let answer = ""
    let written = 0
    const more = (): void => {
      while (written < total && !socket.destroyed) {
        written += piece.length
        if (!socket.write(piece)) return
      }
    }
    socket.on("connect", () => {
      socket.write(head)
      more()
    })
    socket.on("drain", more)
    socket.on("data", (chunk) => (answer += chunk.toString()))
    socket.on("error", () => {})
    socket.on("close", () => done({ answer, written }))
  })

const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, "a"), Buffer.from("\r\n")])

/** How much the most that was resident is beyond what was before. */
const watchMemory = () => {
  globalThis.gc?.()
  const before = process.memoryUsage().rss
  let most = before
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5)
  return () => {
    clearInterval(timer)
    return Math.max(most, process.memoryUsage().rss) - before
  }
}

describe("a body that is too long", () => {
  it.live(`in chunks (${FLOOD_BYTES / MiB} MiB) is refused once it is, and costs no memory`, () =>
    Effect.gen(function* () {
      const { calls, port } = yield* opened()
      // What the client needs for itself is there before.
      yield* Effect.promise(() => flood(port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk, 4 * MiB))
      const grown = watchMemory()
      const { answer, written } = yield* Effect.promise(() =>
        flood(port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, chunk, FLOOD_BYTES)
      )
      assert.match(answer, /^HTTP\/1\.1 413 /)
      // It was hung up on, and did not have to send it all: what is written beyond lies in the system's buffers.
      assert.isBelow(written, FLOOD_BYTES / 2)
      assert.isBelow(grown(), 32 * MiB)
      assert.lengthOf(calls, 0)
      assert.strictEqual((yield* Effect.promise(() => post(port, {}))).status, 200)
    }).pipe(Effect.scoped)
  )

  it.live("by its own word is refused before it comes", () =>
    Effect.gen(function* () {
      const { port } = yield* opened()
      const head = `${HEAD}Content-Length: ${FLOOD_BYTES}\r\n\r\n`
      const { answer } = yield* Effect.promise(() => flood(port, head, Buffer.alloc(65_536, "a"), FLOOD_BYTES))
      assert.match(answer, /^HTTP\/1\.1 413 /)
    }).pipe(Effect.scoped)
  )
})

describe("a thousand senders that never finish", () => {
  const slow = (port: number, text: string): Promise<Socket> =>
    new Promise((done, fail) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(text, () => done(socket)))
      socket.on("error", fail)
    })

  it.live("are told so when their time is over; meanwhile others are served, and little memory is used", () =>
    Effect.gen(function* () {
      const { port } = yield* opened({ requestMillis: 2000, maxConnectionCount: 2000 })
      yield* Effect.promise(() => post(port, {}))
      const grown = watchMemory()
      const answers: Array<string> = []
      yield* Effect.promise(async () => {
        const closed: Array<Promise<void>> = []
        for (let at = 0; at < 1000; at++) {
          const text = at % 2 === 0 ? `${HEAD}X-Slow: ` : `${HEAD}Content-Length: 1000\r\n\r\n{`
          const socket = await slow(port, text)
          let answer = ""
          socket.on("data", (chunk) => (answer += chunk.toString()))
          closed.push(
            new Promise((done) =>
              socket.on("close", () => {
                answers.push(answer)
                done()
              })
            )
          )
        }
        assert.strictEqual((await post(port, {})).status, 200)
        await Promise.all(closed)
      })
      assert.lengthOf(answers, 1000)
      for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 408 /)
      assert.isBelow(grown(), 96 * MiB)
    }).pipe(Effect.scoped)
  )

  it.live("do not keep others out: when there are too many, the oldest goes that has sent nothing whole", () =>
    Effect.gen(function* () {
      const { port } = yield* opened({ maxConnectionCount: 50 })
      const sockets: Array<Socket> = []
      let gone = 0
      yield* Effect.promise(async () => {
        for (let at = 0; at < 200; at++) {
          const socket = await slow(port, `${HEAD}Content-Length: 10\r\n\r\n{`)
          socket.on("close", () => gone++)
          sockets.push(socket)
        }
        for (let at = 0; at < 20; at++) assert.strictEqual((await post(port, {})).status, 200)
        await eventually(() => gone >= 150)
        for (const socket of sockets) socket.destroy()
      })
    }).pipe(Effect.scoped)
  )

  it.live("nor do those that hold long bodies: all bodies on their way have a bound, and the oldest goes", () =>
    Effect.gen(function* () {
      const { port } = yield* opened()
      const answers: Array<string> = []
      const sockets: Array<Socket> = []
      yield* Effect.promise(async () => {
        for (let at = 0; at < 40; at++) {
          const socket = await slow(port, `${HEAD}Content-Length: ${MiB}\r\n\r\n${"a".repeat(MiB - 1)}`)
          socket.on("data", (chunk) => answers.push(chunk.toString()))
          sockets.push(socket)
        }
        await eventually(() => answers.length >= 20)
        assert.strictEqual((await post(port, {})).status, 200)
        for (const socket of sockets) socket.destroy()
      })
      for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 408 /)
    }).pipe(Effect.scoped)
  )
})

describe("a sender that lies about its length", () => {
  it.live("and sends more: what is beyond is no second request", () =>
    Effect.gen(function* () {
      const { calls, port } = yield* opened()
      const answer = yield* Effect.promise(() => raw(port, `${HEAD}Content-Length: 2\r\n\r\n{}{"n":2}`))
      assert.strictEqual(answer.status, 200)
      assert.lengthOf(calls, 1)
    }).pipe(Effect.scoped)
  )
})
