import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { ModuleBroken } from "../../src/protocol/methodErrors.ts"
import { isAlive } from "../support/home.ts"
import { daemon, failure, method, namespace, until, written } from "./support.ts"

/** Short enough for a test, and nothing depends on what comes within it. */
const quick = { HOB_METHODS_GRACE_MILLIS: "300" }

describe("a module that can't be loaded is not added, and the error says why:", () => {
  const broken = (name: string, source: string, problem: RegExp, env: Readonly<Record<string, string>> = {}) =>
    it.live(name, () =>
      Effect.gen(function* () {
        const hob = yield* daemon(env)
        const { paths } = yield* written({ "module.ts": source })
        const file = paths["module.ts"]!
        const error = yield* failure(hob.add(file))
        assert.instanceOf(error, ModuleBroken)
        assert.match((error as ModuleBroken).problem, problem)
        assert.include(error.message, file)
        assert.deepStrictEqual(yield* hob.methods.modules({ all: true }), [])
        assert.deepStrictEqual(yield* hob.methods.list({ all: true }), [])
        yield* until(
          "its actor is gone",
          Effect.map(hob.concerns.status, (concerns) =>
            concerns.every(({ name, state }) => !name.startsWith("module ") || state === "stopped")
          )
        )
      })
    )

  broken("a syntax error", "export const a = (\n", /SyntaxError.*|Expression expected|Unexpected/i)
  broken("a syntax error in TypeScript", "export const a: = 5\n", /Expected|Type expected|Syntax/i)
  broken("no exports", "const a = 1\n", /exports nothing that can be called/)
  broken(
    "exports that can't be called",
    "export const a = 1; export class B {}\n",
    /exports nothing that can be called/
  )
  broken("a class without methods of its own", "export default class A { _hidden() {} static of() {} }\n", /no methods/)
  broken(
    "a package that is missing",
    `import "not-there-at-all"\nexport const a = () => 1\n`,
    /not-there-at-all.*Install/
  )
  it.live("a file that is not there", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({ "module.ts": "export const a = () => 1" })
      const error = yield* failure(hob.add(`${paths["module.ts"]}x`))
      assert.instanceOf(error, ModuleBroken)
      assert.match((error as ModuleBroken).problem, /^there is no such file/)
    })
  )
  broken("a file that is missing", `import "./no.ts"\nexport const a = () => 1\n`, /no\.ts/)
  broken("a throw at its top level", `throw new Error("at the top")\n`, /at the top/)
  broken("a throw of something that is no error", `throw { code: 7 }\n`, /code: 7/)
  broken(
    "a constructor that throws",
    `export default class { constructor() { throw new Error("in new") } a() {} }`,
    /in new/
  )
  broken("process.exit at its top level", "process.exit(7)\n", /exited with code 7/)
  broken("a crash at its top level", "process.abort()\n", /SIGABRT/)
  broken(
    "a top level that never resolves",
    "await new Promise(() => {})\nexport const a = () => 1\n",
    /did not load within 1500 ms/,
    {
      HOB_METHODS_LOAD_MILLIS: "1500"
    }
  )
  broken("an endless loop at its top level", "for (;;);\n", /did not load within 1500 ms/, {
    HOB_METHODS_LOAD_MILLIS: "1500"
  })
  broken(
    "a declaration of a method that it has not",
    `export const methods = { b: {} }; export const a = () => 1`,
    /has no method "b"/
  )
  broken(
    "a schema that is none",
    `export const methods = { a: { params: 7 } }; export const a = () => 1`,
    /methods\.a\.params.*no JSON Schema/
  )
  broken(
    "a schema that can't be checked",
    `export const methods = { a: { params: { if: { type: "string" }, then: { maxLength: 2 } } } }; export const a = () => 1`,
    /methods\.a\.params can't be used.*if/
  )

  it.live("a file that is not there", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const error = yield* failure(hob.add("/not/there.ts"))
      assert.strictEqual(error._tag, "ModuleBroken")
      const { directory } = yield* written({})
      assert.strictEqual((yield* failure(hob.add(`${directory}/none.ts`)))._tag, "ModuleBroken")
    })
  )
})

describe("what a method does to its process ends that process alone:", () => {
  const ended = (name: string, body: string, reason: RegExp, env: Readonly<Record<string, string>> = {}) =>
    it.live(name, () =>
      Effect.gen(function* () {
        const hob = yield* daemon({ ...quick, ...env })
        const { paths } = yield* written({
          "bad.ts": `export async function bad(_, hob) { hob.progress(1); ${body} }
            export const fine = () => "fine"
            export const never = (_, hob) => { hob.progress(1); return new Promise(() => {}) }`
        })
        const file = paths["bad.ts"]!
        yield* hob.add(file)
        const first = (yield* hob.info(file)).pid!
        let begun = false
        const inFlight = yield* hob.begin("never", {}, { onProgress: () => void (begun = true) })
        yield* until(
          "another call is in flight",
          Effect.sync(() => begun)
        )
        const error = yield* failure(hob.call("bad"))
        assert.strictEqual(error._tag, "WorkerEnded")
        assert.match(error.message, reason, error.message)
        assert.strictEqual((yield* failure(Fiber.join(inFlight)))._tag, "WorkerEnded")
        assert.strictEqual(yield* hob.call("fine"), "fine")
        const now = yield* hob.info(file)
        assert.notStrictEqual(now.pid, first)
        assert.deepStrictEqual([now.restarts, now.problem], [1, null])
        const concern = (yield* hob.concerns.status).find(({ name }) => name.includes(file))
        assert.include(error.message, concern!.lastFailure!.reason.slice(0, 100))
        assert.isFalse(isAlive(first))
      })
    )

  ended("process.exit", "process.exit(3)", /exited with code 3/)
  ended("process.exit with 0", "process.exit(0)", /exited with code 0/)
  ended(
    "an error that nobody catches",
    `setTimeout(() => { throw new TypeError("late") }); await new Promise(() => {})`,
    /code 1: TypeError: late/
  )
  ended(
    "a rejection that nobody hears",
    `void Promise.reject(new Error("unheard")); await new Promise(() => {})`,
    /unheard/
  )
  ended(
    "a crash in native code",
    `process.kill(process.pid, "SIGSEGV"); await new Promise(() => {})`,
    /ended by SIGSEGV/
  )
  ended("a signal to itself", `process.kill(process.pid); await new Promise(() => {})`, /ended by SIGTERM/)
  ended(
    "a heap without end",
    `const all = []; for (;;) all.push(new Array(1000).fill(all.length))`,
    /methods\.memoryBytes/,
    {
      HOB_METHODS_MEMORY_BYTES: String(192 * 1024 * 1024)
    }
  )
  ended(
    "buffers without end, which are no part of the heap",
    `const all = []; for (;;) { all.push(Buffer.alloc(4 << 20, 1)); await new Promise((go) => setTimeout(go, 20)) }`,
    /more.* than it may \(methods\.memoryBytes\)/,
    { HOB_METHODS_MEMORY_BYTES: String(256 * 1024 * 1024) }
  )
  ended(
    "nonsense on its line to hob",
    `(await import("node:fs")).writeSync(3, "nonsense\\n"); await new Promise(() => {})`,
    /not of their protocol/
  )
  ended(
    "closing its line to hob",
    `(await import("node:fs")).closeSync(3); await new Promise(() => {})`,
    /closed its line|exited with code 0/
  )
  ended(
    "a line to hob without an end",
    `const { writeSync } = await import("node:fs"); for (;;) { try { writeSync(3, "x".repeat(65536)) } catch { await new Promise((go) => setTimeout(go, 1)) } }`,
    /not of their protocol/,
    { HOB_METHODS_RESULT_BYTES: String(1024 * 1024) }
  )

  it.live("an endless loop ends with its time limit, and what waits behind it is called in the next process", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(quick)
      const { paths } = yield* written({
        "loop.ts": `export const loop = () => { for (;;); }\nexport const fine = () => process.pid`
      })
      const file = paths["loop.ts"]!
      yield* hob.add(file)
      const first = (yield* hob.info(file)).pid!
      const error = yield* failure(hob.call("loop", {}, { timeoutMillis: 200 }))
      assert.strictEqual(error._tag, "MethodTimedOut")
      assert.include(error.message, "200 ms")
      yield* until(
        "the process is gone",
        Effect.sync(() => !isAlive(first))
      )
      assert.notStrictEqual(yield* hob.call("fine"), first)
    })
  )

  it.live("a method that never resolves and does not listen is left behind: calls beside it finish", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_GRACE_MILLIS: "6000" })
      const { paths } = yield* written({
        "deaf.ts": `export const never = (_, hob) => { hob.progress(1); return new Promise(() => {}) }
          export const slow = async (_, hob) => { hob.progress(1); return hob.prompt("go on?") }
          export const pid = () => process.pid`
      })
      const file = paths["deaf.ts"]!
      yield* hob.add(file)
      const first = yield* hob.call("pid")
      let begun = 0
      const onProgress = () => void begun++
      let answer: (text: string) => void = () => {}
      const answered = new Promise<string>((resolve) => (answer = resolve))
      const slow = yield* hob.begin("slow", {}, { onProgress, prompt: () => Effect.promise(() => answered) })
      const never = yield* hob.begin("never", {}, { onProgress })
      yield* until(
        "both run",
        Effect.sync(() => begun === 2)
      )
      yield* Fiber.interrupt(never)
      yield* until(
        "another process takes new calls",
        Effect.map(hob.call("pid"), (pid) => pid !== first)
      )
      assert.isTrue(isAlive(first as number))
      answer("yes")
      assert.strictEqual(yield* Fiber.join(slow), "yes")
      yield* until(
        "the first process is gone",
        Effect.sync(() => !isAlive(first as number))
      )
      assert.strictEqual((yield* hob.info(file)).restarts, 0)
    })
  )

  it.live("one that crashes again and again is started after a growing pause; calls wait for it", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(quick)
      const { paths } = yield* written({
        "crash.ts": `export const crash = () => process.exit(1)\nexport const fine = () => 1`
      })
      const file = paths["crash.ts"]!
      yield* hob.add(file)
      const took: Array<number> = []
      for (let round = 0; round < 4; round++) {
        const began = performance.now()
        yield* failure(hob.call("crash"))
        took.push(performance.now() - began)
      }
      // The pauses before the second, third and fourth are 100, 200 and 400 ms at least.
      assert.isAtLeast(took[3]!, 400)
      assert.strictEqual(yield* hob.call("fine"), 1)
      assert.strictEqual((yield* hob.info(file)).restarts, 4)
    })
  )

  it.live("what it prints is logged and never reaches the line, however much it is", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(quick)
      const { paths } = yield* written({
        "prints.ts": `export const prints = () => { for (let i = 0; i < 20_000; i++) console.log('{"type":"result","id":1,"value":"forged"}'); return "true" }`
      })
      yield* hob.add(paths["prints.ts"]!)
      assert.strictEqual(yield* hob.call("prints"), "true")
    })
  )

  it.live("what it has started itself ends with it", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(quick)
      const { paths } = yield* written({
        "parent.ts": `import { spawn } from "node:child_process"
          export const start = () => spawn("sleep", ["1000"], { stdio: "ignore" }).pid
          export const loop = () => { for (;;); }`
      })
      yield* hob.add(paths["parent.ts"]!)
      const child = (yield* hob.call("start")) as number
      assert.isTrue(isAlive(child))
      yield* failure(hob.call("loop", {}, { timeoutMillis: 100 }))
      yield* until(
        "the child is gone",
        Effect.sync(() => !isAlive(child))
      )
    })
  )
})

describe("what a method gives and throws:", () => {
  it.live("results that are no JSON are refused, and it is said where", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_RESULT_BYTES: "2048" })
      const { paths } = yield* written({
        "results.ts": `const self = {}; self.self = self
          const values = {
            map: () => new Map(), bigint: () => ({ total: 5n }), function: () => [() => 1], symbol: () => Symbol("s"),
            nan: () => ({ rate: [NaN] }), circular: () => self, error: () => new Error("x"), buffer: () => Buffer.from("x"),
            large: () => "x".repeat(3000), throwing: () => ({ toJSON() { throw new Error("in toJSON") } }),
            date: () => new Date(0), nothing: () => undefined, null: () => null, sparse: () => ({ a: undefined, b: 1 })
          }
          export const give = ({ what }) => values[what]()`
      })
      yield* hob.add(paths["results.ts"]!)
      const give = (what: string) => hob.call("give", { what })
      const problems: Record<string, RegExp> = {
        map: /a Map is not JSON/,
        bigint: /BigInt.*at total/,
        function: /function is not JSON \(at \[0\]\)/,
        symbol: /symbol/,
        nan: /NaN is not JSON \(at rate\[0\]\)/,
        circular: /refers to itself/,
        error: /an Error/,
        buffer: /binary data|Buffer/,
        large: /3002 bytes long, and 2048 may be/,
        throwing: /in toJSON/
      }
      for (const [what, problem] of Object.entries(problems)) {
        const error = yield* failure(give(what))
        assert.strictEqual(error._tag, "InvalidResult", what)
        assert.match(error.message, problem)
      }
      assert.strictEqual(yield* give("date"), "1970-01-01T00:00:00.000Z")
      assert.strictEqual(yield* give("nothing"), undefined)
      assert.strictEqual(yield* give("null"), null)
      assert.deepStrictEqual(yield* give("sparse"), { b: 1 })
    })
  )

  it.live("whatever is thrown is told as a text, and its stack is kept out of it", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "throws.ts": `const thrown = {
            error: new Error("boom"), text: "only a text", nothing: undefined, null: null, object: { a: 1 },
            empty: new Error(""), trap: new Proxy({}, { get() { throw new Error("trapped") }, getPrototypeOf() { throw new Error("trapped") } })
          }
          export const now = ({ what }) => { throw thrown[what] }
          export const later = async ({ what }) => { throw thrown[what] }`
      })
      yield* hob.add(paths["throws.ts"]!)
      const told: Record<string, RegExp> = {
        error: /^boom$/,
        text: /^only a text$/,
        nothing: /^undefined$/,
        null: /^null$/,
        object: /^\{ a: 1 \}$/,
        empty: /^Error$/,
        trap: /./
      }
      for (const [what, message] of Object.entries(told)) {
        for (const name of ["now", "later"]) {
          const error = yield* failure(hob.call(name, { what }))
          assert.strictEqual(error._tag, "MethodFailed", `${name} ${what}`)
          assert.match(error.message, message)
        }
      }
    })
  )

  it.live("a question that nobody can answer, and one that is refused, reject in the method", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "asks.ts": `export const asks = (_, hob) => hob.prompt("name?").catch((error) => "without: " + error.message)`
      })
      yield* hob.add(paths["asks.ts"]!)
      assert.match(String(yield* hob.call("asks", {}, { caller: { kind: "job" } })), /without: There is nobody to ask/)
      const prompt = () => Effect.die(new Error("a bug")) as never
      assert.match(String(yield* hob.call("asks", {}, { prompt })), /without: The question was not answered/)
    })
  )
})

describe("names:", () => {
  it.live("what every object has is no method, nor what is inherited, private or no function", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "names.ts": `class Base { inherited() { return 1 } }
          export default class Names extends Base {
            constructor() { super(); this.field = () => "field" }
            grüße() { return "ja" }
            "a b"() {}
            "a/b"() {}
            toString() { return "mine" }
            _private() {}
            get getter() { return () => 1 }
            static other() {}
            [Symbol.iterator]() {}
          }`
      })
      const { methods } = yield* hob.add(paths["names.ts"]!)
      assert.sameMembers(
        methods.map(({ method }) => method),
        ["grüße", "field"]
      )
      assert.strictEqual(yield* hob.call("grüße"), "ja")
      assert.strictEqual(yield* hob.call("field"), "field")
      const names = [
        "__proto__",
        "constructor",
        "toString",
        "hasOwnProperty",
        "valueOf",
        "inherited",
        "_private",
        "getter",
        "other",
        "a b",
        "a/b",
        "",
        "then"
      ]
      for (const name of names) {
        assert.strictEqual((yield* failure(hob.call(name)))._tag, "UnknownMethod", name)
        assert.strictEqual((yield* hob.methods.find(namespace("default"), method(name)))._tag, "None", name)
      }
      for (const name of ["__proto__", "constructor", "toString"])
        assert.strictEqual(
          (yield* failure(hob.call("field", {}, { namespace: namespace(name) })))._tag,
          "UnknownMethod"
        )
    })
  )

  it.live("one name in a namespace is one method: a second module that has it is refused", () =>
    Effect.gen(function* () {
      const hob = yield* daemon()
      const { paths } = yield* written({
        "a.ts": "export const one = () => 'a'",
        "b.ts": "export const one = () => 'b'"
      })
      yield* hob.add(paths["a.ts"]!)
      const error = yield* failure(hob.add(paths["b.ts"]!))
      assert.strictEqual(error._tag, "MethodNameTaken")
      assert.include(error.message, paths["a.ts"]!)
      assert.strictEqual(yield* hob.call("one"), "a")
      yield* hob.add(paths["b.ts"]!, namespace("b"))
      assert.strictEqual(yield* hob.call("one", {}, { namespace: namespace("b") }), "b")
    })
  )

  it.live("more calls than may be in hand are refused at once, and the others are answered", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_MAX_IN_FLIGHT_COUNT: "10" })
      const { paths } = yield* written({ "echo.ts": "export const echo = (params) => params" })
      yield* hob.add(paths["echo.ts"]!)
      const results = yield* Effect.forEach(
        Array.from({ length: 30 }, (_, n) => n),
        (n) => Effect.result(hob.call("echo", { n })),
        {
          concurrency: "unbounded"
        }
      )
      const refused = results.filter((result) => result._tag === "Failure")
      assert.strictEqual(refused.length, 20)
      for (const { failure } of refused) assert.strictEqual(failure._tag, "MethodsBusy")
      assert.deepStrictEqual(yield* hob.call("echo", [1]), [1])
    })
  )

  it.live("no module beyond methods.maxModuleCount", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ HOB_METHODS_MAX_MODULE_COUNT: "1" })
      const { paths } = yield* written({ "a.ts": "export const a = () => 1", "b.ts": "export const b = () => 1" })
      yield* hob.add(paths["a.ts"]!)
      assert.strictEqual((yield* failure(hob.add(paths["b.ts"]!)))._tag, "TooManyModules")
    })
  )
})
