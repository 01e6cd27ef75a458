/** Upstreams through the real binary: what is lost when a process dies, large results, many callers, and secrets. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { connect } from "../../src/wire/unixSocket.ts"
import { type Home, makeHome, processesOf, until } from "../support/home.ts"
import { type StartedMiddleware, startMiddleware } from "../support/middleware/start.ts"

const PASSWORD = "a-password-nobody-may-see"
const KEY = "7-a-key-nobody-may-see"
const TOKEN = "a-token-nobody-may-see"

/** One call on a connection of its own, as the native protocol has it; what comes back, as text. */
const ask = async (socket: string, method: string, params: unknown): Promise<string> => {
  const client = await connect(socket, { timeoutMillis: 60_000 })
  return new Promise((resolve, reject) => {
    let text = ""
    client.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })}\n`)
    client.on("data", (chunk) => {
      text += chunk.toString()
      if (/"chunk":false|"error":|"id":1,"result"|"result":.*"id":1/.test(text)) {
        client.destroy()
        resolve(text)
      }
    })
    client.on("error", reject)
    client.on("close", () => resolve(text))
  })
}

/** One that is gone by now has none. */
const hasSecret = (file: string, secrets: ReadonlyArray<string>): boolean => {
  try {
    return secrets.some((secret) => readFileSync(file, "latin1").includes(secret))
  } catch {
    return false
  }
}

describe("an upstream", () => {
  let home: Home
  let started: StartedMiddleware
  const held = () => started.middleware.called("mock.hold")
  beforeAll(async () => {
    started = await startMiddleware({
      rateLimitCalls: 100_000,
      users: { admin: { password: PASSWORD } },
      apiKeys: { admin: [KEY] },
      tokens: [TOKEN]
    })
    home = makeHome()
    const user = ["--user", "admin", "--concurrency", "5"]
    await home.ok(["upstream", "add", "nas", started.uri, ...user, "--password-stdin"], { input: `${PASSWORD}\n` })
  })
  afterAll(async () => {
    await home.destroy()
    await started.stop()
  })

  it("whose callers are killed in the middle of a call keeps no turn for them", async () => {
    const before = held()
    const callers = Array.from({ length: 5 }, (_, at) => home.start(["call", "mock.hold", String(at)]))
    await until("all are held", () => held() === before + 5)
    for (const caller of callers) caller.kill("SIGKILL")
    assert.strictEqual((await home.ok(["call", "mock.echo", "next"])).trim(), '["next"]')
    await until("their turns are free", async () => {
      const [nas] = (await home.json<{ upstreams: ReadonlyArray<{ inFlight: number }> }>(["upstream", "ls"])).upstreams
      return nas!.inFlight === 0
    })
    started.middleware.release()
    assert.strictEqual(started.middleware.counts.logins, 1)
  })

  it("is there again when the daemon is killed in the middle of a call, which is said to be lost and not sent twice", async () => {
    const before = held()
    const called = home.hob(["call", "mock.hold", "lost"])
    await until("it is held", () => held() === before + 1)
    await home.killDaemon()
    const { code, stderr, stdout } = await called
    assert.notStrictEqual(code, 0)
    assert.strictEqual(stdout, "")
    assert.match(stderr, /lost|ended|closed|unknown/i)
    // Declared and with its credential, by a daemon that this starts.
    assert.strictEqual((await home.ok(["call", "mock.mark", "after"])).trim(), "1")
    assert.strictEqual(held(), before + 1)
    assert.strictEqual(started.middleware.counts.logins, 2)
  })

  it("answers five hundred callers at once, each on a connection of its own, with its own answer", async () => {
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, at) =>
        ask(home.paths.socket, "upstream.call", { name: "nas", method: "mock.echo", params: `[${at}, "caller"]` })
      )
    )
    answers.forEach((answer, at) => assert.include(answer, `[${at}, \\"caller\\"]`))
    assert.strictEqual(started.middleware.counts.logins, 2)
    assert.strictEqual(started.middleware.counts.refused, 0)
  }, 120_000)

  it("gives a result of fifty megabytes whole, by hob's command and in midclt's place", async () => {
    const bytes = 50 * 1024 * 1024
    const printed = await home.ok(["call", "mock.big", String(bytes)])
    assert.strictEqual(printed.trim().length, bytes - 2)
    await home.ok(["dialect", "enable", "midclt"])
    const { socket } = (
      await home.json<{ dialects: ReadonlyArray<{ name: string; socket: string }> }>(["dialect", "ls"])
    ).dialects.find(({ name }) => name === "midclt")!
    const client = await connect(socket)
    const heard = await new Promise<number>((resolve, reject) => {
      let length = 0
      client.on("error", reject).on("data", (chunk) => void (length += chunk.length))
      client.on("close", () => resolve(length))
      client.write(`{"command": "call", "method": "mock.big", "params": [${bytes}], "kwargs": {}}\n`)
    })
    assert.strictEqual(heard, bytes + '{"type": "result", "result": }\n'.length)
  }, 240_000)

  it("keeps its secrets out of the log, answers, errors, arguments, the store and every file but their own", async () => {
    const said: Array<string> = []
    const run = async (args: ReadonlyArray<string>, input = "") => {
      const { stderr, stdout } = await home.hob(args, { input })
      said.push(stdout, stderr)
    }
    await run(["upstream", "add", "second", started.uri, "--user", "admin", "--api-key-stdin"], `${KEY}\n`)
    await run(["call", "-u", "second", "mock.echo", "1"])
    await run(["upstream", "login", "second", "--token-stdin"], `${TOKEN}\n`)
    // It was good for one login.
    await run(["upstream", "reconnect", "second"])
    await run(["call", "-u", "second", "mock.echo", "1"])
    await run(["upstream", "add", "nas", started.uri, "--user", "admin", "--password-stdin"], `${PASSWORD}\n`)
    started.middleware.dropConnections()
    await run(["call", "mock.close", "1011", "internal"])
    for (const args of [["ls"], ["ls", "--json"], ["status", "nas"], ["status", "second", "--json"]]) {
      await run(["upstream", ...args])
    }
    await run(["status", "--json"])
    await run(["config", "show"])
    await run(["logs"])
    for (const pid of processesOf(home.paths.home)) {
      try {
        said.push(readFileSync(`/proc/${pid}/cmdline`, "latin1"), readFileSync(`/proc/${pid}/environ`, "latin1"))
      } catch {
        // Gone meanwhile.
      }
    }
    const files = readdirSync(home.env["HOME"]!, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name, parentPath }) => join(parentPath, name))
    const secrets = [PASSWORD, KEY, KEY.slice(2), TOKEN]
    const withSecrets = files.filter((file) => hasSecret(file, secrets))
    assert.isAbove(files.length, 3)
    for (const secret of secrets) assert.notInclude(said.join("\n"), secret)
    assert.isTrue(
      withSecrets.every((file) => /\/upstreams\//.test(file)),
      withSecrets.join("\n")
    )
    assert.isAtLeast(withSecrets.length, 1)
    for (const file of withSecrets) assert.strictEqual(statSync(file).mode & 0o777, 0o600, file)
    await home.ok(["upstream", "rm", "nas"])
    await home.ok(["upstream", "rm", "second"])
    assert.deepStrictEqual(
      files.filter((file) => hasSecret(file, secrets)),
      []
    )
  }, 120_000)
})
