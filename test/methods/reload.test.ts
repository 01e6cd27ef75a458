import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { renameSync, rmSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { spawn } from "node:child_process"
import { identityOf } from "../../src/config/processIdentity.ts"
import { makeProcesses } from "../../src/methods/processes.ts"
import * as rows from "../../src/methods/rows.ts"
import { Database } from "../../src/storage/Database.ts"
import * as Daemon from "../../src/daemon/Daemon.ts"
import { Methods } from "../../src/methods/Methods.ts"
import { defaultNamespace } from "../../src/protocol/namespaces.ts"
import { isAlive } from "../support/home.ts"
import { daemon, failure, method, until, written } from "./support.ts"

describe("a module whose file changes", () => {
  it.live("is loaded anew by itself, and calls in flight finish on the old code", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const source = (version: number) =>
        `export const version = async (_, hob) => { const go = await hob.prompt("go?"); return [${version}, go] }
         export const now = () => ${version}`
      const { paths, write } = yield* written({ "a.ts": source(1) })
      const file = paths["a.ts"]!
      yield* hob.add(file)
      let go: (text: string) => void = () => {}
      const answer = new Promise<string>((resolve) => (go = resolve))
      let asked = false
      const prompt = () => {
        asked = true
        return Effect.promise(() => answer)
      }
      const old = yield* hob.begin("version", {}, { prompt })
      yield* until(
        "the old code runs",
        Effect.sync(() => asked)
      )
      const { pid } = yield* hob.info(file)
      write("a.ts", source(2))
      yield* until(
        "the new code is in charge",
        Effect.map(hob.call("now"), (version) => version === 2)
      )
      assert.isTrue(isAlive(pid!))
      go("on")
      assert.deepStrictEqual(yield* Fiber.join(old), [1, "on"])
      yield* until(
        "the old process is gone",
        Effect.sync(() => !isAlive(pid!))
      )
      assert.strictEqual((yield* hob.info(file)).restarts, 0)
    })
  )

  it.live("is loaded anew when a file changes that it imports from its own directory", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({
        "main.ts": `import { value } from "./lib/value.ts"\nexport const get = () => value`,
        "lib/value.ts": "export const value = 1"
      })
      yield* hob.add(paths["main.ts"]!)
      assert.strictEqual(yield* hob.call("get"), 1)
      write("lib/value.ts", "export const value = 2")
      yield* until(
        "it is",
        Effect.map(hob.call("get"), (value) => value === 2)
      )
    })
  )

  it.live("is loaded anew when its directory was deleted, or moved away, and made again", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { directory, paths, write } = yield* written({ "above/own/a.ts": "export const get = () => 1" })
      const file = paths["above/own/a.ts"]!
      yield* hob.add(file)
      const loaded = (version: number) =>
        until(
          `version ${version} is loaded`,
          Effect.map(hob.call("get"), (value) => value === version)
        )
      for (const [version, away] of [
        [2, () => rmSync(join(directory, "above/own"), { recursive: true })],
        [3, () => rmSync(join(directory, "above"), { recursive: true })],
        [4, () => renameSync(join(directory, "above/own"), join(directory, "above/old"))]
      ] as const) {
        away()
        yield* until(
          "its absence is noticed",
          Effect.map(hob.info(file), ({ problem }) => problem !== null)
        )
        assert.strictEqual(yield* hob.call("get"), version - 1)
        write("above/own/a.ts", `export const get = () => ${version}`)
        yield* loaded(version)
      }
      // And what happens there afterwards.
      write("above/own/a.ts", "export const get = () => 5")
      yield* loaded(5)
    })
  )

  it.live("keeps its old code when the new one is broken, says so, and takes the mended one", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({ "a.ts": "export const get = () => 1" })
      const file = paths["a.ts"]!
      yield* hob.add(file)
      write("a.ts", "export const get = (")
      yield* until(
        "it is told",
        Effect.map(hob.info(file), ({ problem }) => problem !== null)
      )
      assert.strictEqual((yield* hob.info(file)).state, "up")
      assert.strictEqual(yield* hob.call("get"), 1)
      // By hand it is no better.
      const [info] = yield* hob.methods.reload(defaultNamespace, file)
      assert.match(info!.problem!.reason, /Unexpected|Expression|Syntax/i)
      assert.strictEqual(yield* hob.call("get"), 1)
      write("a.ts", "export const get = () => 3")
      yield* until(
        "it is mended",
        Effect.map(hob.call("get"), (value) => value === 3)
      )
      assert.isNull((yield* hob.info(file)).problem)
    })
  )

  it.live("is watched where a link leads to, with what it imports there", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { directory, write } = yield* written({
        "real/main.ts": `import { value } from "./value.ts"\nexport const get = () => value`,
        "real/value.ts": "export const value = 1",
        "here/other.ts": ""
      })
      const link = join(directory, "here", "main.ts")
      symlinkSync("../real/main.ts", link)
      yield* hob.add(link)
      assert.strictEqual(yield* hob.call("get"), 1)
      write("real/value.ts", "export const value = 2")
      yield* until(
        "it is loaded anew",
        Effect.map(hob.call("get"), (value) => value === 2)
      )
    })
  )

  it.live("that crashes again and again is loaded at once when it is mended, whatever the pause", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({ "a.ts": "export const get = () => process.exit(1)" })
      const file = paths["a.ts"]!
      yield* hob.add(file)
      for (let round = 0; round < 5; round++) yield* failure(hob.call("get"))
      yield* until(
        "its process is gone",
        Effect.map(hob.info(file), ({ state }) => state !== "up")
      )
      write("a.ts", "export const get = () => 2")
      yield* hob.methods.reload(defaultNamespace, file)
      assert.strictEqual(yield* hob.call("get"), 2)
    })
  )

  it.live("may lose and gain methods", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({ "a.ts": "export const one = () => 1" })
      yield* hob.add(paths["a.ts"]!)
      write("a.ts", "export const two = () => 2")
      yield* until(
        "it has the new one",
        Effect.map(hob.methods.list({}), (methods) => methods.some(({ method }) => method === "two"))
      )
      assert.strictEqual((yield* failure(hob.call("one")))._tag, "UnknownMethod")
      assert.strictEqual(yield* hob.call("two"), 2)
    })
  )

  it.live("is broken when its file is gone and its process too, and is mended when the file is back", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({
        "a.ts": "export const get = () => 1\nexport const exit = () => process.exit(1)"
      })
      const file = paths["a.ts"]!
      yield* hob.add(file)
      rmSync(file)
      yield* failure(hob.call("exit"))
      const error = yield* failure(hob.call("get"))
      assert.strictEqual(error._tag, "ModuleBroken")
      assert.strictEqual((yield* hob.info(file)).state, "broken")
      write("a.ts", "export const get = () => 2")
      yield* until(
        "it is back",
        Effect.map(hob.info(file), ({ state }) => state === "up")
      )
      assert.strictEqual(yield* hob.call("get"), 2)
    })
  )
})

describe("a daemon's restart", () => {
  it.live("ends processes of modules that an earlier daemon has left over, and no others", () =>
    Effect.gen(function* () {
      const left = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" })
      const other = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" })
      yield* Effect.addFinalizer(() => Effect.sync(() => [left, other].forEach((child) => child.kill("SIGKILL"))))
      const identity = identityOf(left.pid!)!
      yield* Effect.gen(function* () {
        const database = yield* Database
        yield* database.write((sql) => {
          rows.saveProcess(sql, identity)
          rows.saveProcess(sql, { ...identityOf(other.pid!)!, startTime: "1" })
        })
        const processes = yield* makeProcesses(database)
        yield* processes.endLeftOver
        yield* until(
          "it is gone",
          Effect.sync(() => !isAlive(left.pid!))
        )
        assert.isTrue(isAlive(other.pid!))
        yield* until(
          "both are forgotten",
          Effect.map(database.read(rows.processes), (processes) => processes.length === 0)
        )
      }).pipe(Effect.provide(Database.layerMemory))
    })
  )

  it.live("keeps modules, which are called again without being added; their processes end with the daemon", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths, write } = yield* written({
        "a.ts": "export const pid = () => process.pid",
        "b.ts": "export const b = () => 1"
      })
      yield* hob.add(paths["a.ts"]!)
      yield* hob.add(paths["b.ts"]!)
      const first = (yield* hob.call("pid")) as number
      yield* hob.stop
      assert.isFalse(isAlive(first))
      write("b.ts", "export const c = () => 2")
      const scope = yield* Scope.fork(yield* Scope.Scope)
      const next = Context.get(
        yield* Layer.buildWithScope(Layer.fresh(Daemon.layer({ paths: hob.paths, env: {} })), scope),
        Methods
      )
      const call = (name: string) =>
        next.invoke({ namespace: defaultNamespace, method: method(name), caller: { kind: "job" } })
      // Nothing of it runs until it is called.
      assert.deepStrictEqual((yield* next.modules({})).find(({ file }) => file === paths["a.ts"])?.state, "idle")
      assert.notStrictEqual(yield* call("pid"), first)
      // What was changed meanwhile is known without a call.
      yield* until(
        "its new method is known",
        Effect.map(next.list({}), (methods) => methods.some(({ method }) => method === "c"))
      )
      assert.strictEqual(yield* call("c"), 2)
      yield* Scope.close(scope, Exit.void)
    })
  )
})

describe("a process that nobody needs", () => {
  it.live("is ended after methods.idleMillis, and started by the next call; that of a class is kept", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_IDLE_MILLIS: "300" })
      const { paths } = yield* written({
        "functions.ts": "export const pid = () => process.pid",
        "class.ts": "export default class { own() { return process.pid } }"
      })
      yield* hob.add(paths["functions.ts"]!)
      yield* hob.add(paths["class.ts"]!)
      const first = yield* hob.call("pid")
      const own = yield* hob.call("own")
      yield* until(
        "it is ended",
        Effect.map(hob.info(paths["functions.ts"]!), ({ state }) => state === "idle")
      )
      assert.notStrictEqual(yield* hob.call("pid"), first)
      assert.strictEqual(yield* hob.call("own"), own)
    })
  )
})
