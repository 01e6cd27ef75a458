import { readFileSync, statSync, writeFileSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { routes } from "../../src/http/serve/routes.ts"
import { until } from "../support/home.ts"
import { raw } from "../webhooks/support.ts"
import { bytesOf, serveHome, type Served } from "./support.ts"

describe("the HTTP API", { timeout: 240_000 }, () => {
  let served: Served
  beforeAll(async () => {
    served = await serveHome({ http: { bodyBytes: 65_536 } })
  })
  afterAll(() => served?.home.destroy())

  const { ask } = { ask: (...args: Parameters<Served["ask"]>) => served.ask(...args) }
  const post = (path: string, body: unknown) => ask({ path, body })
  const one = async (id: string) => (await ask({ path: `/sessions/${id}` })).body

  it("says that it is there, and to who has a token how it is", async () => {
    const health = await ask({ path: "/health", token: null })
    assert.deepStrictEqual([health.status, health.body], [200, { status: "ok" }])
    const { body, status } = await ask({ path: "/status" })
    assert.strictEqual(status, 200)
    assert.strictEqual(body.pid, await served.home.daemonPid())
  })

  it("starts an agent, gives it turns, tells what it says, and ends it", async () => {
    const started = await post("/sessions", {
      directory: served.directory,
      prompt: "write made.txt",
      name: "maker",
      tags: ["a"],
      env: { X: "y" }
    })
    assert.strictEqual(started.status, 201)
    const { id } = started.body.session
    assert.strictEqual(started.headers.get("location"), `/sessions/${id}`)
    assert.include(started.body, { agent: "claude" })
    await until("its turn has ended", async () => (await one("maker")).agent.turns === 1)
    const turned = await post(`/sessions/${id}/input`, { turn: "again" })
    assert.strictEqual(turned.status, 200)
    assert.isAbove(turned.body.acceptedBytes, 5)
    await until("its second turn has ended", async () => (await one(id)).agent.turns === 2)
    const events = await (await fetch(`${served.url}/sessions/${id}/events?follow=false`, { headers: bearer() })).text()
    assert.deepStrictEqual(
      [...events.matchAll(/^event: (.*)$/gm)].map(([, type]) => type),
      ["ready", "tool", "tool-result", "text", "turn-ended", "ready", "text", "turn-ended"]
    )
    const last = /id: (\d+)\nevent: turn-ended/.exec(events)![1]!
    const rest = await fetch(`${served.url}/sessions/${id}/events?follow=false`, {
      headers: { ...bearer(), "last-event-id": last }
    })
    assert.strictEqual([...(await rest.text()).matchAll(/^event: /gm)].length, 3)
    const listed = await ask({ path: "/sessions" })
    assert.deepStrictEqual(
      listed.body.sessions.map((session: any) => session.id),
      [id]
    )
    assert.deepStrictEqual((await ask({ path: "/sessions?tag=b" })).body.sessions, [])
    assert.strictEqual((await ask({ path: "/sessions?tag=a" })).body.sessions.length, 1)
    const ended = await ask({ verb: "DELETE", path: `/sessions/${id}` })
    assert.strictEqual(ended.status, 200)
    assert.strictEqual(ended.body.state, "exited")
    assert.deepStrictEqual((await ask({ path: "/sessions" })).body.sessions, [])
    assert.strictEqual((await ask({ path: "/sessions?all=true" })).body.sessions.length, 1)
    assert.strictEqual((await post(`/sessions/${id}/input`, { text: "x" })).status, 409)
    assert.strictEqual((await ask({ verb: "DELETE", path: `/sessions/${id}?forget=true` })).status, 200)
    assert.strictEqual((await ask({ path: `/sessions/${id}` })).status, 404)
  })

  const bearer = () => ({ authorization: `Bearer ${served.token}` })

  it("runs any command, types into it, and gives its output as the bytes that they are", async () => {
    const started = await post("/sessions", { directory: served.directory, command: ["cat"] })
    assert.strictEqual(started.status, 201)
    assert.isNull(started.body.agent)
    const { id } = started.body.session
    const bytes = Buffer.from([0, 1, 255, 10, 13, 128])
    await post(`/sessions/${id}/input`, { data: bytes.toString("base64") })
    await post(`/sessions/${id}/input`, { text: "tëxt\n", endInput: true })
    await until("it has ended", async () => (await one(id)).session.closedAt !== null)
    const answer = await fetch(`${served.url}/sessions/${id}/output`, { headers: bearer() })
    assert.strictEqual(answer.headers.get("x-hob-offset"), "0")
    assert.strictEqual(answer.headers.get("content-type"), "application/octet-stream")
    const all = Buffer.concat([bytes, Buffer.from("tëxt\n")])
    assert.deepStrictEqual(Buffer.from(await answer.arrayBuffer()), all)
    const tail = await fetch(`${served.url}/sessions/${id}/output?tail=3`, { headers: bearer() })
    assert.strictEqual(tail.headers.get("x-hob-offset"), String(all.length - 3))
    assert.deepStrictEqual(Buffer.from(await tail.arrayBuffer()), all.subarray(-3))
    const rest = await fetch(`${served.url}/sessions/${id}/output?since=6`, { headers: bearer() })
    assert.strictEqual(await rest.text(), "tëxt\n")
  })

  it("follows output to its end, while it comes", async () => {
    const { body } = await post("/sessions", { directory: served.directory, command: ["cat"] })
    const { id } = body.session
    const answer = await fetch(`${served.url}/sessions/${id}/output?follow=true`, { headers: bearer() })
    const reader = answer.body!.getReader()
    await post(`/sessions/${id}/input`, { text: "one\n" })
    const first = await reader.read()
    assert.strictEqual(Buffer.from(first.value!).toString(), "one\n")
    await post(`/sessions/${id}/input`, { text: "two\n", endInput: true })
    let rest = ""
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      rest += Buffer.from(piece.value!).toString()
    assert.strictEqual(rest, "two\n")
  })

  it("a start that came before is not done again: 200, and 409 for another request with its key", async () => {
    const request = { directory: served.directory, prompt: "x", idempotencyKey: "k" }
    const first = await post("/sessions", request)
    const second = await post("/sessions", { ...request })
    const other = await post("/sessions", { ...request, prompt: "y" })
    assert.deepStrictEqual([first.status, second.status, other.status], [201, 200, 409])
    assert.strictEqual(second.body.session.id, first.body.session.id)
    assert.include(other.body, { tag: "IdempotencyConflict" })
  })

  it("each thing that can be wrong with a start has its status, and its sentence", async () => {
    const file = join(served.directory, "file")
    writeFileSync(file, "")
    const directory = served.directory
    const cases: ReadonlyArray<readonly [unknown, number, string?]> = [
      [{ directory: "relative" }, 422, "AgentDirectoryUnusable"],
      [{ directory: join(directory, "missing") }, 422, "AgentDirectoryUnusable"],
      [{ directory: file }, 422, "AgentDirectoryUnusable"],
      [{ directory: join(file, "x"), createDirectory: true }, 422, "AgentDirectoryUnusable"],
      [{ directory: "/proc/1" }, 422, "AgentDirectoryUnusable"],
      [{ directory: "/proc/new", createDirectory: true }, 422, "AgentDirectoryUnusable"],
      [{ directory, agent: "nobody" }, 422, "UnknownAgent"],
      [{ directory, command: ["/no/such"] }, 422, "SpawnFailed"],
      [{ directory, command: [file] }, 422, "SpawnFailed"],
      [{ directory, agent: "codex" }, 400, "AgentNeedsPrompt"],
      [{ directory, env: { "A=B": "c" } }, 422, "SpawnFailed"],
      [{}, 400],
      [{ directory: 5 }, 400],
      [{ directory, prompt: "" }, 400],
      [{ directory, command: [] }, 400],
      [{ directory, name: "no spaces" }, 400],
      [{ directory, tags: "a" }, 400],
      [{ directory, idempotencyKey: "a b" }, 400],
      [{ directory, env: { A: 1 } }, 400],
      [[], 400],
      ["text", 400],
      [null, 400]
    ]
    for (const [body, status, tag] of cases) {
      const answer = await post("/sessions", typeof body === "string" ? JSON.stringify(body) : body)
      assert.strictEqual(answer.status, status, JSON.stringify(body) + answer.text)
      assert.isString(answer.body.error)
      if (tag !== undefined) assert.strictEqual(answer.body.tag, tag)
    }
  })

  it("bodies that are no JSON, too long, too deep, or not there are refused, and memory is not spent on them", async () => {
    for (const body of ["", "{", '{"a":', "\u0000", '{"directory":"x"}x', "[".repeat(60_000)]) {
      const answer = await ask({ path: "/sessions", body, verb: "POST" })
      assert.strictEqual(answer.status, 400, body.slice(0, 20))
    }
    assert.strictEqual((await post("/rpc", "nonsense")).body.error.code, -32700)
    assert.strictEqual((await post("/rpc", "[".repeat(1000))).body.error.code, -32700)
    const long = JSON.stringify({ directory: "x".repeat(200_000) })
    assert.strictEqual((await post("/sessions", long)).status, 413)
    const chunked = await fetch(`${served.url}/sessions`, {
      method: "POST",
      headers: { ...bearer(), "content-type": "application/json" },
      body: new Blob([long]).stream(),
      duplex: "half"
    } as RequestInit)
    assert.strictEqual(chunked.status, 413)
    const zipped = await ask({ path: "/sessions", body: "x", headers: [["Content-Encoding", "gzip"]] })
    assert.strictEqual(zipped.status, 415)
    assert.strictEqual((await ask({ verb: "GET", path: "/sessions", body: {} })).status, 400)
  })

  it("HEAD is GET without the body, where an answer is whole; a code is not used up by it", async () => {
    const { token, url } = served
    const head = (path: string, authorization = `Bearer ${token}`) =>
      fetch(`${url}${path}`, { method: "HEAD", headers: { authorization } })
    for (const path of ["/health", "/", "/openapi.json"]) {
      const whole = await ask({ path })
      const answer = await head(path)
      assert.deepStrictEqual([answer.status, await answer.text()], [200, ""], path)
      assert.strictEqual(answer.headers.get("content-length"), whole.headers.get("content-length"), path)
    }
    assert.strictEqual((await fetch(`${url}/health`, { method: "HEAD" })).status, 200)
    assert.strictEqual((await head("/sessions")).status, 200)
    assert.strictEqual((await head("/sessions", "Bearer x")).status, 401)
    assert.strictEqual((await head("/sessions/zzzz")).status, 404)
    for (const path of ["/events", "/ws", "/rpc", "/sessions/x/output"])
      assert.strictEqual((await head(path)).status, 405, path)
    const link = (await served.home.ok(["http", "login"])).match(/http:\S+/)![0]
    assert.strictEqual((await fetch(link, { method: "HEAD" })).status, 401)
    assert.strictEqual((await fetch(link)).status, 200)
  })

  it("ids that nobody has, and what is no id, are 404; wrong queries are 400; other methods are 405", async () => {
    for (const id of ["zzzz", "00000000-0000-4000-8000-000000000000", "%2e%2e", "constructor", "a".repeat(128)]) {
      assert.strictEqual((await ask({ path: `/sessions/${id}` })).status, 404, id)
      assert.strictEqual((await ask({ path: `/sessions/${id}/output` })).status, 404, id)
      assert.strictEqual((await ask({ path: `/sessions/${id}/events` })).status, 404, id)
      assert.strictEqual((await ask({ verb: "DELETE", path: `/sessions/${id}` })).status, 404, id)
      assert.strictEqual((await post(`/sessions/${id}/input`, { text: "x" })).status, 404, id)
    }
    for (const path of [
      "/sessions/x/output?since=-1",
      "/sessions/x/output?tail=a",
      "/sessions?all=yes",
      "/events?since=x",
      "/events?channel=",
      "/sessions/x/events?since=1.5"
    ]) {
      assert.strictEqual((await ask({ path })).status, 400, path)
    }
    const wrong = await ask({ verb: "PATCH", path: "/sessions" })
    assert.deepStrictEqual([wrong.status, wrong.headers.get("allow")], [405, "GET, HEAD, POST"])
    assert.strictEqual((await ask({ path: "/sessions/x/input/y" })).status, 404)
  })

  it("every native method can be called by /rpc, alone or in a batch, and one that streams answers line by line", async () => {
    const ping = await post("/rpc", { jsonrpc: "2.0", id: 7, method: "daemon.ping" })
    assert.deepStrictEqual(ping.body, { jsonrpc: "2.0", id: 7, result: { pong: true } })
    const batch = await post("/rpc", [
      { jsonrpc: "2.0", id: 1, method: "daemon.ping" },
      { jsonrpc: "2.0", method: "daemon.ping" },
      { jsonrpc: "2.0", id: 2, method: "sessions.show", params: { session: "none" } },
      5
    ])
    assert.deepStrictEqual(
      batch.body.map(({ error, id }: any) => [id, error?.code]).sort(),
      [
        [1, undefined],
        [2, -32000],
        [null, -32600]
      ].sort()
    )
    assert.strictEqual((await post("/rpc", { jsonrpc: "2.0", method: "daemon.ping" })).status, 204)
    const { body } = await post("/sessions", { directory: served.directory, command: ["seq", "3"] })
    const { id } = body.session
    await until("it has ended", async () => (await one(id)).session.closedAt !== null)
    const call = { jsonrpc: "2.0", id: "s", method: "sessions.output", params: { session: id } }
    const stream = await fetch(`${served.url}/rpc`, {
      method: "POST",
      headers: { ...bearer(), "content-type": "application/json" },
      body: JSON.stringify(call, null, 2)
    })
    assert.strictEqual(stream.headers.get("content-type"), "application/x-ndjson")
    const lines = (await stream.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    const data = lines.flatMap(({ chunk, result }) => (chunk === true ? result : [])).map((each: any) => each.data)
    assert.strictEqual(Buffer.from(data.join(""), "base64").toString(), "1\n2\n3\n")
    assert.deepStrictEqual(Object.keys(lines.at(-1)), ["jsonrpc", "id", "result"])
  })

  it("a body that is not UTF-8 is told so, wherever it goes", async () => {
    for (const path of ["/rpc", "/sessions"]) {
      const body = Buffer.from('{"jsonrpc":"2.0","id":"\xff","method":"daemon.ping"}', "latin1")
      const answer = await fetch(served.url + path, {
        method: "POST",
        headers: { ...bearer(), "content-type": "application/json" },
        body
      })
      assert.strictEqual(answer.status, 400)
      assert.deepStrictEqual(await answer.json(), { error: "The body is not UTF-8." })
    }
  })

  it("a stream without an end is given up when its reader leaves", async () => {
    const connections = async () => (await ask({ path: "/status" })).body.connections
    const before = await connections()
    const abort = new AbortController()
    const call = { jsonrpc: "2.0", id: 1, method: "channels.subscribe", params: { patterns: ["x"] } }
    const stream = await fetch(`${served.url}/rpc`, {
      method: "POST",
      headers: { ...bearer(), "content-type": "application/json" },
      body: JSON.stringify(call),
      signal: abort.signal
    })
    await stream.body!.getReader().read()
    assert.strictEqual(await connections(), before + 1)
    abort.abort()
    await until("it is gone", async () => (await connections()) === before)
  })

  it("a call that waits is given up when its caller leaves, and not when it only closes its side", async () => {
    const connections = async () => (await ask({ path: "/status" })).body.connections
    const before = await connections()
    const { session } = (await ask({ path: "/sessions", body: { directory: served.directory, command: ["cat"] } })).body
    const body = { jsonrpc: "2.0", id: 1, method: "sessions.wait", params: { session: session.id } }
    const call = bytesOf({ path: "/rpc", body, token: served.token }, served.port)
    const leaves = connect(served.port, "127.0.0.1")
    leaves.write(call)
    await until("it waits", async () => (await connections()) === before + 1)
    leaves.destroy()
    await until("it is given up", async () => (await connections()) === before)
    const waits = raw(served.port, call, { halfClose: true })
    await until("it waits", async () => (await connections()) === before + 1)
    await ask({ path: `/sessions/${session.id}`, verb: "DELETE" })
    assert.isDefined((await waits).body.result)
  })

  it("describes itself: every route is in /openapi.json, and /metrics is what Prometheus reads", async () => {
    const { body, status } = await ask({ path: "/openapi.json" })
    assert.strictEqual(status, 200)
    const described = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method.toUpperCase()} ${path}`)
    )
    const pages = new Set(["/login", "/", "/page.js"])
    const all = routes
      .filter(({ path }) => !pages.has(path))
      .map(({ method, path }) => `${method} ${path.replace(":id", "{id}")}`)
    assert.deepStrictEqual(described.sort(), all.sort())
    const start = body.paths["/sessions"].post
    assert.includeMembers(Object.keys(start.responses), ["200", "201", "400", "409", "422", "429", "503"])
    assert.deepStrictEqual(body.security, [{ bearer: [] }])
    assert.deepStrictEqual(body.paths["/health"].get.security, [])
    for (const { method, path } of routes.filter(({ path }) => path !== "/health" && !pages.has(path))) {
      assert.notProperty(body.paths[path.replace(":id", "{id}")][method.toLowerCase()], "security", path)
    }
    const metrics = await ask({ path: "/metrics" })
    assert.match(metrics.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/)
    for (const line of metrics.text.trim().split("\n")) {
      assert.match(
        line,
        /^(?:# (?:HELP|TYPE) hob_\w+ .+|hob_\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? -?[\d.e+-]+)$/,
        line
      )
    }
    assert.match(metrics.text, /^hob_http_answers_total\{code="200"\} [1-9]/m)
  })

  it("is where its file says, which is its owner's alone; and goes when it is switched off, and comes back after a restart", async () => {
    const { httpState, httpToken } = served.home.paths
    assert.strictEqual(statSync(httpToken).mode & 0o777, 0o600)
    assert.strictEqual(statSync(httpState).mode & 0o777, 0o600)
    const status = await served.home.json<any>(["http", "status"])
    assert.include(status, { state: "up", url: served.url, tokenFile: httpToken })
    await served.home.killDaemon()
    await served.home.ok(["start"])
    await until("it answers again", async () => (await served.home.json<any>(["http", "status"])).state === "up")
    const { port } = JSON.parse(readFileSync(httpState, "utf8"))
    const answer = await fetch(`http://127.0.0.1:${port}/status`, { headers: bearer() })
    assert.strictEqual(answer.status, 200)
    await served.home.ok(["http", "disable"])
    assert.strictEqual((await served.home.json<any>(["http", "status"])).state, "off")
    assert.throws(() => statSync(httpState))
    const gone = await fetch(`http://127.0.0.1:${port}/health`).catch(() => "refused")
    assert.strictEqual(gone, "refused")
  })

  it("a port that somebody has is told with who that is, and nothing is changed", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await new Promise((listening) => other.once("listening", listening))
    const { port } = other.address() as { port: number }
    const refused = await served.home.hob(["http", "enable", "--port", String(port)])
    other.close()
    assert.strictEqual(refused.code, 1)
    assert.include(refused.stderr, `The port ${port} is in use by`)
    assert.include(refused.stderr, `(pid ${process.pid})`)
    assert.strictEqual((await served.home.json<any>(["http", "status"])).state, "off")
  })
})
