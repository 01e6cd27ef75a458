import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Upstream } from "../../src/protocol/upstream.ts"
import { type Home, makeHome, until } from "../support/home.ts"
import { type StartedMiddleware, startMiddleware } from "../support/middleware/start.ts"

const PASSWORD = "correct horse"

let home: Home
let server: StartedMiddleware

beforeAll(async () => {
  home = makeHome()
  server = await startMiddleware({
    rateLimitCalls: 100_000,
    users: { admin: { password: PASSWORD }, otp: { password: PASSWORD, otp: "123456" } }
  })
  await home.ok(["upstream", "add", "nas", server.uri, "--user", "admin", "--password-stdin"], {
    input: `${PASSWORD}\n`
  })
}, 60_000)
afterAll(async () => {
  await home.destroy()
  await server.stop()
})

describe("hob call", () => {
  it("prints what came: texts bare, truth as midclt does, all else as it was written", async () => {
    const ok = async (...args: ReadonlyArray<string>) => await home.ok(["call", ...args])
    const odd = '{"a": 12345678901234567890, "a": 1e400, "b": -0}'
    assert.strictEqual(await ok("mock.echo", "1", "two", odd, "[]x"), `[1, "two", ${odd}, "[]x"]\n`)
    assert.strictEqual(await ok("mock.raw", '"\\"a text\\""'), "a text\n")
    assert.strictEqual(await ok("mock.raw", '"true"'), "True\n")
    assert.strictEqual(await ok("mock.raw", '"null"'), "null\n")
    assert.strictEqual(await ok("--json", "mock.raw", '"\\"a text\\""'), '"a text"\n')
    assert.strictEqual(
      await home.ok(["call", "mock.echo", "-"], { input: '{"from": "stdin"}\n' }),
      '[{"from": "stdin"}]\n'
    )
    assert.strictEqual(await ok("mock.echo", "--", "-1", "--x"), '[-1, "--x"]\n')
    assert.strictEqual(server.middleware.counts.logins, 1)
  })

  it("waits for a job, tells how far it is where nobody is at a terminal, and what came of it", async () => {
    const job = await home.hob(["call", "--job", "mock.job", '{"steps": 2}'])
    assert.deepStrictEqual([job.code, job.stdout], [0, '{"ok": true, "steps": 2}\n'])
    assert.match(job.stderr, /^ 50% step 1\/2$/m)
    const described = await home.hob(["call", "--job-print", "description", "mock.job", '{"steps": 2}'])
    assert.deepStrictEqual([described.code, described.stderr], [0, "step 1/2\nstep 2/2\n"])
    const failed = await home.hob(["call", "-j", "-q", "mock.job", '{"fail": "disk on fire"}'])
    assert.deepStrictEqual([failed.code, failed.stdout, failed.stderr], [1, "", ""])
    assert.match(await home.ok(["call", "mock.job", '{"steps": 1}']), /^\d+\n$/)
  })

  it("fails with all that is known, and an exit code that says what kind it is", async () => {
    const failed = await home.hob(["call", "mock.fail", "boom"])
    assert.strictEqual(failed.code, 1)
    assert.match(failed.stderr, /^hob: \[EFAULT\] boom\nTraceback/)
    const slow = await home.hob(["call", "--timeout", "1s", "mock.silent"])
    assert.strictEqual(slow.code, 5)
    assert.match(slow.stderr, /whether it takes effect is not known/)
    assert.strictEqual((await home.hob(["call", "--upstream", "other", "mock.echo"])).code, 4)
    assert.strictEqual((await home.hob(["call", "mock.echo", "x".repeat(70_000)])).code, 2)
    assert.strictEqual((await home.hob(["call"])).code, 2)
    const named = await home.hob(["upstream", "add", "two words", "wss://nas.lan/"])
    assert.strictEqual(named.code, 2)
    assert.match(named.stderr, /^hob: <name>: must be 1 to 64/)
    assert.strictEqual((await home.hob(["call", "--subscribe", "a", "b"])).code, 2)
  })

  it("prints a line for each event, and publishes them where that is asked for", async () => {
    const listening = home.start(["call", "--subscribe", "mock.thing", "--channel"])
    const channel = home.start(["sub", "upstream:nas:mock.thing"])
    let [heard, published] = ["", ""]
    listening.stdout!.on("data", (data: Buffer) => void (heard += data.toString()))
    channel.stdout!.on("data", (data: Buffer) => void (published += data.toString()))
    await until("both have heard it", () => {
      server.middleware.emit("mock.thing", "added", { n: 1 }, 7)
      return heard.includes("\n") && published.includes("\n")
    })
    assert.deepInclude(JSON.parse(heard.split("\n")[0]!), {
      msg: "added",
      collection: "mock.thing",
      id: 7,
      fields: { n: 1 }
    })
    assert.include(published, '"mock.thing"')
    listening.kill("SIGINT")
    channel.kill("SIGINT")
    await until(
      "nobody listens",
      async () => (await home.json<Upstream>(["upstream", "status"])).subscriptions.length === 0
    )
  })

  it("goes on after a kill -9 of the daemon, with one login more", async () => {
    const { logins } = server.middleware.counts
    await home.killDaemon()
    assert.strictEqual(await home.ok(["call", "mock.echo", "7"]), "[7]\n")
    assert.strictEqual(server.middleware.counts.logins, logins + 1)
  })

  it("says that nobody knows what became of a call in whose middle the daemon is killed", async () => {
    const before = server.middleware.called("mock.hold")
    const held = home.hob(["call", "mock.hold"])
    await until("it is out", () => server.middleware.called("mock.hold") > before)
    await home.killDaemon()
    const { code, stderr } = await held
    assert.strictEqual(code, 1)
    assert.match(stderr, /outcome unknown/)
    assert.notMatch(stderr, /Try again/)
    server.middleware.release()
  })

  it("frees the permit of a caller that is killed", async () => {
    const before = server.middleware.called("mock.hold")
    const held = home.start(["call", "mock.hold"])
    await until("it is out", () => server.middleware.called("mock.hold") > before)
    held.kill("SIGKILL")
    assert.strictEqual(await home.ok(["call", "mock.echo", "8"]), "[8]\n")
  })
})

/** What is gone by now is empty. */
const contentOf = (file: string): string => {
  try {
    return readFileSync(file, "latin1")
  } catch {
    return ""
  }
}

describe("hob upstream", () => {
  it("lists, pings and removes, and says what to do when the login is refused", async () => {
    assert.match(await home.ok(["upstream", "ping", "nas"]), /^"nas" answers: [\d.]+ ms\n$/)
    const wrong = await home.hob(["upstream", "add", "bad", server.uri, "--user", "admin", "--password-stdin"], {
      input: "wr0ng\n"
    })
    assert.strictEqual(wrong.code, 0)
    const refused = await home.hob(["call", "--upstream", "bad", "core.ping"])
    assert.strictEqual(refused.code, 1)
    assert.match(refused.stderr, /hob upstream login bad --password-stdin/)
    const status = await home.hob(["upstream", "status", "bad"])
    assert.strictEqual(status.code, 1)
    assert.match(status.stdout, /^state +refused/m)
    assert.strictEqual(
      await home.ok(["upstream", "login", "bad", "--password-stdin"], { input: PASSWORD }),
      '"bad" is up.\n'
    )
    assert.strictEqual((await home.hob(["upstream", "add", "bad", server.uri])).code, 1)
    await home.ok(["upstream", "rm", "bad"])
    assert.deepStrictEqual(
      (await home.json<{ upstreams: ReadonlyArray<Upstream> }>(["upstream", "ls"])).upstreams.map(({ name }) => name),
      ["nas"]
    )
  })

  it("asks nobody for a one-time password where there is no terminal", async () => {
    await home.ok(["upstream", "add", "two", server.uri, "--user", "otp", "--password-stdin"], { input: PASSWORD })
    const asked = await home.hob(["call", "--upstream", "two", "core.ping"])
    assert.strictEqual(asked.code, 1)
    assert.match(asked.stderr, /one-time password/)
    await home.ok(["upstream", "rm", "two"])
  })

  it("keeps secrets out of everything but their own files", () => {
    const files = readdirSync(home.paths.home, { withFileTypes: true, recursive: true })
    const holding = files.flatMap((entry) => {
      const file = join(entry.parentPath, entry.name)
      return entry.isFile() && /correct horse|wr0ng/.test(contentOf(file)) ? [file] : []
    })
    assert.lengthOf(holding, 1)
    assert.match(holding[0]!, /upstreams\/nas$/)
  })
})
