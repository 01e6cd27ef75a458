import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { isAlive, until } from "../support/home.ts"
import { kill, stranger, temporary } from "./support.ts"
import { say, withToy } from "./toy.ts"

const NAME = { name: "claude-sessions" }
const homeIn = Effect.map(temporary, (directory) => join(directory, "h"))
const eventually = (what: string, check: Effect.Effect<boolean>) =>
  Effect.promise(() => until(what, () => Effect.runPromise(check)))

describe("dialects", () => {
  it.live("are spoken from the moment they are enabled until they are disabled, and both is written down", () =>
    Effect.gen(function* () {
      const { dialects, file, toy } = yield* withToy(yield* homeIn)
      const [before] = yield* dialects.list
      assert.deepInclude(before, { ...NAME, state: "disabled", socket: toy.socket, reason: null, since: null })
      assert.isNull(yield* say(toy.socket, "echo"))

      const status = yield* dialects.enable(NAME)
      assert.deepInclude(status, { ...NAME, args: [], state: "up", socket: toy.socket, reason: null })
      assert.isNotNull(status.since)
      assert.strictEqual(yield* say(toy.socket, "hello"), "hello\n")
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions"] } })
      // Once more changes nothing.
      assert.deepStrictEqual(yield* dialects.enable(NAME), status)
      assert.strictEqual(toy.opened(), 1)

      assert.deepStrictEqual(
        (yield* dialects.disable(NAME)).map(({ name, state }) => ({ name, state })),
        [{ ...NAME, state: "disabled" }]
      )
      assert.isNull(yield* say(toy.socket, "hello"))
      assert.isFalse(existsSync(toy.socket))
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: [] } })
      assert.deepStrictEqual(yield* dialects.disable(NAME), [])
      assert.strictEqual((yield* dialects.enable(NAME)).state, "up")
    }).pipe(Effect.scoped)
  )

  it.live("are spoken after a start when the configuration says so, and follow it when it is read again", () =>
    Effect.gen(function* () {
      const home = yield* homeIn
      const enabled = '{"dialects": {"enabled": ["claude-sessions"]}}'
      const { config, dialects, toy, write } = yield* withToy(home, { config: enabled })
      yield* eventually(
        "it is up",
        Effect.map(dialects.list, ([only]) => only?.state === "up")
      )
      assert.strictEqual(yield* say(toy.socket, "hello"), "hello\n")
      write('{"dialects": {"enabled": ["claude-sessions other"]}}')
      yield* config.reload
      yield* eventually(
        "the other one answers",
        Effect.map(say(`${toy.socket}-other`, "x"), (heard) => heard === "x\n")
      )
      assert.isNull(yield* say(toy.socket, "hello"))
    }).pipe(Effect.scoped)
  )

  it.live("of one kind differ by their arguments; disabling without any means all of them", () =>
    Effect.gen(function* () {
      const { dialects, file, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable({ ...NAME, args: ["a"] })
      yield* dialects.enable({ ...NAME, args: ["b"] })
      assert.strictEqual(yield* say(`${toy.socket}-a`, "x"), "x\n")
      yield* dialects.disable({ ...NAME, args: ["a"] })
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions b"] } })
      assert.isNull(yield* say(`${toy.socket}-a`, "x"))
      assert.strictEqual(yield* say(`${toy.socket}-b`, "x"), "x\n")
      assert.lengthOf(yield* dialects.disable(NAME), 1)
      assert.isNull(yield* say(`${toy.socket}-b`, "x"))
      const wrong = yield* Effect.flip(dialects.enable({ ...NAME, args: ["a", "b"] }))
      assert.strictEqual(wrong._tag, "DialectArguments")
      assert.strictEqual((yield* Effect.flip(dialects.enable({ name: "nonsense" })))._tag, "DialectUnknown")
    }).pipe(Effect.scoped)
  )

  it.live("with the same socket take the place of one another, unless the later one can't be had", () =>
    Effect.gen(function* () {
      const { dialects, file, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable(NAME)
      const again = yield* dialects.enable({ ...NAME, args: ["same"] })
      assert.deepInclude(again, { args: ["same"], state: "up", socket: toy.socket })
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions same"] } })
      assert.lengthOf(yield* dialects.list, 1)
      rmSync(toy.socket)
      mkdirSync(toy.socket)
      assert.strictEqual((yield* Effect.flip(dialects.enable(NAME)))._tag, "DialectRefused")
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions same"] } })
      rmSync(toy.socket, { recursive: true })
      yield* eventually(
        "the former one is back",
        Effect.map(dialects.list, ([only]) => only?.state === "up" && only.args[0] === "same")
      )
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
    }).pipe(Effect.scoped)
  )

  it.live("are refused where somebody answers, with the pid, and nothing is written", () =>
    Effect.gen(function* () {
      const home = yield* homeIn
      const { dialects, toy } = yield* withToy(home)
      mkdirSync(join(home, "toy"))
      const child = yield* stranger(toy.socket)
      const error = yield* Effect.flip(dialects.enable(NAME))
      assert.strictEqual(error._tag, "DialectRefused")
      assert.deepInclude(error, { pid: child.pid!, socket: toy.socket })
      assert.include(error.message, `pid ${child.pid}`)
      assert.isFalse(existsSync(join(home, "config.json")))
      assert.strictEqual((yield* dialects.list)[0]?.state, "disabled")
      assert.strictEqual(toy.opened(), 0)
      // It left, and could not clean up behind itself.
      yield* kill(child)
      assert.strictEqual((yield* dialects.enable(NAME)).state, "up")
    }).pipe(Effect.scoped)
  )

  it.live("that the configuration asks for come up by themselves once the path is free", () =>
    Effect.gen(function* () {
      const home = yield* homeIn
      mkdirSync(join(home, "toy"), { recursive: true })
      const child = yield* stranger(join(home, "toy/daemon.sock"))
      const { dialects } = yield* withToy(home, { config: '{"dialects": {"enabled": ["claude-sessions"]}}' })
      const first = Effect.map(dialects.list, ([only]) => only!)
      yield* eventually(
        "it is refused",
        Effect.map(first, ({ state }) => state === "refused")
      )
      assert.include((yield* first).reason, `pid ${child.pid}`)
      yield* kill(child)
      yield* eventually(
        "it is up",
        Effect.map(first, ({ state }) => state === "up")
      )
      assert.isNull((yield* first).reason)
    }).pipe(Effect.scoped)
  )

  it.live("are not changed where a flag or a variable says which they are", () =>
    Effect.gen(function* () {
      const fromEnvironment = yield* withToy(yield* homeIn, { env: { HOB_DIALECTS_ENABLED: "claude-sessions other" } })
      const error = yield* Effect.flip(fromEnvironment.dialects.enable(NAME))
      assert.deepInclude(error, { _tag: "DialectsFixed", source: "environment" })
      assert.isNull(yield* say(fromEnvironment.toy.socket, "x"))
      const fromFlag = yield* withToy(yield* homeIn, { flags: ["dialects.enabled=claude-sessions"] })
      assert.deepInclude(yield* Effect.flip(fromFlag.dialects.disable(NAME)), { _tag: "DialectsFixed", source: "flag" })
    }).pipe(Effect.scoped)
  )

  it.live("are not enabled when the file has a mistake or can't be written: what was up for that is closed again", () =>
    Effect.gen(function* () {
      const home = yield* homeIn
      const { dialects, toy, write } = yield* withToy(home)
      write('{"sessions": {"maxCount": 0}}')
      assert.strictEqual((yield* Effect.flip(dialects.enable(NAME)))._tag, "ConfigInvalid")
      assert.isNull(yield* say(toy.socket, "x"))
      assert.strictEqual(readFileSync(join(home, "config.json"), "utf8"), '{"sessions": {"maxCount": 0}}')
      assert.strictEqual((yield* dialects.list)[0]?.state, "disabled")
    }).pipe(Effect.scoped)
  )
})

describe("a dialect that is up", () => {
  it.live("is closed by its own client's word, once those who are being answered have their answers", () =>
    Effect.gen(function* () {
      const { dialects, file, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable(NAME)
      const waiting = yield* Effect.forkChild(say(toy.socket, "wait"), { startImmediately: true })
      assert.strictEqual(yield* say(toy.socket, "shutdown"), "shutdown\n")
      toy.release()
      assert.strictEqual(yield* Fiber.join(waiting), "wait\n")
      yield* eventually(
        "it is closed",
        Effect.map(dialects.list, ([only]) => only?.state === "closed")
      )
      assert.strictEqual((yield* dialects.list)[0]?.reason, "a client asked")
      assert.isFalse(existsSync(toy.socket))
      // It is still asked for: the next daemon speaks it, and so does this one when it is told to.
      assert.deepStrictEqual(JSON.parse(file()), { dialects: { enabled: ["claude-sessions"] } })
      assert.strictEqual((yield* dialects.enable(NAME)).state, "up")
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
    }).pipe(Effect.scoped)
  )

  it.live("is answered to the end by each of its clients alone: one that stalls or fails hinders nobody", () =>
    Effect.gen(function* () {
      const { dialects, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable(NAME)
      const stalled = yield* Effect.forkChild(say(toy.socket, "wait"), { startImmediately: true })
      assert.strictEqual(yield* say(toy.socket, "die"), "")
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      toy.release()
      yield* Fiber.join(stalled)
      assert.strictEqual((yield* dialects.list)[0]?.state, "up")
    }).pipe(Effect.scoped)
  )

  it.live("is there again when its socket's file was removed", () =>
    Effect.gen(function* () {
      const { dialects, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable(NAME)
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      rmSync(toy.socket)
      yield* eventually(
        "it answers again",
        Effect.map(say(toy.socket, "x"), (heard) => heard === "x\n")
      )
    }).pipe(Effect.scoped)
  )

  it.live("comes up again by itself when it crashes, and others don't notice", () =>
    Effect.gen(function* () {
      const { concerns, dialects, toy } = yield* withToy(yield* homeIn)
      yield* dialects.enable(NAME)
      yield* dialects.enable({ ...NAME, args: ["b"] })
      assert.isTrue(yield* concerns.crash("dialect claude-sessions", "a bug"))
      yield* eventually(
        "it answers again",
        Effect.map(say(toy.socket, "x"), (heard) => heard === "x\n")
      )
      assert.strictEqual(toy.opened(), 3)
      const status = (yield* concerns.status).find(({ name }) => name === "dialect claude-sessions")
      assert.deepInclude(status, { restarts: 1, state: "up" })
    }).pipe(Effect.scoped)
  )

  it.live("with a pid file is saved and closed when the process in it is ended", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const pidFile = join(directory, "daemon.pid")
      const { dialects, toy } = yield* withToy(join(directory, "h"), { pidFile })
      yield* dialects.enable(NAME)
      const pid = Number(readFileSync(pidFile, "utf8"))
      assert.isTrue(isAlive(pid))
      assert.strictEqual(yield* say(toy.socket, "x"), "x\n")
      process.kill(pid, "SIGTERM")
      yield* eventually(
        "it is closed",
        Effect.map(dialects.list, ([only]) => only?.state === "closed")
      )
      assert.strictEqual(toy.saved(), 1)
      assert.include((yield* dialects.list)[0]?.reason, "SIGTERM")
      assert.isNull(yield* say(toy.socket, "x"))
      assert.isFalse(existsSync(pidFile))
    }).pipe(Effect.scoped)
  )

  it.live("with a pid file that names another process is refused", () =>
    Effect.gen(function* () {
      const directory = yield* temporary
      const pidFile = join(directory, "daemon.pid")
      writeFileSync(pidFile, String(process.pid))
      const { dialects, toy } = yield* withToy(join(directory, "h"), { pidFile })
      const error = yield* Effect.flip(dialects.enable(NAME))
      assert.deepInclude(error, { _tag: "DialectRefused", pid: process.pid })
      assert.isNull(yield* say(toy.socket, "x"))
      assert.strictEqual(readFileSync(pidFile, "utf8"), String(process.pid))
    }).pipe(Effect.scoped)
  )
})
