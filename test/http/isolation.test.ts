import { existsSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { routes } from "../../src/http/serve/routes.ts"
import type { Token } from "../../src/protocol/http.ts"
import { until } from "../support/home.ts"
import type { Answer } from "../webhooks/support.ts"
import { type Asked, type Served, serveHome } from "./support.ts"

/** What comes from somewhere else than it should, to every route there is: refused before anything is done. */
describe("browser isolation", { timeout: 240_000 }, () => {
  let served: Served
  let readToken: string
  let revoked: string
  let expired: string
  beforeAll(async () => {
    served = await serveHome()
    const made = async (...args: ReadonlyArray<string>) =>
      (await served.home.json<{ token: string }>(["token", "new", ...args])).token
    readToken = await made("reader", "--scope", "read")
    revoked = await made("revoked", "--scope", "admin")
    await served.home.ok(["token", "revoke", "revoked"])
    expired = await made("expired", "--scope", "admin", "--expires", "1s")
  })
  afterAll(() => served?.home.destroy())

  /** Starts a program that leaves a file, if anybody runs it. */
  const tell = () => join(served.directory, "was-here")
  const bodies: Readonly<Record<string, () => unknown>> = {
    "/sessions": () => ({ directory: served.directory, command: ["touch", tell()] }),
    "/sessions/:id/input": () => ({ text: "x" }),
    "/rpc": () => ({ jsonrpc: "2.0", id: 1, method: "sessions.run", params: { command: ["touch", tell()] } })
  }
  const upgrade = [
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="]
  ] as const

  const requestTo = ({ method, path }: (typeof routes)[number]): Asked => ({
    verb: method,
    path: path.replace(":id", "abcd"),
    ...(bodies[path] === undefined ? {} : { body: bodies[path]() }),
    headers: path === "/ws" ? upgrade : []
  })

  const wrong = (): ReadonlyArray<
    readonly [string, (asked: Asked) => Asked, (isOpen: boolean) => ReadonlyArray<number>]
  > => {
    const header = (name: string, value: string) => (asked: Asked) => ({
      ...asked,
      headers: [...(asked.headers ?? []), [name, value] as const]
    })
    const token = (token: string | null) => (asked: Asked) => ({ ...asked, token })
    const closed = (isOpen: boolean) => (isOpen ? [200, 401, 429] : [401, 429])
    const own = `http://127.0.0.1:${served.port}`
    return [
      ["a foreign Origin", header("Origin", "https://evil.example"), () => [403]],
      ["Origin: null", header("Origin", "null"), () => [403]],
      ["another port's Origin", header("Origin", "http://127.0.0.1:3000"), () => [403]],
      ["the right Origin by another name", header("Origin", `http://localhost:${served.port}`), () => [403]],
      ["another site", header("Sec-Fetch-Site", "cross-site"), () => [403]],
      ["another port as the same site", header("Sec-Fetch-Site", "same-site"), () => [403]],
      ["a rebound Host", (asked) => ({ ...asked, host: "evil.example" }), () => [421]],
      ["a rebound Host with the port", (asked) => ({ ...asked, host: `evil.example:${served.port}` }), () => [421]],
      ["no Host", (asked) => ({ ...asked, host: null }), () => [400]],
      ["two Hosts", header("Host", `127.0.0.1:${served.port}`), () => [400]],
      [
        "an absolute address elsewhere",
        (asked) => ({ ...asked, path: `http://evil.example${asked.path}` }),
        () => [421]
      ],
      ["no token", token(null), closed],
      ["a wrong token", token(`hob_${"x".repeat(43)}`), closed],
      ["a revoked token", token(revoked), closed],
      ["an expired token", token(expired), closed],
      [
        "a token in the address",
        (asked) => ({ ...asked, token: null, path: `${asked.path}?token=${served.token}` }),
        closed
      ],
      [
        "a token in a cookie",
        (asked) => header("Cookie", `hob_${served.port}=${served.token}`)({ ...asked, token: null }),
        closed
      ],
      [
        "the token as Basic",
        (asked) => header("Authorization", `Basic ${served.token}`)({ ...asked, token: null }),
        closed
      ],
      ["two tokens", header("Authorization", `Bearer ${served.token}`), () => [400]],
      ["its own Origin, and no token", (asked) => header("Origin", own)({ ...asked, token: null }), closed]
    ]
  }

  it("holds for every route: wrong names, pages and tokens get nothing, and nothing is done", async () => {
    await until("the token has expired", async () => {
      const { tokens } = await served.home.json<{ tokens: ReadonlyArray<Token> }>(["token", "ls"])
      return tokens.some(({ isExpired, name }) => name === "expired" && isExpired)
    })
    let cases = 0
    for (const route of routes) {
      for (const [what, make, expected] of wrong()) {
        const asked = make(requestTo(route))
        const { status, text } = await served.ask(asked)
        assert.include(
          expected(route.scope === undefined),
          status,
          `${route.method} ${route.path} with ${what}: ${text}`
        )
        cases++
      }
    }
    assert.isAtLeast(cases, 200)
    assert.isFalse(existsSync(tell()))
    const { body } = await served.ask({ path: "/sessions?all=true" })
    assert.deepStrictEqual(body.sessions, [])
  })

  it("a page's simple POST is no JSON, and is refused with whatever it brings along", async () => {
    for (const { method, path } of routes) {
      if (method !== "POST") continue
      for (const type of [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        null,
        "",
        "application/json; charset=utf-16"
      ]) {
        const { status } = await served.ask({ ...requestTo({ path } as never), verb: "POST", type })
        assert.strictEqual(status, 415, `${path} ${type}`)
      }
    }
    assert.isFalse(existsSync(tell()))
  })

  it("what a token's scope does not allow is refused, whichever way it is asked for", async () => {
    for (const route of routes) {
      if (route.scope !== "sessions") continue
      const { body, status } = await served.ask({ ...requestTo(route), token: readToken })
      assert.strictEqual(status, 403, route.path)
      assert.include(body.error, '"read"')
    }
    const { body, status } = await served.ask({
      ...requestTo({ method: "POST", path: "/rpc" } as never),
      token: readToken
    })
    assert.strictEqual(status, 200)
    assert.strictEqual(body.error.code, -32006)
    const list = await served.ask({
      path: "/rpc",
      body: { jsonrpc: "2.0", id: 1, method: "tokens.list" },
      token: readToken
    })
    assert.strictEqual(list.body.error.code, -32006)
    assert.isFalse(existsSync(tell()))
    // Reading it may.
    assert.strictEqual((await served.ask({ path: "/sessions", token: readToken })).status, 200)
  })

  it("says that nobody may frame, keep or guess at what it answers, and allows no other page anything", async () => {
    for (const path of ["/health", "/", "/sessions", "/nothing"]) {
      const { headers } = await served.ask({ path })
      assert.strictEqual(headers.get("x-content-type-options"), "nosniff", path)
      assert.include(headers.get("content-security-policy")!, "frame-ancestors 'none'")
      assert.strictEqual(headers.get("cache-control"), "no-store")
      assert.isFalse(headers.has("access-control-allow-origin"))
    }
    const preflight = await served.ask({
      verb: "OPTIONS",
      path: "/sessions",
      token: null,
      headers: [
        ["Origin", "https://evil.example"],
        ["Access-Control-Request-Method", "POST"]
      ]
    })
    assert.strictEqual(preflight.status, 403)
    assert.isFalse(preflight.headers.has("access-control-allow-origin"))
  })

  it("who tries many tokens is told to come later, and who has the right one is let in all the same", async () => {
    const answers: Array<Answer> = []
    for (let n = 0; n < 15; n++) answers.push(await served.ask({ path: "/status", token: `hob_${n}` }))
    const refused = answers.filter(({ status }) => status === 429)
    assert.isNotEmpty(refused)
    for (const { headers } of refused) assert.isAbove(Number(headers.get("retry-after")), 0)
    assert.strictEqual((await served.ask({ path: "/status" })).status, 200)
  })
})
