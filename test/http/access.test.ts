import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { WebSocket } from "ws"
import type { Token } from "../../src/protocol/http.ts"
import { until } from "../support/home.ts"
import { serveHome, type Served } from "./support.ts"

/** Tokens, and browsers that are let in by a code. */
describe("access over HTTP", { timeout: 240_000 }, () => {
  let served: Served
  const secrets: Array<string> = []
  beforeAll(async () => {
    served = await serveHome({ daemon: { logLevel: "debug" } })
    secrets.push(served.token)
  })
  afterAll(() => served?.home.destroy())

  const tokens = async () => (await served.home.json<{ tokens: ReadonlyArray<Token> }>(["token", "ls"])).tokens
  const make = async (...args: ReadonlyArray<string>) => {
    const made = await served.home.json<{ token: string; info: Token }>(["token", "new", ...args])
    secrets.push(made.token)
    return made
  }
  const own = () => `http://127.0.0.1:${served.port}`

  it("a token is shown once, and what is kept of it is not it", async () => {
    const { info, token } = await make("board", "--scope", "read")
    assert.match(token, /^hob_[\w-]{43}$/)
    assert.include(info, { name: "board", scope: "read", expiresAt: null, isExpired: false })
    assert.deepStrictEqual(
      (await tokens()).map(({ name }) => name),
      ["first", "board"]
    )
    assert.notInclude(JSON.stringify(await tokens()), token)
    assert.strictEqual((await served.ask({ path: "/sessions", token })).status, 200)
    await served.home.ok(["token", "revoke", "board"])
    assert.strictEqual((await served.ask({ path: "/sessions", token })).status, 401)
    const again = await served.home.hob(["token", "revoke", "board"])
    assert.strictEqual(again.code, 4)
  })

  it("the first one can be revoked too: another takes its place in the file", async () => {
    const before = readFileSync(served.home.paths.httpToken, "utf8").trim()
    await served.home.ok(["token", "revoke", "first"])
    const after = readFileSync(served.home.paths.httpToken, "utf8").trim()
    secrets.push(after)
    assert.notStrictEqual(after, before)
    assert.strictEqual((await served.ask({ path: "/sessions", token: before })).status, 401)
    assert.strictEqual((await served.ask({ path: "/sessions", token: after })).status, 200)
    Object.assign(served, { token: after })
  })

  it("who may come for a while lets nobody in for longer", async () => {
    const brief = await make("brief", "--scope", "admin", "--expires", "1h")
    const asked = async (method: string, params: object) => {
      const answer = await fetch(`${served.url}/rpc`, {
        method: "POST",
        headers: { authorization: `Bearer ${brief.token}`, "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params })
      })
      return ((await answer.json()) as { result: any }).result
    }
    const endless = await asked("tokens.create", { name: "endless", scope: "admin" })
    const long = await asked("tokens.create", { name: "long", scope: "read", expiresInMillis: 7_200_000 })
    const short = await asked("tokens.create", { name: "shorter", scope: "read", expiresInMillis: 60_000 })
    secrets.push(endless.token, long.token, short.token)
    assert.strictEqual(endless.info.expiresAt, brief.info.expiresAt)
    assert.strictEqual(long.info.expiresAt, brief.info.expiresAt)
    assert.isBelow(Date.parse(short.info.expiresAt), Date.parse(brief.info.expiresAt!))
    const { url } = await asked("http.login", {})
    const entered = await fetch(url)
    secrets.push(entered.headers.get("set-cookie")!.split(";")[0]!.split("=")[1]!)
    const browser = (await tokens()).find(({ name }) => name === "browser")!
    assert.strictEqual(browser.expiresAt, brief.info.expiresAt)
    await served.home.ok(["token", "revoke", browser.id])
  })

  it("tokens survive the daemon's death", async () => {
    const { token } = await make("kept")
    await served.home.killDaemon()
    await served.home.ok(["start"])
    await until("it answers again", async () => (await served.home.json<any>(["http", "status"])).state === "up")
    const { port } = JSON.parse(readFileSync(served.home.paths.httpState, "utf8"))
    const answer = await fetch(`http://127.0.0.1:${port}/sessions`, { headers: { authorization: `Bearer ${token}` } })
    assert.strictEqual(answer.status, 200)
    Object.assign(served, { port, url: `http://127.0.0.1:${port}` })
  })

  const asking = (asked: {
    readonly path: string
    readonly cookie: string
    readonly verb?: string
    readonly body?: unknown
    readonly headers?: ReadonlyArray<readonly [string, string]>
  }) =>
    fetch(`${served.url}${asked.path}`, {
      method: asked.verb ?? (asked.body === undefined ? "GET" : "POST"),
      headers: {
        cookie: asked.cookie,
        ...(asked.body === undefined ? {} : { "content-type": "application/json" }),
        ...Object.fromEntries(asked.headers ?? [])
      },
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) })
    })

  it("a browser gets in by a code, once, and its cookie counts where hob's own page asks", async () => {
    const { home } = served
    const { url } = await home.json<{ url: string }>(["http", "login"])
    const first = await fetch(url)
    assert.strictEqual(first.status, 200)
    assert.include(await first.text(), 'http-equiv="refresh"')
    const cookie = first.headers.get("set-cookie")!.split(";")[0]!
    secrets.push(cookie.split("=")[1]!, new URL(url).searchParams.get("code")!)
    assert.strictEqual((await fetch(url)).status, 401)
    assert.strictEqual((await fetch(`${served.url}/login?code=guessed`)).status, 401)
    assert.strictEqual((await fetch(`${served.url}/login`)).status, 401)
    assert.strictEqual((await asking({ path: "/sessions", cookie })).status, 200)
    const body = { directory: served.directory, command: ["true"] }
    // Something is to be done: only where the browser says that it is hob's page.
    assert.strictEqual((await asking({ path: "/sessions", cookie, body })).status, 401)
    const fromOwn = [["origin", own()]] as const
    assert.strictEqual((await asking({ path: "/sessions", cookie, body, headers: fromOwn })).status, 201)
    assert.strictEqual(
      (await asking({ path: "/sessions", cookie, body, headers: [["origin", "https://evil.example"]] })).status,
      403
    )
    // A cookie's value is no bearer's token, nor the other way round.
    const value = cookie.split("=")[1]!
    assert.strictEqual(
      (await fetch(`${served.url}/sessions`, { headers: { authorization: `Bearer ${value}` } })).status,
      401
    )
    assert.strictEqual(
      (await asking({ path: "/sessions", cookie: `${cookie.split("=")[0]}=${served.token}` })).status,
      401
    )
  })

  it("the cookie lets WebSockets and event streams in too, and ends with `hob token revoke`", async () => {
    const { url } = await served.home.json<{ url: string }>(["http", "login", "--scope", "read"])
    const cookie = (await fetch(url)).headers.get("set-cookie")!.split(";")[0]!
    secrets.push(cookie.split("=")[1]!)
    const open = (headers: Readonly<Record<string, string>>) =>
      new Promise<WebSocket | number>((done) => {
        const socket = new WebSocket(`${served.url.replace("http", "ws")}/ws`, { headers })
        socket.once("open", () => done(socket))
        socket.once("unexpected-response", (_request, { statusCode }) => done(statusCode!))
        socket.on("error", () => {})
      })
    assert.strictEqual(await open({ cookie }), 401)
    assert.strictEqual(await open({ cookie, origin: "http://127.0.0.1:1" }), 403)
    const socket = await open({ cookie, origin: own() })
    assert.notTypeOf(socket, "number")
    const events = await asking({ path: "/events", cookie, headers: [["sec-fetch-site", "same-origin"]] })
    assert.strictEqual(events.status, 200)
    const closed = new Promise((done) => (socket as WebSocket).once("close", done))
    const browser = (await tokens()).find(({ name, scope }) => name === "browser" && scope === "read")!
    await served.home.ok(["token", "revoke", browser.id])
    await closed
    assert.strictEqual((await asking({ path: "/sessions", cookie })).status, 401)
  })

  it("events go on behind the last one that was heard, and say where some are missing", async () => {
    const bearer = { authorization: `Bearer ${served.token}` }
    const hear = async (headers: Readonly<Record<string, string>>, count: number) => {
      const answer = await fetch(`${served.url}/events?channel=news`, { headers: { ...bearer, ...headers } })
      const reader = answer.body!.getReader()
      let text = ""
      const events = () =>
        [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)$/gm)].map(([, id, type, data]) => ({
          id: id!,
          type: type!,
          data: JSON.parse(data!)
        }))
      while (events().length < count) text += Buffer.from((await reader.read()).value!).toString()
      await reader.cancel()
      return events()
    }
    const [subscribed] = await hear({}, 1)
    assert.strictEqual(subscribed!.type, "subscribed")
    for (const n of [1, 2, 3]) await served.home.ok(["pub", "news", String(n)])
    const heard = await hear({ "last-event-id": subscribed!.id }, 4)
    assert.deepStrictEqual(
      heard.slice(1).map(({ data }) => data.message),
      [1, 2, 3]
    )
    const rest = await hear({ "last-event-id": heard[2]!.id }, 2)
    assert.deepStrictEqual(
      rest.slice(1).map(({ data }) => data.message),
      [3]
    )
    const gap = await hear({ "last-event-id": "0-1" }, 2)
    assert.strictEqual(gap[1]!.type, "gap")
  })

  it("no secret is in any log, list or error, however hob was asked", async () => {
    for (const secret of secrets) {
      assert.notStrictEqual((await served.ask({ path: "/health" })).status, 0)
      await served.ask({ path: `/sessions?token=${secret}`, token: secret })
      await served.ask({ path: `/login?code=${secret}`, token: null })
      await served.ask({ path: "/rpc", body: `{"x":"${secret}`, token: secret })
    }
    const { logs, home } = served.home.paths
    const texts = readdirSync(logs).map((name) => readFileSync(join(logs, name), "utf8"))
    texts.push(readFileSync(join(home, "config.json"), "utf8"), readFileSync(served.home.paths.database, "latin1"))
    texts.push(
      await served.home.ok(["logs"]),
      await served.home.ok(["token", "ls"]),
      await served.home.ok(["status", "--json"])
    )
    assert.isAbove(secrets.length, 6)
    for (const secret of secrets) for (const text of texts) assert.notInclude(text, secret)
  })

  it("a file of the first token that others may read is refused", async () => {
    await served.home.ok(["http", "disable"])
    const { chmodSync } = await import("node:fs")
    chmodSync(served.home.paths.httpToken, 0o644)
    const refused = await served.home.hob(["http", "enable", "--port", "0"])
    assert.strictEqual(refused.code, 1)
    assert.include(refused.stderr, "chmod 600")
    chmodSync(served.home.paths.httpToken, 0o600)
    writeFileSync(served.home.paths.httpToken, "short\n", { mode: 0o600 })
    assert.include((await served.home.hob(["http", "enable", "--port", "0"])).stderr, "holds no token")
  })
})
