import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"
import { isAlive } from "../support/home.ts"
import { daemon, failure, method, namespace, until, written } from "./support.ts"

const commands = (value: Readonly<Record<string, unknown>>) => ({
  HOB_METHODS_COMMANDS: JSON.stringify(value),
  HOB_METHODS_GRACE_MILLIS: "300"
})
const sh = (script: string, more: Readonly<Record<string, unknown>> = {}) => ({
  command: ["sh", "-c", script],
  ...more
})

describe("methods that are commands", () => {
  it.live("get their parameters on stdin as JSON, and what they write is the result", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(
        commands({
          echo: sh("cat"),
          text: sh("echo hello; echo more"),
          nothing: sh("true"),
          deaf: sh("exec 0<&-; echo 7"),
          where: sh("pwd", { cwd: "~" }),
          variable: sh('printf "%s" "$COLOUR $HOB_HOME"', { env: { COLOUR: "blue" } })
        })
      )
      assert.deepStrictEqual(yield* hob.call("echo", { a: [1, "ü"] }), { a: [1, "ü"] })
      assert.deepStrictEqual(yield* hob.call("echo"), {})
      assert.strictEqual(yield* hob.call("text"), "hello\nmore")
      assert.strictEqual(yield* hob.call("nothing"), undefined)
      assert.strictEqual(yield* hob.call("deaf", { much: "x".repeat(200_000) }), 7)
      assert.strictEqual(yield* hob.call("where"), realpathSync(homedir()))
      assert.strictEqual(yield* hob.call("variable"), `blue ${hob.paths.home}`)
    })
  )

  it.live("fail with the last line of their stderr and their exit code", () =>
    Effect.gen(function* () {
      const hob = yield* daemon(
        commands({
          fails: sh("echo first >&2; echo 'disk is full' >&2; exit 4"),
          silent: sh("exit 5"),
          killed: sh("kill -9 $$"),
          missing: { command: ["not-there-at-all"] },
          nowhere: { command: ["true"], cwd: "/not/there" }
        })
      )
      const reason = (name: string) =>
        Effect.map(failure(hob.call(name)), (error) => {
          assert.strictEqual(error._tag, "MethodFailed")
          return [error.message, (error as { exitCode?: number }).exitCode]
        })
      assert.deepStrictEqual(yield* reason("fails"), ["disk is full", 4])
      assert.deepStrictEqual(yield* reason("silent"), ["The command failed: exit code 5.", 5])
      assert.deepStrictEqual(yield* reason("killed"), ["The command failed: ended by SIGKILL.", undefined])
      assert.include((yield* reason("missing"))[0] as string, "no such program")
      assert.include((yield* reason("nowhere"))[0] as string, "directory is gone")
    })
  )

  it.live("are ended with all they have started: by their time limit, and when their caller gives up", () =>
    Effect.gen(function* () {
      const { directory } = yield* written({})
      const pids = (name: string): ReadonlyArray<number> => {
        const path = join(directory, name)
        return existsSync(path) ? readFileSync(path, "utf8").trim().split(/\s+/).filter(Boolean).map(Number) : []
      }
      const hob = yield* daemon(
        commands({
          slow: sh("sleep 1000 & echo $$ $! > slow; wait", { cwd: directory, timeout: "8s" }),
          stubborn: sh('trap "" TERM; sleep 1000 & echo $$ $! > stubborn; while :; do sleep 0.05; done', {
            cwd: directory
          })
        })
      )
      const error = yield* failure(hob.call("slow"))
      assert.strictEqual(error._tag, "MethodTimedOut")
      assert.include(error.message, "8000 ms")
      yield* until(
        "it and what it started are gone",
        Effect.sync(() => pids("slow").length === 2 && !pids("slow").some(isAlive))
      )
      const stubborn = yield* hob.begin("stubborn")
      yield* until(
        "it runs",
        Effect.sync(() => pids("stubborn").length === 2)
      )
      yield* Fiber.interrupt(stubborn)
      yield* until(
        "it and what it started are gone",
        Effect.sync(() => !pids("stubborn").some(isAlive))
      )
      assert.strictEqual(yield* hob.methods.inFlight, 0)
    })
  )

  it.live("may not write more than methods.resultBytes", () =>
    Effect.gen(function* () {
      const hob = yield* daemon({ ...commands({ yes: { command: ["yes"] } }), HOB_METHODS_RESULT_BYTES: "4096" })
      const error = yield* failure(hob.call("yes"))
      assert.strictEqual(error._tag, "InvalidResult")
      assert.include(error.message, "4096")
    })
  )

  it.live("are checked by the schemas that they declare, and live in the namespace that they name", () =>
    Effect.gen(function* () {
      const params = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] }
      const hob = yield* daemon(
        commands({
          "ci/double": sh("cat", { params, result: params, description: "Twice" }),
          bad: sh("echo 5", { result: { type: "string" } })
        })
      )
      const ci = { namespace: namespace("ci") }
      assert.deepStrictEqual(yield* hob.call("double", { n: 2 }, ci), { n: 2 })
      const error = yield* failure(hob.call("double", { n: "2" }, ci))
      assert.strictEqual(error._tag, "InvalidParams")
      assert.match(error.message, /\bn\b/)
      assert.strictEqual((yield* failure(hob.call("bad")))._tag, "InvalidResult")
      assert.strictEqual((yield* failure(hob.call("double")))._tag, "UnknownMethod")
      const [info] = yield* hob.methods.list(ci)
      assert.deepInclude(info, { kind: "command", description: "Twice", params })
      assert.strictEqual((yield* hob.methods.find(namespace("ci"), method("double")))._tag, "Some")
    })
  )
})
