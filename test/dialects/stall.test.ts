import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { connect, type Socket } from "node:net"
import { temporary } from "./support.ts"
import { say, withToy } from "./toy.ts"
import { join } from "node:path"

const turn = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

const connected = (path: string, text: string) =>
  Effect.acquireRelease(
    Effect.callback<Socket>((resume) => {
      const socket = connect(path, () => {
        socket.write(text)
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => {})
      socket.resume()
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

describe("a client of one line that stalls", () => {
  it.effect("is hung up on after half a minute, and others don't wait for that", () =>
    Effect.gen(function* () {
      const { dialects, toy } = yield* withToy(join(yield* temporary, "h"))
      yield* dialects.enable({ name: "claude-sessions" })
      const silent = yield* connected(toy.socket, "")
      const half = yield* connected(toy.socket, "half a li")
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      yield* TestClock.adjust("29 seconds")
      for (let turns = 0; turns < 20; turns++) yield* turn
      assert.isFalse(silent.destroyed || half.destroyed)
      yield* TestClock.adjust("2 seconds")
      while (!silent.destroyed || !half.destroyed) yield* turn
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
    })
  )
})
