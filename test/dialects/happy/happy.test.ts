import { assert, describe, it } from "@effect/vitest"
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ownerIn } from "../../../src/dialects/happy/admit.ts"
import { installedVersion } from "../../../src/dialects/happy/files.ts"
import { embedded } from "../../support/embedded.ts"
import { isAlive, until } from "../../support/home.ts"

interface StateFile {
  readonly pid: number
  readonly httpPort: number
  readonly startTime: string
  readonly startedWithCliVersion: string
  readonly daemonLogPath: string
}

const live = <E>(name: string, test: () => Effect.Effect<unknown, E, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(test()))

const theDialect = Effect.gen(function* () {
  const home = mkdtempSync(join(tmpdir(), "hob-happy-"))
  const daemon = yield* embedded({ env: { HAPPY_HOME_DIR: home, PATH: "/nowhere" } })
  const client = yield* daemon.connect
  const enable = client["dialects.enable"]({ name: "happy" })
  const state = () => JSON.parse(readFileSync(join(home, "daemon.state.json"), "utf8")) as StateFile
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    Effect.promise(() =>
      send(state().httpPort, path, {
        headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
    )
  return { home, daemon, client, enable, state, post }
})

const send = (
  port: number,
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string } = {}
) =>
  new Promise<{ readonly status: number; readonly body: any }>((done, failed) => {
    const { body, headers = {}, method = "POST" } = options
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += String(chunk)))
      response.on("end", () => done({ status: response.statusCode!, body: text === "" ? null : JSON.parse(text) }))
    })
    asked.on("error", failed)
    asked.end(body)
  })

describe("the dialect happy", () => {
  live(
    "says where it is in the files that its clients read, closed to others, with the pid of a process that may be ended",
    () =>
      Effect.gen(function* () {
        const { client, enable, home, state } = yield* theDialect
        assert.isFalse(existsSync(join(home, "daemon.state.json")))
        const status = yield* enable
        assert.include(status, { state: "up", socket: join(home, "daemon.state.json") })
        const { daemonLogPath, httpPort, pid, startTime, startedWithCliVersion } = state()
        assert.isAbove(httpPort, 0)
        assert.notStrictEqual(pid, process.pid)
        assert.isTrue(isAlive(pid))
        assert.strictEqual(startedWithCliVersion, "1.2.5")
        assert.match(startTime, /^\d{1,2}\/\d{1,2}\/\d{4}, /)
        assert.strictEqual(readFileSync(join(home, "daemon.state.json.lock"), "utf8"), String(pid))
        const metadata = JSON.parse(readFileSync(join(home, "daemon-metadata.json"), "utf8"))
        assert.include(metadata, { pid, httpPort })
        const { machineId } = yield* client["machine.status"]()
        assert.strictEqual(JSON.parse(readFileSync(join(home, "settings.json"), "utf8")).machineId, machineId)
        assert.match(daemonLogPath, /\/logs\/\d{4}(?:-\d\d){5}-pid-\d+-daemon\.log$/)
        for (const file of readdirSync(home)) assert.strictEqual(statSync(join(home, file)).mode & 0o077, 0, file)
        assert.strictEqual(statSync(daemonLogPath).mode & 0o077, 0)
        yield* client["dialects.disable"]({ name: "happy" })
        assert.deepStrictEqual(readdirSync(home).sort(), ["logs", "settings.json"])
        yield* Effect.promise(() => until("its process has ended", () => !isAlive(pid)))
      })
  )

  live("answers the routes as its own daemon does", () =>
    Effect.gen(function* () {
      const { client, enable, home, post, state } = yield* theDialect
      yield* enable
      assert.deepStrictEqual(yield* post("/list"), { status: 200, body: { children: [] } })
      const { machineId, serverUrl } = yield* client["machine.status"]()
      assert.deepStrictEqual(yield* post("/status"), {
        status: 200,
        body: { machineId, cliVersion: "1.2.5", serverUrl, connected: false }
      })
      const directory = join(home, "new", "project")
      const spawned = yield* post("/spawn-session", {
        directory,
        environmentVariables: { GREETING: "hi ${HAPPY_HOME_DIR}" }
      })
      assert.include(spawned.body, { success: true, approvedNewDirectoryCreation: true })
      const session = yield* client["sessions.show"]({ session: spawned.body.sessionId })
      assert.deepStrictEqual([session.cwd, session.kind, session.tags], [directory, "pipe", ["machine"]])
      const listed = yield* post("/list")
      assert.deepStrictEqual(listed.body.children, [
        { startedBy: "daemon", happySessionId: session.id, pid: session.pid }
      ])
      assert.deepStrictEqual(yield* post("/stop-session", { sessionId: "nobody" }), {
        status: 200,
        body: { success: false }
      })
      assert.deepStrictEqual((yield* post("/stop-session", { sessionId: `PID-${session.pid}` })).body, {
        success: true
      })
      yield* client["sessions.wait"]({ session: session.id })
      const undefinedVariable = yield* post("/spawn-session", { directory, environmentVariables: { A: "${B}" } })
      assert.strictEqual(undefinedVariable.status, 500)
      assert.include(undefinedVariable.body.error, "A references ${B} which is not defined")
      const notMade = yield* post("/spawn-session", { directory: "/proc/x/y" })
      assert.strictEqual(notMade.status, 500)
      assert.deepStrictEqual((yield* post("/health", undefined)).status, 404)
      const health = yield* Effect.promise(() => send(state().httpPort, "/health", { method: "GET" }))
      assert.deepStrictEqual(health.body, {
        message: "Route GET:/health not found",
        error: "Not Found",
        statusCode: 404
      })
      assert.deepStrictEqual(yield* post("/spawn-session", {}), {
        status: 400,
        body: {
          statusCode: 400,
          code: "FST_ERR_VALIDATION",
          error: "Bad Request",
          message: "body/directory Invalid input: expected string, received undefined"
        }
      })
      assert.strictEqual((yield* post("/list", "")).body.code, "FST_ERR_CTP_EMPTY_JSON_BODY")
      assert.strictEqual((yield* post("/list", "{")).body.code, "FST_ERR_CTP_INVALID_JSON_BODY")
    })
  )

  live("knows sessions that report themselves for as long as their process lives, and ends them when asked", () =>
    Effect.gen(function* () {
      const { enable, post } = yield* theDialect
      yield* enable
      const child = spawn("sleep", ["600"])
      const ended = once(child, "exit")
      const report = { sessionId: "from-a-terminal", metadata: { hostPid: child.pid, path: "/" } }
      assert.deepStrictEqual((yield* post("/session-started", report)).body, { status: "ok" })
      assert.deepStrictEqual((yield* post("/session-started", { sessionId: "x", metadata: {} })).body, { status: "ok" })
      assert.strictEqual((yield* post("/session-started", { sessionId: "x" })).status, 400)
      assert.deepStrictEqual((yield* post("/list")).body.children, [
        {
          startedBy: "happy directly - likely by user from terminal",
          happySessionId: "from-a-terminal",
          pid: child.pid
        }
      ])
      assert.deepStrictEqual((yield* post("/stop-session", { sessionId: "from-a-terminal" })).body, { success: true })
      yield* Effect.promise(() => ended)
      assert.deepStrictEqual((yield* post("/list")).body.children, [])
    })
  )

  live("answers no web page, no other name of this machine, and nothing but JSON", () =>
    Effect.gen(function* () {
      const { enable, post, state } = yield* theDialect
      yield* enable
      const status = (headers: Record<string, string>, body?: string) =>
        Effect.map(post("/stop", body, headers), (reply) => reply.status)
      assert.strictEqual(yield* status({ origin: "https://evil.example" }), 403)
      assert.strictEqual(yield* status({ origin: "null" }), 403)
      assert.strictEqual(yield* status({ host: "evil.example" }), 421)
      assert.strictEqual(yield* status({ "content-type": "text/plain" }, "{}"), 415)
      assert.strictEqual(yield* status({ "content-type": "application/x-www-form-urlencoded" }, "a=b"), 415)
      const large = yield* post("/spawn-session", JSON.stringify({ directory: "x".repeat(1024 * 1024) }))
      assert.strictEqual(large.status, 413)
      // None of them has stopped it.
      assert.strictEqual((yield* post("/list", undefined, { host: `localhost:${state().httpPort}` })).status, 200)
    })
  )

  live("closes, and not hob, when a client stops it or ends its process; and is enabled anew", () =>
    Effect.gen(function* () {
      const { client, enable, home, post, state } = yield* theDialect
      const stateOf = Effect.map(
        client["dialects.list"](),
        ({ dialects }) => dialects.find(({ name }) => name === "happy")!.state
      )
      const closed = (why: string) =>
        Effect.gen(function* () {
          const run = Effect.runPromiseWith(yield* Effect.context<never>())
          yield* Effect.promise(() => until(why, async () => (await run(Effect.orDie(stateOf))) === "closed"))
        })
      yield* enable
      const { pid } = state()
      assert.deepStrictEqual((yield* post("/stop")).body, { status: "stopping" })
      yield* closed("it is closed by /stop")
      assert.isFalse(existsSync(join(home, "daemon.state.json")))
      yield* Effect.promise(() => until("its process has ended", () => !isAlive(pid)))
      yield* enable
      process.kill(state().pid, "SIGKILL")
      yield* closed("it is closed by the end of its process")
      assert.isFalse(existsSync(join(home, "daemon.state.json.lock")))
      yield* enable
      assert.strictEqual(yield* stateOf, "up")
    })
  )

  live("leaves a daemon of happy's own alone, and replaces what a dead one has left", () =>
    Effect.gen(function* () {
      const { enable, home, state } = yield* theDialect
      const theirs = spawn("sleep", ["600"])
      const text = JSON.stringify({ pid: theirs.pid, httpPort: 1, startTime: "x", startedWithCliVersion: "0.13.0" })
      writeFileSync(join(home, "daemon.state.json"), text)
      const refused = yield* Effect.flip(enable)
      assert.strictEqual(refused._tag, "DialectRefused")
      assert.include(refused.message, `names pid ${theirs.pid}, which runs`)
      assert.strictEqual(readFileSync(join(home, "daemon.state.json"), "utf8"), text)
      theirs.kill("SIGKILL")
      yield* Effect.promise(() => once(theirs, "exit"))
      yield* enable
      assert.notStrictEqual(state().pid, theirs.pid)
    })
  )
})

describe("what the files of happy say", () => {
  it("the version that is installed, so that its command finds nothing to replace", () => {
    const home = mkdtempSync(join(tmpdir(), "hob-path-"))
    mkdirSync(join(home, "lib", "bin"), { recursive: true })
    mkdirSync(join(home, "bin"))
    writeFileSync(join(home, "lib", "package.json"), JSON.stringify({ name: "happy-coder", version: "0.13.0" }))
    writeFileSync(join(home, "lib", "bin", "happy.mjs"), "")
    chmodSync(join(home, "lib", "bin", "happy.mjs"), 0o755)
    symlinkSync("../lib/bin/happy.mjs", join(home, "bin", "happy"))
    assert.strictEqual(installedVersion({ PATH: `/nowhere:${join(home, "bin")}` }), "0.13.0")
    writeFileSync(join(home, "lib", "package.json"), JSON.stringify({ name: "another", version: "9" }))
    assert.strictEqual(installedVersion({ PATH: join(home, "bin") }), "1.2.5")
  })

  it("whose a connection is, by the kernel's table", () => {
    const table = [
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
      "   0: 0100007F:9C40 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 1",
      "   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2"
    ].join("\n")
    assert.strictEqual(ownerIn(table, 0x9c40, 0x1f90), 1000)
    assert.strictEqual(ownerIn(table, 0x1f90, 0x9c40), 0)
    assert.isUndefined(ownerIn(table, 1, 2))
  })
})
