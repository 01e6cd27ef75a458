import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Scope } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expandVariables } from "../../src/machine/expandVariables.ts"
import { sealDataKey } from "../../src/machine/encryption.ts"
import { Direction } from "../../src/protocol/sessionFrames.ts"
import { eventually, ready, theMachine, thePhone, theReadyMachine, theServer } from "./support.ts"

const live = <E>(name: string, test: () => Effect.Effect<unknown, E, Scope.Scope>) =>
  it.live(name, () => Effect.scoped(test()))

const temporary = () => realpathSync(mkdtempSync(join(tmpdir(), "hob-calls-")))

const setUp = (config: object = {}) =>
  Effect.gen(function* () {
    const server = yield* theServer()
    const phone = yield* thePhone(server)
    const machine = yield* theReadyMachine(server, phone, { GREETING: "hello" }, config)
    const call = (name: string, params: unknown) => Effect.promise(() => phone.call(machine.id, name, params))
    const raw = (name: string, params: unknown) => Effect.promise(() => phone.callRaw(machine.id, name, params))
    return { server, phone, machine, call, raw }
  })

describe("what devices call", () => {
  live("starts an agent in a directory, which is made once that is approved, with what it is to be given", () =>
    Effect.gen(function* () {
      const { call, machine } = yield* setUp()
      const directory = join(temporary(), "a", "b")
      const wanted = { type: "spawn-in-directory", directory, approvedNewDirectoryCreation: false }
      const asks = { type: "requestToApproveDirectoryCreation", directory }
      assert.deepStrictEqual(yield* call("spawn-happy-session", wanted), asks)
      assert.deepStrictEqual(yield* call("spawn-happy-session", { directory }), asks)
      assert.isFalse(existsSync(directory))
      const started = yield* call("spawn-happy-session", {
        ...wanted,
        approvedNewDirectoryCreation: true,
        agent: "claude",
        token: "oauth-token",
        environmentVariables: { GREETING: "${GREETING:-nobody} you", WHO: "${NOT_THERE:-somebody}" },
        permissionMode: "default"
      })
      assert.deepStrictEqual([started.type, typeof started.sessionId], ["success", "string"])
      const session = yield* machine.client["sessions.show"]({ session: started.sessionId })
      assert.deepStrictEqual(
        [session.state, session.kind, session.cwd, session.tags],
        ["running", "pipe", directory, ["machine"]]
      )
      assert.deepStrictEqual(session.command.slice(0, 2), ["claude", "--print"])
      const { env } = machine.daemon.started.at(-1)!.spec
      assert.deepInclude(env, { GREETING: "hello you", WHO: "somebody", CLAUDE_CODE_OAUTH_TOKEN: "oauth-token" })
    })
  )

  live("refuses what can't be started, in both of the ways that devices know", () =>
    Effect.gen(function* () {
      const { call } = yield* setUp()
      const error = (params: object) =>
        Effect.map(call("spawn-happy-session", params), ({ error, errorMessage, type }) => {
          assert.deepStrictEqual([type, error], ["error", errorMessage])
          return error as string
        })
      assert.strictEqual(yield* error({}), "Directory is required")
      assert.include(yield* error({ directory: "relative" }), "absolute")
      assert.include(yield* error({ directory: "/proc/x/y", approvedNewDirectoryCreation: true }), "/proc")
      const file = join(temporary(), "file")
      writeFileSync(file, "")
      assert.include(yield* error({ directory: file }), "is not a directory")
      const inFile = { directory: join(file, "x"), approvedNewDirectoryCreation: true }
      assert.include(yield* error(inFile), "a file")
      assert.include(yield* error({ directory: "/tmp", agent: "nobody" }), 'no agent "nobody"')
      assert.include(yield* error({ directory: "/tmp", environmentVariables: { A: "${B}" } }), "A references ${B}")
      assert.include(yield* error({ directory: "/tmp", environmentVariables: { "A=B": "x" } }), "not of its shape")
      assert.include(yield* error({ directory: "/tmp", token: "x", agent: "codex" }), "claude only")
    })
  )

  live("is answered with an error where parameters are null, of another shape, or can't be read", () =>
    Effect.gen(function* () {
      const { call, machine, phone, raw } = yield* setUp()
      for (const odd of [null, [], "text", 7, { directory: 7 }, { sessionId: {} }]) {
        const spawned = yield* call("spawn-happy-session", odd)
        assert.strictEqual(
          spawned.error,
          odd === null || typeof odd !== "object" || "directory" in odd || Array.isArray(odd)
            ? "The parameters of spawn-happy-session are not of its shape."
            : "Directory is required"
        )
      }
      assert.include((yield* call("stop-daemon", null)).error, "not of its shape")
      const good = phone.encryptFor((yield* Effect.promise(() => phone.machine(machine.id)))!, { directory: "/tmp" })
      const wrongKey = sealDataKey(Buffer.alloc(32), Buffer.from("{}")).toString("base64")
      for (const text of ["", "!", good.slice(0, 20), good.slice(0, -8), wrongKey, `A${good.slice(1)}`, 7, null]) {
        const reply = yield* raw("spawn-happy-session", text)
        assert.isTrue(reply.ok)
        const said = yield* Effect.promise(async () =>
          phone.decryptOf((await phone.machine(machine.id))!, String(reply.result))
        )
        assert.match((said as { readonly error: string }).error, /^The parameters (?:can't be read\.|are no text\.)/)
      }
      assert.deepStrictEqual((yield* machine.client["sessions.list"]({ all: true })).sessions, [])
      // What is not registered is not known to the server.
      assert.deepStrictEqual(yield* raw("bash", good), { ok: false, error: "RPC method not available" })
    })
  )

  live("ends sessions by their whole id", () =>
    Effect.gen(function* () {
      const { call, machine } = yield* setUp()
      const { sessionId } = yield* call("spawn-happy-session", { directory: temporary() })
      assert.deepStrictEqual(yield* call("stop-session", {}), { error: "Session ID is required" })
      const notFound = { error: "Session not found or failed to stop" }
      assert.deepStrictEqual(yield* call("stop-session", { sessionId: sessionId.slice(0, 8) }), notFound)
      const stopping = yield* Effect.forkChild(call("stop-session", { sessionId }))
      yield* eventually("it is asked to end", () => machine.daemon.started[0]!.signals.length > 0)
      machine.daemon.started[0]!.end({ code: 0 })
      assert.deepStrictEqual(yield* Fiber.join(stopping), { message: "Session stopped" })
      assert.strictEqual((yield* machine.client["sessions.show"]({ session: sessionId })).state, "exited")
    })
  )

  live("gives back a session that runs, and begins anew with the same conversation where it has ended, once", () =>
    Effect.gen(function* () {
      const { call, machine } = yield* setUp()
      const directory = temporary()
      const { sessionId } = yield* call("spawn-happy-session", { directory })
      const running = { type: "success", sessionId }
      assert.deepStrictEqual(yield* call("resume-happy-session", { sessionId }), running)
      const [program] = machine.daemon.started
      program!.print(
        `${JSON.stringify({ type: "system", subtype: "init", session_id: "conversation-1", tools: [] })}\n`,
        Direction.stdout
      )
      yield* eventually("the agent has said what it calls it", async () => {
        const { sessions } = await Effect.runPromise(Effect.orDie(machine.client["agents.list"]({})))
        return sessions[0]?.agentSession === "conversation-1"
      })
      program!.end({ code: 0 })
      yield* machine.client["sessions.wait"]({ session: sessionId })
      const [one, two] = yield* Effect.all(
        [call("resume-happy-session", { sessionId }), call("resume-happy-session", { sessionId })],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(one, two)
      assert.notStrictEqual(one.sessionId, sessionId)
      assert.lengthOf(machine.daemon.started, 2)
      const resumed = yield* machine.client["sessions.show"]({ session: one.sessionId })
      assert.deepStrictEqual([resumed.cwd, resumed.command.slice(-2)], [directory, ["--resume", "conversation-1"]])
      const unknown = yield* call("resume-happy-session", { sessionId: "nobody" })
      assert.include(unknown.error, "not known")
      const fallback = { metadata: { path: directory, claudeSessionId: "conversation-2", machineId: "x" }, seq: 1 }
      assert.strictEqual((yield* call("resume-happy-session", { sessionId: "elsewhere", fallback })).type, "success")
      const flag = { metadata: { path: directory, claudeSessionId: "--dangerously" } }
      assert.include(
        (yield* call("resume-happy-session", { sessionId: "elsewhere", fallback: flag })).error,
        "not known"
      )
    })
  )

  live("reads and writes files only with permission, only in listed directories, by their real paths", () =>
    Effect.gen(function* () {
      const root = temporary()
      const [inside, outside] = [join(root, "in"), join(root, "out")]
      mkdirSync(join(inside, "deep"), { recursive: true })
      mkdirSync(outside)
      writeFileSync(join(inside, "a.txt"), "hello")
      writeFileSync(join(outside, "secret.txt"), "secret")
      symlinkSync(join(outside, "secret.txt"), join(inside, "link.txt"))
      symlinkSync(outside, join(inside, "way-out"))
      symlinkSync(join(inside, "a.txt"), join(inside, "good-link.txt"))
      const { call } = yield* setUp({
        machine: { permissions: ["read", "write"], directories: [inside], fileBytes: 1024 }
      })
      const content = Buffer.from("hello").toString("base64")
      const [hash] = [createHash("sha256").update("hello").digest("hex")]
      assert.deepStrictEqual(yield* call("readFile", { path: join(inside, "a.txt") }), { success: true, content })
      assert.deepStrictEqual(yield* call("readFile", { path: join(inside, "good-link.txt") }), {
        success: true,
        content
      })
      const denied = (reply: any) =>
        assert.deepStrictEqual([reply.success, reply.error.slice(0, 13)], [false, "Access denied"])
      for (const path of [
        join(outside, "secret.txt"),
        join(inside, "link.txt"),
        join(inside, "way-out", "secret.txt"),
        `${inside}/../out/secret.txt`,
        `${inside}-beside`,
        "a.txt",
        "/proc/self/environ"
      ]) {
        denied(yield* call("readFile", { path }))
        denied(yield* call("writeFile", { path, content }))
      }
      assert.strictEqual(readFileSync(join(outside, "secret.txt"), "utf8"), "secret")
      const write = (name: string, expectedHash?: string | null) =>
        call("writeFile", {
          path: join(inside, name),
          content,
          ...(expectedHash === undefined ? {} : { expectedHash })
        })
      assert.deepStrictEqual(yield* write("new.txt", null), { success: true, hash })
      assert.include((yield* write("new.txt", null)).error, "already exists")
      assert.deepStrictEqual(yield* write("new.txt", hash), { success: true, hash })
      assert.include((yield* write("new.txt", "0".repeat(64))).error, "mismatch")
      assert.include((yield* write("none.txt", hash)).error, "does not exist")
      denied(yield* call("writeFile", { path: join(inside, "way-out", "new.txt"), content }))
      writeFileSync(join(inside, "large.txt"), Buffer.alloc(2048))
      assert.include((yield* call("readFile", { path: join(inside, "large.txt") })).error, "2048 bytes")
      const listed = yield* call("listDirectory", { path: inside })
      assert.deepStrictEqual(
        listed.entries.map(({ name, type }: any) => [name, type]),
        [
          ["a.txt", "file"],
          ["deep", "directory"],
          ["good-link.txt", "other"],
          ["large.txt", "file"],
          ["link.txt", "other"],
          ["new.txt", "file"],
          ["way-out", "other"]
        ]
      )
      const { tree } = yield* call("getDirectoryTree", { path: inside, maxDepth: 1 })
      assert.lengthOf(tree.children, 7)
      assert.isUndefined(tree.children.find(({ name }: any) => name === "way-out").children)
    })
  )

  live("runs commands only with permission, beginning in a listed directory, for a bounded time", () =>
    Effect.gen(function* () {
      const root = temporary()
      const { call } = yield* setUp({ machine: { permissions: ["shell"], directories: [root], fileBytes: 4096 } })
      const ran = yield* call("bash", { command: "pwd; echo oops >&2; exit 3", cwd: "/" })
      assert.deepStrictEqual(ran, { success: false, exitCode: 3, stdout: `${root}\n`, stderr: "oops\n" })
      assert.include((yield* call("bash", { command: "true", cwd: "/usr" })).error, "Access denied")
      assert.include((yield* call("bash", { command: "sleep 60 & sleep 60", timeout: 50 })).error, "50 ms")
      assert.include((yield* call("bash", { command: "yes" })).error, "4096 bytes")
      assert.include((yield* call("bash", { command: "env" })).stdout, "HOME=")
      assert.notInclude((yield* call("bash", { command: "env" })).stdout, "HOB_")
      assert.include((yield* call("ripgrep", { args: "x" })).error, "not of its shape")
    })
  )

  live("refuses calls beyond so many at once, and goes on", () =>
    Effect.gen(function* () {
      const root = temporary()
      const config = { machine: { permissions: ["shell"], directories: [root], maxCallCount: 2 } }
      const { call } = yield* setUp(config)
      const slow = (name: string) =>
        call("bash", { command: `touch ${root}/${name}; while [ ! -e ${root}/go ]; do sleep 0.02; done; echo done` })
      const waiting = yield* Effect.forkChild(Effect.all([slow("one"), slow("two")], { concurrency: "unbounded" }))
      yield* eventually("both run", () => existsSync(join(root, "one")) && existsSync(join(root, "two")))
      assert.deepStrictEqual(yield* call("bash", { command: "true" }), { error: "Too many calls at once; try again." })
      writeFileSync(join(root, "go"), "")
      const both = yield* Fiber.join(waiting)
      assert.deepStrictEqual(
        both.map(({ stdout }: any) => stdout),
        ["done\n", "done\n"]
      )
      yield* eventually("it answers again", async () => {
        const said = await Effect.runPromise(call("bash", { command: "true" }))
        return said.success === true
      })
    })
  )
})

describe("the server says no", () => {
  for (const [status, expected] of [
    [401, /does not know the credentials any more/],
    [403, /has refused \(403\)/],
    [409, /has refused \(409\)/],
    [500, /has failed \(500/]
  ] as const) {
    live(`with ${status}: that is told, and tried again`, () =>
      Effect.gen(function* () {
        const server = yield* theServer()
        const phone = yield* thePhone(server)
        // Until it was seen to be told.
        let refuses = true
        server.hook = (route, response) => {
          if (route !== "POST /v1/machines" || !refuses) return false
          response
            .writeHead(status, { "content-type": "application/json" })
            .end(JSON.stringify({ error: "No\u001b[2J" }))
          return true
        }
        const machine = yield* theMachine(server, phone)
        yield* machine.client["machine.enable"]({})
        let reason: string | null = null
        yield* eventually("it says why", async () => {
          reason = (await Effect.runPromise(Effect.orDie(machine.client["machine.status"]()))).reason
          return reason !== null
        })
        assert.match(reason!, expected)
        assert.notInclude(reason!, "\u001b")
        refuses = false
        yield* ready(machine)
      })
    )
  }

  live("to a token that was revoked: the connection is refused, and the credentials are not used up", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      server.state.accounts.revoke(phone.token)
      const machine = yield* theMachine(server, phone)
      yield* machine.client["machine.enable"]({})
      let reason: string | null = null
      yield* eventually("it says why", async () => {
        reason = (await Effect.runPromise(Effect.orDie(machine.client["machine.status"]()))).reason
        return reason !== null
      })
      assert.include(reason!, "Invalid token")
      assert.strictEqual((yield* machine.client["machine.status"]()).credentials, "legacy")
    })
  )

  live("nothing at all, or nothing that makes sense", () =>
    Effect.gen(function* () {
      const server = yield* theServer()
      const phone = yield* thePhone(server)
      const said: Array<string> = ["<html>", '{"machine":{"metadata":1}}']
      server.hook = (route, response) => {
        const text = said[0]
        if (route !== "POST /v1/machines" || text === undefined) return false
        said.shift()
        response.writeHead(200, { "content-type": "application/json" }).end(text)
        return true
      }
      const machine = yield* theMachine(server, phone)
      yield* machine.client["machine.enable"]({})
      yield* eventually("all of it was heard", () => said.length === 0)
      yield* ready(machine)
    })
  )
})

describe("variables of a session", () => {
  it("are in terms of the daemon's own, and what is missing is told by name", () => {
    const env = { A: "1", EMPTY: "" }
    assert.deepStrictEqual(expandVariables({ X: "${A}-${B:-2}-${EMPTY:-3}-$A" }, env), { X: "1-2-3-$A" })
    assert.deepStrictEqual(expandVariables({ X: "${B:-}" }, env), { X: "" })
    assert.include(
      expandVariables({ X: "${B}", Y: "${C}" }, env) as string,
      "X references ${B} which is not defined; Y"
    )
  })
})
