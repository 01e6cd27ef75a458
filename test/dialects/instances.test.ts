import { assert, describe, it } from "@effect/vitest"
import { Effect, PubSub, Stream } from "effect"
import { mkdirSync } from "node:fs"
import { dirname, join } from "node:path"
import { until } from "../support/home.ts"
import { kill, stranger, temporary } from "./support.ts"
import { say, withToy } from "./toy.ts"

const NAME = { name: "claude-sessions" }

/** A dialect with a socket for each name of a list that a test changes. */
const withInstances = (names: ReadonlyArray<string>, config?: string) =>
  Effect.gen(function* () {
    let present = names
    const changes = yield* PubSub.unbounded<void>()
    const home = join(yield* temporary, "h")
    const instances = { now: Effect.sync(() => present.map((name) => [name])), changes: Stream.fromPubSub(changes) }
    const made = yield* withToy(home, { instances, ...(config === undefined ? {} : { config }) })
    const answers = (name: string) => Effect.map(say(`${made.toy.socket}-${name}`, "x"), (heard) => heard === "x\n")
    return {
      ...made,
      answers,
      /** Waits until those are answered, and no others of the list that was. */
      change: (next: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const before = present
          present = next
          yield* PubSub.publish(changes, undefined)
          for (const name of new Set([...before, ...next])) {
            yield* Effect.promise(() =>
              until(`${name} is as it should be`, () =>
                Effect.runPromise(answers(name)).then((is) => is === next.includes(name))
              )
            )
          }
        })
    }
  })

describe("a dialect with a daemon for each of several things", () => {
  it.live("is spoken on the socket of each, of those too that come later, until it is disabled", () =>
    Effect.gen(function* () {
      const { answers, change, dialects, file } = yield* withInstances(["a", "b"])
      const status = yield* dialects.enable(NAME)
      assert.deepInclude(status, { ...NAME, args: [], state: "up" })
      assert.isTrue((yield* answers("a")) && (yield* answers("b")))
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions"] } })
      assert.deepStrictEqual(
        (yield* dialects.list).map(({ args, state }) => [args, state]),
        [
          [["a"], "up"],
          [["b"], "up"]
        ]
      )
      yield* change(["b", "c"])
      assert.deepStrictEqual(
        (yield* dialects.list).map(({ args }) => args),
        [["b"], ["c"]]
      )
      assert.lengthOf(yield* dialects.disable(NAME), 2)
      assert.isFalse((yield* answers("b")) || (yield* answers("c")))
      yield* change([])
    }).pipe(Effect.scoped)
  )

  it.live("stays closed where a client closed it, until it is enabled again; others go on", () =>
    Effect.gen(function* () {
      const { answers, dialects, toy } = yield* withInstances(["a", "b"])
      yield* dialects.enable(NAME)
      assert.strictEqual(yield* say(`${toy.socket}-a`, "shutdown"), "shutdown\n")
      yield* Effect.promise(() =>
        until("it is closed", () => Effect.runPromise(dialects.list).then(([a]) => a?.state === "closed"))
      )
      assert.deepStrictEqual([yield* answers("a"), yield* answers("b")], [false, true])
      yield* dialects.enable(NAME)
      assert.deepStrictEqual([yield* answers("a"), yield* answers("b")], [true, true])
      assert.strictEqual(toy.opened(), 3)
    }).pipe(Effect.scoped)
  )

  it.live("is refused as a whole where somebody answers for one, and nothing of it stays", () =>
    Effect.gen(function* () {
      const { answers, dialects, toy } = yield* withInstances(["a", "b"])
      mkdirSync(dirname(toy.socket), { recursive: true })
      const child = yield* stranger(`${toy.socket}-b`)
      const error = yield* Effect.flip(dialects.enable(NAME))
      assert.strictEqual(error._tag, "DialectRefused")
      assert.deepInclude(error, { dialect: "claude-sessions b", pid: child.pid! })
      assert.isFalse(yield* answers("a"))
      yield* kill(child)
      yield* dialects.enable(NAME)
      assert.isTrue(yield* answers("b"))
    }).pipe(Effect.scoped)
  )

  it.live("has the first of two with one socket, and is spoken after a start", () =>
    Effect.gen(function* () {
      const { dialects } = yield* withInstances(["same", "same"], '{"dialects": {"enabled": ["claude-sessions"]}}')
      yield* Effect.promise(() =>
        until("it is up", () => Effect.runPromise(dialects.list).then((list) => list[0]?.state === "up"))
      )
      assert.lengthOf(yield* dialects.list, 1)
    }).pipe(Effect.scoped)
  )
})
