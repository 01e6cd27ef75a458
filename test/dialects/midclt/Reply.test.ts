import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, FiberSet } from "effect"
import { TestClock } from "effect/testing"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { Reply } from "../../../src/dialects/midclt/Reply.ts"
import { until } from "../../support/home.ts"
import { temporary } from "../support.ts"

const eventually = (what: string, check: () => boolean) => Effect.promise(() => until(what, check))

/** Both ends of a connection, and the reply to whoever is at the other one. */
const makeReply = Effect.gen(function* () {
  const path = join(yield* temporary, "s")
  const fork = yield* FiberSet.makeRuntime<never, void, never>()
  const sockets: Array<Socket> = []
  yield* Effect.acquireRelease(
    Effect.promise(
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer({ allowHalfOpen: true }, (socket) => {
            socket.on("error", () => undefined)
            sockets.push(socket)
          })
          server.listen(path, () => resolve(server))
        })
    ),
    (server) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )
  const client = yield* Effect.acquireRelease(
    Effect.sync(() => connect({ path, allowHalfOpen: true })),
    (socket) => Effect.sync(() => socket.destroy())
  )
  client.on("error", () => undefined)
  yield* eventually("it is connected", () => sockets.length === 1)
  let heard = ""
  const listen = () => void client.on("data", (chunk) => void (heard += chunk.toString()))
  return { client, socket: sockets[0]!, reply: new Reply(sockets[0]!, fork), listen, heard: () => heard }
})

const step = (percent: number) => ({ percent, description: "x".repeat(1000), state: "RUNNING" })
const percentsOf = (text: string) =>
  text
    .split("\n")
    .filter((line) => line.includes('"progress"'))
    .map((line) => (JSON.parse(line) as { percent: number }).percent)

describe("a reply to midclt", () => {
  it.effect("keeps a client that waits patient, by an empty line each minute", () =>
    Effect.gen(function* () {
      const { heard, listen, reply } = yield* makeReply
      listen()
      yield* Effect.forkChild(reply.patience, { startImmediately: true })
      yield* TestClock.adjust("59 seconds")
      reply.progress({ percent: 1, description: null, state: "RUNNING" })
      yield* eventually("progress is heard", () => heard().includes("progress"))
      assert.strictEqual(heard(), '{"type": "progress", "percent": 1, "description": null, "state": "RUNNING"}\n')
      yield* TestClock.adjust("1 second")
      yield* eventually("a line is heard", () => heard().endsWith("\n\n"))
    }).pipe(Effect.scoped)
  )

  it.effect("leaves out progress that is not read in time, but for the latest, and nothing of the end", () =>
    Effect.gen(function* () {
      const { heard, listen, reply } = yield* makeReply
      for (let percent = 0; percent < 5000; percent++) {
        reply.progress(step(percent))
        if (percent % 100 === 0) yield* Effect.promise(() => new Promise(setImmediate))
      }
      const end = yield* Effect.forkChild(reply.last('{"type": "result", "result": 1}'), { startImmediately: true })
      listen()
      yield* eventually("the end is heard", () => heard().endsWith('"result": 1}\n'))
      const percents = percentsOf(heard())
      assert.isBelow(percents.length, 2000)
      assert.isAbove(percents.length, 10)
      assert.deepStrictEqual(
        percents,
        percents.toSorted((a, b) => a - b)
      )
      assert.strictEqual(percents.at(-1), 4999)
      yield* Fiber.interrupt(end)
    }).pipe(Effect.scoped)
  )

  it.effect("gives up on a client that takes nothing of the end for half a minute, and not sooner", () =>
    Effect.gen(function* () {
      const { client, heard, listen, reply, socket } = yield* makeReply
      const megabytes = 16 * 1024 * 1024
      client.pause()
      const end = yield* Effect.forkChild(reply.last("x".repeat(megabytes)), { startImmediately: true })
      yield* TestClock.adjust("29 seconds")
      assert.isFalse(socket.destroyed)
      for (let at = 0; at < 3; at++) yield* TestClock.adjust("30 seconds")
      yield* eventually("it is hung up on", () => socket.destroyed)
      yield* Fiber.join(end)
      listen()
      client.resume()
      yield* eventually("what was sent has come", () => client.readableEnded || client.destroyed)
      assert.isBelow(heard().length, megabytes)
    }).pipe(Effect.scoped)
  )

  it.effect("knows a client that is gone from one that has ended its side", () =>
    Effect.gen(function* () {
      const { client, heard, listen, reply } = yield* makeReply
      listen()
      const left = yield* Effect.forkChild(reply.left, { startImmediately: true })
      client.end()
      yield* eventually("it is asked whether it is there", () => heard() === "\n")
      assert.isUndefined(left.pollUnsafe())
      const other = yield* makeReply
      const gone = yield* Effect.forkChild(other.reply.left, { startImmediately: true })
      other.client.destroy()
      yield* Fiber.join(gone)
    }).pipe(Effect.scoped)
  )
})
