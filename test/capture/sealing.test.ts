import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach } from "vitest"
import { makeFiles } from "../../src/secrets/files.ts"
import { make } from "../../src/secrets/Secrets.ts"
import { secretPaths } from "../../src/config/secretPaths.ts"
import { CAPTURE_KEY, Sealing } from "../../src/capture/Sealing.ts"
import { startKeyring } from "../secrets/keyring.ts"
import { needs } from "../support/needs.ts"
import { directory, open, repository } from "./support.ts"

const before = { ...process.env }
afterEach(() => void (process.env = { ...before }))

describe("the key of captures", () => {
  it.effect("of a key store that waits for its user holds no start up; nothing is stored until it is there", () =>
    Effect.gen(function* () {
      const home = yield* directory
      const files = makeFiles((name) => secretPaths(home, name).file)
      let isLocked = true
      const keyStore = { ...files, set: () => (isLocked ? Effect.never : Effect.void), remove: () => Effect.void }
      const secrets = make({ home, files, keyStore, store: Effect.succeed("keystore") })
      const starting = yield* Effect.forkChild(
        Sealing.make({ secrets, isOn: true, monotonic: () => 10_000, hasSealed: Effect.succeed(false) })
      )
      yield* TestClock.adjust("3 seconds")
      const seal = yield* Fiber.join(starting)
      assert.include(seal.problem!.message, "the key store has not answered yet")
      isLocked = false
    }).pipe(Effect.scoped)
  )

  it.effect("that is lost is not replaced while something is sealed with it: nothing is stored until then", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const one = yield* open(at, { encrypt: true })
      const { id } = yield* one.captures.create({ tool: "t" })
      yield* one.add(id, "what was said")
      yield* one.stop
      const file = join(one.paths.home, CAPTURE_KEY)
      const key = readFileSync(file)
      rmSync(file)
      const two = yield* open(at, { encrypt: true })
      assert.include((yield* Effect.flip(two.add(id, "more"))).message, "Put it back")
      assert.isFalse(existsSync(file))
      yield* two.stop
      writeFileSync(file, key, { mode: 0o600 })
      const three = yield* open(at, { encrypt: true })
      yield* three.add(id, "more")
      assert.include(JSON.stringify(yield* three.captures.show({ capture: id })), "what was said")
      yield* three.stop
      rmSync(file)
      const four = yield* open(at, { encrypt: true })
      yield* four.captures.discard(id)
      yield* TestClock.adjust("6 seconds")
      // Who wants it makes that it is asked for again.
      assert.isTrue(Exit.isFailure(yield* Effect.exit(four.captures.create({ tool: "t" }))))
      while (!existsSync(file)) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* four.add((yield* four.captures.create({ tool: "t" })).id, "anew")
    }).pipe(Effect.scoped)
  )

  needs("secret-tool", "gnome-keyring-daemon", "dbus-run-session")(
    "is in the Secret Service where it is to be; while that is away nothing is stored, and it is found again",
    () =>
      Effect.gen(function* () {
        const at = yield* directory
        const text = "an unmistakable sentence"
        const begin = () =>
          Effect.promise(async () => {
            const keyring = await startKeyring(at)
            Object.assign(process.env, keyring.env)
            return keyring
          })
        const first = yield* begin()
        const settings = { capture: { encrypt: true }, secrets: { store: "keystore" } } as const
        const one = yield* open(at, settings.capture, settings)
        const { id } = yield* one.captures.create({ tool: "t", cwd: repository(join(at, "repo")) })
        yield* one.add(id, text)
        yield* one.stop
        assert.isFalse(existsSync(join(one.paths.home, CAPTURE_KEY)))
        yield* Effect.promise(first.stop)
        const two = yield* open(at, settings.capture, settings)
        assert.include((yield* Effect.flip(two.add(id, "x"))).message, "secrets.store")
        assert.notInclude(JSON.stringify(yield* two.captures.show({ capture: id })), text)
        // Nor is anything written in its place where it is to be saved, or taken for all there is to be found.
        const unsaved = yield* Effect.flip(two.captures.save({ capture: id }))
        assert.strictEqual(unsaved._tag === "CaptureNotSaved" && unsaved.reason, "sealed")
        assert.lengthOf((yield* two.captures.search({ text })).matches, 0)
        const again = yield* begin()
        yield* TestClock.adjust("6 seconds")
        yield* Effect.flip(two.add(id, "this one asks for it"))
        for (let shown = ""; !shown.includes(text);) {
          shown = JSON.stringify(yield* two.captures.show({ capture: id }))
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
        yield* two.add(id, "and is there")
        assert.strictEqual((yield* two.captures.show({ capture: id })).capture.messages, 2)
        assert.lengthOf((yield* two.captures.search({ text })).matches, 1)
        const [save] = (yield* two.captures.save({ capture: id })).saves
        assert.include(readFileSync(join(at, "repo", save!.file!), "utf8"), text)
        yield* two.stop
        yield* Effect.promise(again.stop)
      }).pipe(Effect.scoped, Effect.provide(TestClock.layer()), Effect.runPromise),
    300_000
  )
})
