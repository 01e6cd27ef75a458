import { assert, describe, it } from "vitest"
import type { WebhookRoute } from "../../src/webhooks/routes.ts"
import { parseTarget, RouteTable } from "../../src/webhooks/routing.ts"
import { RateLimit, senderOf } from "../../src/wire/http/RateLimit.ts"

const route = (namespace: string, method: string) => ({ namespace, method }) as WebhookRoute

describe("a request's target", () => {
  it("names a method, with or without its namespace", () => {
    assert.deepStrictEqual(parseTarget("/webhook/push"), { namespace: undefined, method: "push", query: "" })
    assert.deepStrictEqual(parseTarget("/webhook/kanban/push?a=1?2"), {
      namespace: "kanban",
      method: "push",
      query: "a=1?2"
    })
    assert.deepInclude(parseTarget("/webhook/sch%C3%B6n"), { method: "schön" })
  })

  it.each([
    "/",
    "//",
    "///",
    "",
    "*",
    "/webhook",
    "/webhook/",
    "/webhook//",
    "/webhook//a",
    "/webhook/a/",
    "/webhook/a/b/c",
    "/Webhook/a",
    "/x/webhook/a",
    "http://127.0.0.1/webhook/a",
    "//evil/webhook/a",
    "/webhook/%",
    "/webhook/%zz",
    "/webhook/%ff",
    "/webhooks/a",
    "/webhook?x=/a",
    "/dashboard",
    "\\webhook\\a"
  ])("%j is none", (target) => {
    assert.isUndefined(parseTarget(target))
  })
})

describe("the webhooks", () => {
  /** The namespace of the one that is found. */
  const found = (method: string, namespace?: string): string | undefined => {
    const route = table.find({ namespace, method })
    return typeof route === "object" ? route.namespace : route
  }
  const table = new RouteTable()
  for (const [namespace, method] of [
    ["a", "one"],
    ["a", "both"],
    ["b", "both"]
  ] as const) {
    table.put(route(namespace, method))
  }

  it("are found by both names; by the method alone where only one has it", () => {
    assert.strictEqual(found("both", "b"), "b")
    assert.strictEqual(found("one"), "a")
    assert.strictEqual(table.find({ namespace: undefined, method: "both" }), "ambiguous")
    table.remove({ namespace: "a", method: "both" })
    assert.strictEqual(found("both"), "b")
    table.put(route("a", "both"))
  })

  it.each([
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "valueOf",
    "ONE",
    "one ",
    "../one",
    "a/one",
    "%6Fne"
  ])("%j is none of them", (method) => {
    assert.isUndefined(table.find({ namespace: undefined, method }))
    assert.isUndefined(table.find({ namespace: "a", method }))
    assert.isUndefined(table.find({ namespace: method, method: "one" }))
  })
})

describe("a sender's share", () => {
  it("is so many at once, and then one whenever its part of the minute has passed", () => {
    const limit = new RateLimit()
    for (let i = 0; i < 60; i++) assert.isUndefined(limit.take("1.2.3.4", 60, 0))
    assert.strictEqual(limit.take("1.2.3.4", 60, 0), 1)
    assert.isUndefined(limit.take("1.2.3.5", 60, 0))
    assert.isUndefined(limit.take("1.2.3.4", 60, 1000))
    assert.strictEqual(limit.take("1.2.3.4", 60, 1000), 1)
  })

  it("says when to come again", () => {
    const limit = new RateLimit()
    assert.isUndefined(limit.take("a", 1, 0))
    assert.strictEqual(limit.take("a", 1, 0), 60)
    assert.strictEqual(limit.take("a", 1, 30_000), 30)
  })

  it("is that of all who could be the same, and not many are remembered", () => {
    assert.strictEqual(senderOf("::ffff:10.0.0.1"), "10.0.0.1")
    assert.strictEqual(senderOf("2001:db8:1:2:aaaa::1"), senderOf("2001:db8:1:2::ffff"))
    assert.notStrictEqual(senderOf("2001:db8:1:2::1"), senderOf("2001:db8:1:3::1"))
    assert.strictEqual(senderOf("2001:db8::1"), "2001:db8:0:0::/64")
    const limit = new RateLimit()
    for (let i = 0; i < 30_000; i++) limit.take(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 10, 0)
    assert.isAtMost(limit.size, 10_000)
  })
})
