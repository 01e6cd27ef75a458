import { assert, describe, it } from "vitest"
import { credentialOf, guard } from "../../src/http/serve/guard.ts"
import { findRoute, routes } from "../../src/http/serve/routes.ts"
import { HobRpcs } from "../../src/protocol/index.ts"
import { allows, scopedMethods, scopeOf } from "../../src/protocol/scopes.ts"
import { headersOf } from "../../src/wire/http/headers.ts"

const options = { hosts: ["hob.example.org"], origins: ["https://board.example.org"], boundTo: "192.168.7.2" }
const head = (headers: Readonly<Record<string, string>>, target = "/sessions", method = "GET") => ({
  method,
  target,
  headers: headersOf(Object.entries({ host: "127.0.0.1:64875", ...headers }).flat())
})
const statusOf = (...given: Parameters<typeof head>): number => {
  const result = guard(head(...given), options)
  return "status" in result ? result.status : 200
}

describe("who may come in", () => {
  it("only by names of this machine, those that are configured, and the address that is listened on", () => {
    for (const host of [
      "localhost",
      "localhost:1",
      "127.0.0.1",
      "127.0.0.1:64875",
      "[::1]:64875",
      "LOCALHOST",
      "hob.example.org:8443",
      "192.168.7.2:64875"
    ]) {
      assert.strictEqual(statusOf({ host }), 200, host)
    }
    for (const host of [
      "evil.example",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "evil.example:64875",
      "127.0.0.1@evil.example",
      "evil.example#localhost",
      "[::1].evil.example",
      "0.0.0.0",
      "192.168.7.3",
      "",
      "127.0.0.1:",
      "localhost:99999999",
      "2130706433",
      "0x7f000001"
    ]) {
      assert.strictEqual(statusOf({ host }), 421, host)
    }
  })

  it("by an IPv6 address however it is written, and from pages that are named in capitals", () => {
    const reached = (host: string, given: Partial<typeof options>, origin?: string) => {
      const result = guard(head({ host, ...(origin === undefined ? {} : { origin }) }), { ...options, ...given })
      return "status" in result ? result.status : 200
    }
    assert.strictEqual(reached("[2001:db8::1]:1", { boundTo: "2001:DB8:0::1" }), 200)
    assert.strictEqual(reached("[2001:DB8:0:0::1]", { boundTo: "2001:db8::1" }), 200)
    assert.strictEqual(reached("[2001:db8::2]", { boundTo: "2001:db8::1" }), 421)
    assert.strictEqual(reached("[2001:db8::2]:9", { hosts: ["[2001:db8:0::2]"] }), 200)
    const origins = ["https://Board.Example.org"]
    assert.strictEqual(reached("localhost", { origins }, "https://board.example.org"), 200)
  })

  it("from no other page, other ports of this machine among them", () => {
    for (const origin of ["http://127.0.0.1:64875", "https://127.0.0.1:64875"]) {
      assert.strictEqual(statusOf({ origin }), 200, origin)
    }
    for (const origin of [
      "null",
      "http://127.0.0.1",
      "http://localhost:64875",
      "http://127.0.0.1:3000",
      "http://evil",
      "file://"
    ]) {
      assert.strictEqual(statusOf({ origin }), 403, origin)
    }
    for (const site of ["cross-site", "same-site", "anything"]) {
      assert.strictEqual(statusOf({ "sec-fetch-site": site }), 403, site)
    }
    assert.strictEqual(statusOf({ "sec-fetch-site": "none" }), 200)
    assert.strictEqual(statusOf({ "sec-fetch-site": "same-origin", origin: "http://127.0.0.1:64875" }), 200)
  })

  it("a page that is configured may, and its cookies do not count", () => {
    const given = head({ origin: "https://board.example.org", "sec-fetch-site": "cross-site", cookie: "hob_1=x" })
    const admitted = guard(given, options)
    assert.isTrue("path" in admitted)
    if (!("path" in admitted)) return
    assert.strictEqual(admitted.foreignOrigin, "https://board.example.org")
    for (const method of ["GET", "POST"]) assert.isUndefined(credentialOf({ ...given, method }, "hob_1", admitted))
  })

  it("whoever clicks a link to the page or the way in, from wherever; and to nothing else", () => {
    const clicked = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }
    assert.strictEqual(statusOf(clicked, "/login?code=x"), 200)
    assert.strictEqual(statusOf(clicked, "/"), 200)
    assert.strictEqual(statusOf(clicked, "/sessions"), 403)
    assert.strictEqual(statusOf(clicked, "/", "POST"), 403)
  })

  it("with a target that says what Host says", () => {
    assert.strictEqual(statusOf({}, "http://127.0.0.1:64875/sessions"), 200)
    assert.strictEqual(statusOf({}, "http://evil.example/sessions"), 421)
    assert.strictEqual(statusOf({}, "http://127.0.0.1:64875@evil.example/"), 421)
    for (const target of ["sessions", "*", "//evil.example/sessions", "/sessions\\x", "ftp://127.0.0.1/"]) {
      assert.strictEqual(statusOf({}, target), 400, target)
    }
  })

  it("with each header once, where two readers could differ", () => {
    for (const name of ["host", "authorization", "origin", "cookie", "content-type", "content-length"]) {
      const twice = { method: "GET", target: "/", headers: headersOf(["host", "localhost", name, "a", name, "a"]) }
      const result = guard(twice, options)
      assert.strictEqual("status" in result && result.status, 400, name)
    }
    const none = guard({ method: "GET", target: "/", headers: headersOf([]) }, options)
    assert.strictEqual("status" in none && none.status, 400)
  })
})

describe("tokens of requests", () => {
  const own = { path: "/", query: new URLSearchParams(), isOwnPage: true, foreignOrigin: undefined }
  const stranger = { ...own, isOwnPage: false }

  it("come in Authorization, or as the cookie of hob's own page", () => {
    assert.deepStrictEqual(credentialOf(head({ authorization: "Bearer abc" }), "hob_1", stranger), {
      kind: "bearer",
      token: "abc"
    })
    const cookie = head({ cookie: "a=b; hob_1=abc; hob_2=no" })
    assert.deepStrictEqual(credentialOf(cookie, "hob_1", own), { kind: "cookie", token: "abc" })
    assert.deepStrictEqual(credentialOf({ ...cookie, method: "POST" }, "hob_1", own), { kind: "cookie", token: "abc" })
  })

  it("come nowhere else", () => {
    for (const authorization of ["abc", "Basic abc", "Bearer", "Bearer a b", `Bearer ${"x".repeat(600)}`]) {
      assert.isUndefined(credentialOf(head({ authorization }), "hob_1", own), authorization)
    }
    assert.isUndefined(credentialOf(head({}, "/sessions?token=abc&access_token=abc"), "hob_1", own))
    // A request that no page of hob's makes, and that does something or stays.
    assert.isUndefined(credentialOf(head({ cookie: "hob_1=abc" }, "/sessions", "POST"), "hob_1", stranger))
    assert.isUndefined(credentialOf(head({ cookie: "hob_1=abc", upgrade: "websocket" }), "hob_1", stranger))
    assert.isUndefined(credentialOf(head({ cookie: "xhob_1=abc" }), "hob_1", own))
  })
})

describe("routes", () => {
  it("are found by method and path, with what stands in them", () => {
    const found = findRoute("POST", "/sessions/a%20b/input")
    assert.isTrue("route" in found && found.params["id"] === "a b" && found.route.scope === "sessions")
    for (const path of [
      "/sessions/",
      "/sessions//output",
      "/sessions/a%2fb",
      "/sessions/%zz",
      "/Sessions",
      "/health/",
      "/sessions/..",
      "/sessions/%2e%2E"
    ]) {
      const result = findRoute("GET", path)
      assert.isFalse("route" in result, path)
    }
    assert.deepStrictEqual(findRoute("PUT", "/sessions"), { allow: ["GET", "HEAD", "POST"] })
    assert.isTrue("route" in findRoute("HEAD", "/sessions"))
    for (const path of ["/events", "/login", "/ws"]) assert.isFalse("route" in findRoute("HEAD", path), path)
  })

  it("all need a token but the few that show nothing", () => {
    const open = routes.filter(({ scope }) => scope === undefined).map(({ path }) => path)
    assert.deepStrictEqual(open, ["/health", "/login", "/", "/page.js"])
    for (const { method, scope } of routes) if (method !== "GET") assert.notStrictEqual(scope, undefined)
  })
})

describe("scopes", () => {
  it("every method has one, and every one of the table is a method", () => {
    assert.deepStrictEqual([...scopedMethods].sort(), [...HobRpcs.requests.keys()].sort())
  })

  it("who may only read has nobody connected, publishes nothing, and sees no input and no environment", () => {
    for (const method of ["upstream.subscribe", "upstream.ping", "sessions.export"]) {
      assert.strictEqual(scopeOf(method), "sessions")
    }
    for (const method of ["daemon.config", "sessions.templates", "schedule.list"]) {
      assert.strictEqual(scopeOf(method), "admin")
    }
  })

  it("grow: who may do more may do less too", () => {
    assert.deepStrictEqual(
      (["read", "sessions", "admin"] as const).map((has) =>
        (["read", "sessions", "admin"] as const).map((needs) => allows(has, needs))
      ),
      [
        [true, false, false],
        [true, true, false],
        [true, true, true]
      ]
    )
    assert.strictEqual(scopeOf("no.such"), "admin")
    assert.strictEqual(scopeOf("constructor"), "admin")
  })
})
