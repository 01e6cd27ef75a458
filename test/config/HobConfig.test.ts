import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Queue, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HobConfig } from "../../src/config/HobConfig.ts"

/** A configuration on disk, and a way to write it anew. */
const onDisk = <A, E>(
  use: (write: (settings: object | string) => void) => Effect.Effect<A, E, HobConfig>,
  flags: ReadonlyArray<string> = []
) =>
  Effect.gen(function* () {
    const home = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "hob-config-"))),
      (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true }))
    )
    const config = join(home, "config.json")
    const write = (settings: object | string) =>
      fs.writeFileSync(config, typeof settings === "string" ? settings : JSON.stringify(settings), { mode: 0o600 })
    write({ sessions: { maxCount: 1 } })
    return yield* Effect.provide(use(write), HobConfig.layer({ paths: { config }, env: {}, flags }))
  }).pipe(Effect.scoped)

const maxCount = Effect.gen(function* () {
  const { sessions } = yield* (yield* HobConfig).get
  return sessions.maxCount
})

describe("a reload", () => {
  it.effect("puts the file's new values in force and names them", () =>
    onDisk((write) =>
      Effect.gen(function* () {
        const config = yield* HobConfig
        assert.strictEqual(yield* maxCount, 1)
        write({ sessions: { maxCount: 2, environmentDeny: ["A"] }, daemon: { logFiles: 5 } })
        assert.deepStrictEqual(yield* config.reload, {
          changed: ["sessions.maxCount", "sessions.environmentDeny"],
          needRestart: []
        })
        assert.strictEqual(yield* maxCount, 2)
        assert.deepStrictEqual(yield* config.reload, { changed: [], needRestart: [] })
        const sources = new Map((yield* config.settings).map(({ key, source }) => [key, source]))
        assert.strictEqual(sources.get("daemon.logFiles"), "file")
        write({})
        assert.deepStrictEqual((yield* config.reload).changed, ["sessions.maxCount", "sessions.environmentDeny"])
        assert.strictEqual(yield* maxCount, 1000)
      })
    )
  )

  it.effect("with a mistake anywhere leaves everything as it was", () =>
    onDisk((write) =>
      Effect.gen(function* () {
        const config = yield* HobConfig
        for (const broken of ['{"sessions": {"maxCount": 2}, "daemon": {"logFiles": 0}}', "{"]) {
          write(broken)
          assert.strictEqual((yield* Effect.flip(config.reload))._tag, "ConfigInvalid")
          assert.strictEqual(yield* maxCount, 1)
        }
      })
    )
  )

  it.effect("leaves what needs a restart as it is in force, and says so each time", () =>
    onDisk((write) =>
      Effect.gen(function* () {
        const config = yield* HobConfig
        write({ sessions: { maxCount: 1 }, socket: { depth: 99 } })
        const expected = { changed: ["socket.depth"], needRestart: ["socket.depth"] }
        assert.deepStrictEqual(yield* config.reload, expected)
        assert.deepStrictEqual(yield* config.reload, expected)
        assert.strictEqual((yield* config.get).socket.depth, 64)
        const shown = (yield* config.settings).find(({ key }) => key === "socket.depth")
        assert.deepStrictEqual(shown, { key: "socket.depth", value: 64, source: "default" })
      })
    )
  )

  it.effect("does not reach what a flag has set", () =>
    onDisk(
      (write) =>
        Effect.gen(function* () {
          const config = yield* HobConfig
          write({ sessions: { maxCount: 3 } })
          assert.deepStrictEqual(yield* config.reload, { changed: [], needRestart: [] })
          assert.strictEqual(yield* maxCount, 2)
        }),
      ["sessions.maxCount=2"]
    )
  )

  it.effect("leaves a line in the log that names what changed, and no value", () => {
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
    return onDisk((write) =>
      Effect.gen(function* () {
        const config = yield* HobConfig
        yield* config.reload
        write({ sessions: { maxCount: 2 }, socket: { depth: 99 } })
        yield* config.reload
        assert.deepStrictEqual(lines, [
          "the configuration was read again: nothing changed",
          "the configuration was read again: sessions.maxCount changed; socket.depth will change with the next daemon"
        ])
      })
    ).pipe(Effect.provide(logger))
  })

  it.effect("is heard by those who follow the changes", () =>
    onDisk((write) =>
      Effect.gen(function* () {
        const config = yield* HobConfig
        const heard = yield* Queue.unbounded<number>()
        const fiber = yield* config.changes.pipe(
          Stream.runForEach(({ sessions }) => Queue.offer(heard, sessions.maxCount)),
          Effect.forkChild
        )
        assert.strictEqual(yield* Queue.take(heard), 1)
        yield* config.reload
        write({ sessions: { maxCount: 2 } })
        yield* config.reload
        assert.strictEqual(yield* Queue.take(heard), 2)
        yield* Fiber.interrupt(fiber)
      })
    )
  )
})

describe("a configuration of tests", () => {
  it.effect("is the defaults with its own values in their place", () =>
    Effect.gen(function* () {
      const config = yield* HobConfig
      const { daemon, sessions } = yield* config.get
      assert.deepStrictEqual([sessions.maxCount, daemon.logFiles], [7, 5])
      assert.deepStrictEqual(yield* config.reload, { changed: [], needRestart: [] })
    }).pipe(Effect.provide(HobConfig.layerTest({ sessions: { maxCount: 7 } })))
  )

  it.effect("can't have a value that no file could have", () =>
    Effect.gen(function* () {
      const layer = HobConfig.layerTest({ sessions: { maxCount: 0 } })
      const exit = yield* Effect.exit(Effect.provide(HobConfig, layer))
      assert.strictEqual(exit._tag, "Failure")
    })
  )
})
