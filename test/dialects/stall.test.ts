import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { connect, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { type FirstLine, makeOneLine } from "../../src/dialects/oneLine.ts"
import { temporary } from "./support.ts"
import { say, withToy } from "./toy.ts"

const turn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

const connected = (path: string, text: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly socket: Socket; readonly heard: () => string }>((resume) => {
      let heard = ""
      const socket = connect(path, () => {
        socket.write(text)
        resume(Effect.succeed({ socket, heard: () => heard }))
      })
      socket.on("error", () => {})
      socket.on("data", (chunk) => (heard += String(chunk)))
    }),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

describe("a client of one line that stalls", () => {
  it.effect("is told and hung up on after half a minute, and others don't wait for that", () =>
    Effect.gen(function* () {
      const { dialects, toy } = yield* withToy(join(yield* temporary, "h"))
      yield* dialects.enable({ name: "claude-sessions" })
      const silent = yield* connected(toy.socket, "")
      const half = yield* connected(toy.socket, "half a li")
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      yield* TestClock.adjust("29 seconds")
      for (let turns = 0; turns < 20; turns++) yield* turn
      assert.isFalse(silent.socket.destroyed || half.socket.destroyed)
      yield* TestClock.adjust("2 seconds")
      while (!silent.socket.destroyed || !half.socket.destroyed) yield* turn
      for (const { heard } of [silent, half]) assert.strictEqual(heard(), "No whole line came within 30 seconds.\n")
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
    })
  )

  it.live("is told when too much is held of unfinished lines, and small ones are not concerned", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "s")
      const lines = makeOneLine({ lineBytes: 100_000, depth: 10, heldBytes: 120_000, stallMillis: 30_000 })
      const heard: Array<FirstLine> = []
      const server = createServer((socket) => {
        void Effect.runPromise(lines.read(socket)).then((line) => heard.push(line))
      })
      yield* Effect.acquireRelease(
        Effect.promise(() => new Promise<void>((resolve) => void server.listen(path, resolve))),
        () => Effect.sync(() => server.close())
      )
      const first = yield* connected(path, "x".repeat(90_000))
      // One after the other: what the first has said is held by now.
      while (first.socket.writableLength > 0) yield* turn
      const second = yield* connected(path, "y".repeat(90_000))
      while (heard.length === 0) yield* turn
      assert.deepInclude(heard[0], { type: "problem" })
      yield* connected(path, "z".repeat(10_000) + "\n")
      while (heard.length === 1) yield* turn
      assert.deepStrictEqual(heard[1], { type: "line", line: "z".repeat(10_000) })
      // One that leaves has said all it had to say; what was held of it is free again.
      first.socket.destroy()
      second.socket.destroy()
      while (heard.length === 2) yield* turn
      assert.isTrue(heard[2]?.type === "line" && heard[2].line === "x".repeat(90_000))
      yield* connected(path, "y".repeat(90_000) + "\n")
      while (heard.length === 3) yield* turn
      assert.deepInclude(heard[3], { type: "line" })
    }).pipe(Effect.scoped)
  )
})
