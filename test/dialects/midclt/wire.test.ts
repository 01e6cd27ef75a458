import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import {
  callViaDaemon,
  isDaemonRunning,
  MidcltError,
  pingViaDaemon,
  sendToDaemon,
  stopDaemon
} from "../../../src/client/index.ts"
import { call as hobCall } from "../../../src/client/wire/bare.ts"
import { until } from "../../support/home.ts"
import { makeMidcltHome, type MidcltHome } from "./home.ts"

const call = (method: string, params: ReadonlyArray<unknown> = [], kwargs: object = {}) => ({
  command: "call",
  method,
  params,
  kwargs
})

describe("midclt's daemon", () => {
  let home: MidcltHome
  beforeAll(async () => {
    home = await makeMidcltHome()
  })
  afterAll(() => home.destroy())

  it("is found where midclt looks, closed to others, with a process that lives and a log", async () => {
    const directory = dirname(home.client.path)
    assert.isTrue(await home.client.isRunning())
    for (const path of [directory, join(directory, "logs")])
      assert.strictEqual(lstatSync(path).mode & 0o777, 0o700, path)
    for (const path of [home.client.path, home.client.pidFile]) assert.strictEqual(lstatSync(path).mode & 0o777, 0o600)
    assert.match(readFileSync(home.client.pidFile, "utf8"), /^\d+$/)
    assert.notInclude(readdirSync(directory).join(), "local")
    const log = readdirSync(join(directory, "logs")).find((name) => !name.includes("local"))
    assert.match(readFileSync(join(directory, "logs", log!), "utf8"), /hob .* answers here/)
  })

  it("answers a probe of nothing, blanks and an early end with nothing", async () => {
    for (const said of ["", "\n", "  \t\r\n"]) {
      const exchange = home.client.open()
      exchange.socket.end(said)
      await exchange.closed
      assert.strictEqual(exchange.text, "", JSON.stringify(said))
    }
    const killed = home.client.open().say('{"command": "ca')
    await new Promise((resolve) => killed.socket.once("connect", resolve))
    killed.socket.destroy()
    assert.deepEqual(await home.client.ask({ command: "ping" }), ['{"type": "result", "result": "pong"}'])
  })

  it("answers one request of a connection, also where the line has no end", async () => {
    const two = home.client
      .open()
      .say(call("mock.echo", [1]))
      .say({ command: "ping" })
    await two.closed
    assert.strictEqual(two.text, '{"type": "result", "result": [1]}\n')
    const unended = home.client.open()
    unended.socket.end('{"command": "call", "method": "mock.echo", "params": [2]}')
    await unended.closed
    assert.strictEqual(unended.text.trim(), '{"type": "result", "result": [2]}')
  })

  it("carries params and results as they were written, whatever they are", async () => {
    const odd =
      '[12345678901234567890, 1e400, -0, 1.0, {"2":1,"1":2,"a":3,"a":4}, {"$date":1700000000500}, "\\u00e9 é \\ud800"]'
    const heard = await home.client.ask(`{"command": "call", "method": "mock.echo", "params": ${odd}}\n`)
    assert.deepEqual(heard, [`{"type": "result", "result": ${odd}}`])
    assert.strictEqual(home.middleware.received.at(-1)?.params, odd)
    const [pretty] = await home.client.ask(call("mock.raw", ['{\n  "a": [1e400,\r\n NaN]\n}']))
    assert.strictEqual(pretty, '{"type": "result", "result": {   "a": [1e400,  NaN] }}')
  })

  it("of what its clients call bad, says it in their words, and hob's own limits in its own", async () => {
    const type = async (line: string) => {
      const exchange = home.client.open()
      exchange.socket.end(line)
      await exchange.closed
      return (JSON.parse(exchange.text.trim()) as { error_type: string }).error_type
    }
    const invalid = home.client.open()
    invalid.socket.end(Buffer.from([0x22, 0xff, 0x22, 0x0a]))
    await invalid.closed
    assert.include(invalid.text, '"error_type": "UnicodeDecodeError"')
    assert.strictEqual(await type(`${"[".repeat(5000)}\n`), "RecursionError")
    assert.strictEqual(await type(`\ufeff{}\n`), "JSONDecodeError")
    assert.strictEqual(await type(`"${"x".repeat(5 * 1024 * 1024)}"\n`), "ValueError")
    const large = await home.client.call("mock.echo", ["x".repeat(64 * 1024)])
    assert.match(large.error, /65\d{3} bytes.*65536/)
    assert.deepInclude(large, { type: "error", error_type: "ClientException", trace: null, extra: null })
    assert.deepEqual(await home.client.call("mock.echo", [1]), { type: "result", result: [1] })
    assert.strictEqual(home.middleware.counts.connections, 1)
  })

  it("tells of a job as it goes, in order, and last of all how it ended", async () => {
    const heard = await home.client.ask(call("mock.job", [{ steps: 2 }], { job: true }))
    assert.deepEqual(heard.slice(-4), [
      '{"type": "progress", "percent": 50, "description": "step 1/2", "state": "RUNNING"}',
      '{"type": "progress", "percent": 100, "description": "step 2/2", "state": "RUNNING"}',
      '{"type": "progress", "percent": 100, "description": "step 2/2", "state": "SUCCESS"}',
      '{"type": "result", "result": {"ok": true, "steps": 2}}'
    ])
    const failed = await home.client.ask(call("mock.job", [{ steps: 1, fail: "disk on fire" }], { job: true }))
    assert.deepInclude(JSON.parse(failed.at(-1)!), { type: "error", error: "[EFAULT] disk on fire", extra: null })
    assert.isNumber((await home.client.call("mock.job", [{ steps: 1 }])).result)
    assert.deepEqual(await home.client.call("mock.echo", [1], { job: true }), { type: "result", result: [1] })
  })

  it("does not let ping and stop wait behind a call, nor a call behind a job", async () => {
    const held = home.client.open().say(call("mock.hold", ["held"]))
    await until("it is held", () => home.middleware.called("mock.hold") === 1)
    assert.deepEqual(await home.client.ask({ command: "ping", timeout: null }), [
      '{"type": "result", "result": "pong"}'
    ])
    home.middleware.release()
    await held.closed
    const job = home.client.open().say(call("mock.job", [{ steps: 1, interval: 600 }], { job: true }))
    await job.heard(1)
    assert.deepEqual(await home.client.call("mock.echo", [1]), { type: "result", result: [1] })
    const { id } = [...home.middleware.jobs.all.values()].at(-1)!
    await home.client.call("core.job_abort", [id])
    await job.closed
    assert.match(job.lines.at(-1)!, new RegExp(`job ${id} .*was aborted`))
    assert.strictEqual(JSON.parse(job.lines.at(-1)!).job, id)
  })

  it("a caller that leaves gives its turn up; one that only ends its side is still answered", async () => {
    const before = home.middleware.called("mock.hold")
    const gone = home.client.open().say(call("mock.hold", ["gone"]))
    await until("it is held", () => home.middleware.called("mock.hold") === before + 1)
    gone.socket.destroy()
    assert.deepEqual(await home.client.call("mock.echo", [1]), { type: "result", result: [1] })
    home.middleware.release()
    const ended = home.client.open({ allowHalfOpen: true }).say(call("mock.hold", ["ended"]))
    ended.socket.end()
    await until("it is held", () => home.middleware.called("mock.hold") === before + 2)
    home.middleware.release()
    await ended.closed
    assert.strictEqual(ended.text.trim(), '{"type": "result", "result": ["ended"]}')
  })

  it("ends a call when its seconds are over", async () => {
    const heard = await home.client.call("mock.silent", [], { timeout: 0.05 })
    assert.deepInclude(heard, { error: "Call timeout", error_type: "ClientException", trace: null, extra: null })
    assert.deepInclude(await home.client.call("mock.mark", ["never"], { timeout: 0 }), { error: "Call timeout" })
    assert.isFalse(home.middleware.marks.has("never"))
    const odd = await home.client.call("mock.mark", ["odd"], { register_call: false, timeout: 0.3 })
    assert.deepInclude(odd, { error: "Call timeout" })
    await until("it was called", () => home.middleware.marks.get("odd") === 1)
    const background = await home.client.call("mock.mark", ["behind"], { background: true })
    assert.deepEqual(background, {
      type: "error",
      error: "Object of type Call is not JSON serializable",
      error_type: "TypeError"
    })
    await until("it was called", () => home.middleware.marks.get("behind") === 1)
  })

  it("has five hundred callers at once, each with its own answer", async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, (_, at) => home.client.call("mock.echo", [at])))
    assert.deepEqual(
      answers,
      Array.from({ length: 500 }, (_, at) => ({ type: "result", result: [at] }))
    )
  })

  it("is spoken to by the functions of the library", async () => {
    const before = process.env["HOME"]
    process.env["HOME"] = home.env["HOME"]
    try {
      const which = { uri: home.uri, username: "admin" }
      assert.isTrue(await isDaemonRunning(home.uri, "admin"))
      assert.strictEqual(await pingViaDaemon(which), "pong")
      assert.deepEqual(await callViaDaemon("mock.echo", [1, "é"], which), [1, "é"])
      const seen: Array<string | null> = []
      const onProgress = ({ description }: { readonly description: string | null }) => void seen.push(description)
      await callViaDaemon("mock.job", [{ steps: 1 }], { ...which, job: true, onProgress })
      assert.include(seen, "step 1/1")
      const error = await callViaDaemon("mock.invalid", [], which).catch((error: unknown) => error)
      assert.instanceOf(error, MidcltError)
      assert.strictEqual((error as MidcltError).response.errors?.length, 2)
      assert.deepEqual(await sendToDaemon({ command: "what" }, home.uri, "admin"), {
        type: "error",
        error: "Unknown command: what",
        error_type: "ValueError"
      })
      assert.isTrue(await stopDaemon(home.uri, "admin"))
      assert.isFalse(await stopDaemon(home.uri, "admin"))
    } finally {
      process.env["HOME"] = before
    }
    assert.isFalse(await home.client.isRunning())
    assert.isFalse(existsSync(home.client.pidFile))
    await home.ok(["dialect", "enable", "midclt"])
    assert.isTrue(await home.client.isRunning())
  })

  it("is there for each upstream as they come and go, and after every end of hob", async () => {
    const other = home.clientOf(home.unixUri, null)
    await home.add("unix", home.unixUri, null)
    await until("it is found", () => other.isRunning())
    assert.deepEqual(await other.call("mock.echo", ["unix"]), { type: "result", result: ["unix"] })
    await home.killDaemon()
    await home.ok(["start"])
    await until("both are back", async () => (await other.isRunning()) && (await home.client.isRunning()))
    assert.deepEqual(await home.client.call("mock.echo", [1]), { type: "result", result: [1] })
    await hobCall(home.paths.socket, "upstream.remove", { name: "unix" })
    await until("its socket is gone", async () => !(await other.isRunning()))
    assert.isFalse(existsSync(other.path) || existsSync(other.pidFile))
    assert.isTrue(await home.client.isRunning())
  })
})
