import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "node:net"
import {
  type Answer,
  listening,
  method,
  namespace,
  open,
  type Opened,
  post,
  type Post,
  raw,
  request
} from "./support.ts"

const MiB = 1024 * 1024

/** A webhook without a secret, one with, and one whose name two namespaces have. */
const opened = Effect.gen(function* () {
  const opened = yield* open()
  const allow = opened.rpc["webhooks.allow"]
  yield* allow({ method: method("hook"), scheme: "none" })
  yield* allow({ method: method("closed"), scheme: "secret", secrets: ["s"] })
  yield* allow({ method: method("schön"), scheme: "none" })
  for (const name of ["a", "b"]) yield* allow({ namespace: namespace(name), method: method("both"), scheme: "none" })
  return { ...opened, port: yield* listening(opened) }
})

const sent = (port: number, what: Post | string): Effect.Effect<Answer> =>
  Effect.promise(() =>
    typeof what === "string" ? raw(port, what, { halfClose: what.includes("Length: 20\r") }) : post(port, what)
  )

/** It still answers as it should. */
const isWell = ({ port }: { readonly port: number }) =>
  Effect.map(sent(port, {}), ({ body, status }) => assert.deepEqual([status, body.success], [200, true]))

type Case = readonly [what: string, request: Post | string, status: number | ReadonlyArray<number>]

const targets: ReadonlyArray<Case> = [
  ["//", "GET // HTTP/1.1\r\nHost: localhost\r\n\r\n", 404],
  ["// posted", { path: "//" }, 404],
  ["/", { path: "/" }, 404],
  ["traversal", { path: "/webhook/../webhook/hook" }, 404],
  ["encoded traversal", { path: "/webhook/..%2fhook" }, 404],
  ["twice encoded traversal", { path: "/webhook/%252e%252e%252fhook" }, 404],
  ["backslashes", { path: "/webhook\\hook" }, 404],
  ["a bad escape", { path: "/webhook/%E0%A4%A" }, 404],
  ["bytes that are no UTF-8", { path: "/webhook/%ff%fe" }, 404],
  ["a NUL", { path: "/webhook/hook%00" }, 404],
  ["more segments", { path: "/webhook/default/hook/x" }, 404],
  ["an absolute URI", { path: "http://localhost/webhook/hook" }, 404],
  ["a method with a slash", { path: "/webhook/a%2Fb" }, 404],
  ["another method", { path: "/webhook/other" }, 404],
  ["capitals", { path: "/webhook/HOOK" }, 404],
  ["__proto__", { path: "/webhook/__proto__" }, 404],
  ["constructor", { path: "/webhook/constructor" }, 404],
  ["toString", { path: "/webhook/toString" }, 404],
  ["a namespace of that kind", { path: "/webhook/__proto__/hook" }, 404],
  ["a namespace it is not in", { path: "/webhook/a/hook" }, 404],
  ["a name that two have", { path: "/webhook/both" }, 409],
  ["Unicode, encoded", { path: "/webhook/sch%C3%B6n" }, 200],
  ["Unicode, decomposed", { path: "/webhook/scho%CC%88n" }, 404],
  ["a path of 15 KB", { path: `/webhook/${"a".repeat(15_000)}` }, 404],
  ["a path of 20 KB", { path: `/webhook/${"a".repeat(20_000)}` }, 431]
]

const verbs: ReadonlyArray<Case> = [
  ["GET", { verb: "GET" }, 405],
  ["PUT", { verb: "PUT" }, 405],
  ["DELETE", { verb: "DELETE" }, 405],
  ["PATCH", { verb: "PATCH" }, 405],
  ["OPTIONS", { verb: "OPTIONS" }, 204],
  ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405],
  ["a verb there isn't", { verb: "FROB" }, 400],
  ["lower case", { verb: "post" }, 400],
  ["HTTP/0.9", "GET /webhook/hook\r\n\r\n", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
  ["JSON-RPC", '{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}\n', 400],
  ["h2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  [
    "an upgrade to h2c, which is not taken up",
    {
      headers: [
        ["Upgrade", "h2c"],
        ["Connection", "Upgrade"]
      ]
    },
    200
  ],
  [
    "an upgrade to a WebSocket",
    {
      verb: "GET",
      headers: [
        ["Upgrade", "websocket"],
        ["Connection", "Upgrade"]
      ]
    },
    405
  ],
  ["an expectation there isn't", { headers: [["Expect", "a-lot"]] }, 417],
  ["100-continue", { headers: [["Expect", "100-continue"]] }, 200]
]

const heads: ReadonlyArray<Case> = [
  ["no Host", "POST /webhook/hook HTTP/1.1\r\nContent-Length: 2\r\nContent-Type: application/json\r\n\r\n{}", 400],
  ["two Hosts", { headers: [["Host", "localhost"]] }, 400],
  ["a foreign Host, without a secret", { host: "evil.example" }, 421],
  ["a Host that begins as this machine's", { host: "localhost.evil.example" }, 421],
  ["this machine by other names", { host: "localhost:3457" }, 200],
  ["and by that of IPv6", { host: "[::1]:3457" }, 200],
  [
    "a foreign Host, with a secret",
    { path: "/webhook/closed", host: "tunnel.example", headers: [["X-Webhook-Secret", "s"]] },
    200
  ],
  ["an Origin", { headers: [["Origin", "https://evil.example"]] }, 403],
  ["an Origin of null", { headers: [["Origin", "null"]] }, 403],
  ["an Origin of its own", { headers: [["Origin", "http://127.0.0.1:3457"]] }, 403],
  ["a page of this machine", { headers: [["Sec-Fetch-Site", "same-site"]] }, 403],
  [
    "an Origin, with a secret",
    {
      path: "/webhook/closed",
      headers: [
        ["X-Webhook-Secret", "s"],
        ["Origin", "null"]
      ]
    },
    403
  ],
  ["two content types", { headers: [["Content-Type", "text/plain"]] }, 400],
  ["two lengths", { headers: [["Content-Length", "2"]] }, 400],
  ["two lengths that differ", { headers: [["Content-Length", "3"]] }, 400],
  ["a length and chunks", { headers: [["Transfer-Encoding", "chunked"]] }, 400],
  ["a length below zero", "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n{}", 400],
  ["a length that is no number", "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nContent-Length: 0x2\r\n\r\n{}", 400],
  [
    "a folded header",
    "POST /webhook/hook HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    [400, 415, 421]
  ],
  ["a header with a space before its colon", "POST /webhook/hook HTTP/1.1\r\nHost : a\r\n\r\n", 400],
  ["a head of 20 KB", { headers: [["X-Long", "a".repeat(20_000)]] }, 431],
  ["a secret of 15 KB", { path: "/webhook/closed", headers: [["X-Webhook-Secret", "a".repeat(15_000)]] }, 401]
]

const bodies: ReadonlyArray<Case> = [
  ["text", { type: "text/plain" }, 415],
  ["a form, as GitHub's default is", { type: "application/x-www-form-urlencoded", body: "payload=%7B%7D" }, 415],
  ["no type", { type: null }, 415],
  ["another charset", { type: "application/json; charset=utf-16" }, 415],
  ["UTF-8, said so", { type: 'application/json; charset="UTF-8"' }, 200],
  ["JSON of a kind", { type: "application/cloudevents+json" }, 200],
  ["gzip", { headers: [["Content-Encoding", "gzip"]], body: Buffer.from([0x1f, 0x8b]) }, 415],
  ["none", { body: "" }, 200],
  ["none, and no type", { body: "", type: null }, 200],
  ["a space", { body: " " }, 400],
  ["no JSON", { body: "ref=main" }, 400],
  ["half of it", { body: '{"a":' }, 400],
  ["null", { body: "null" }, 400],
  ["a text", { body: '"x"' }, 400],
  ["a number", { body: "7" }, 400],
  ["a list", { body: "[1]" }, 400],
  ["two objects", { body: "{}{}" }, 400],
  ["a byte order mark", { body: "\ufeff{}" }, 400],
  ["no UTF-8", { body: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]) }, 400],
  ["nested 65 deep", { body: `${'{"a":'.repeat(65)}1${"}".repeat(65)}` }, 400],
  ["nested 64 deep", { body: `${'{"a":'.repeat(64)}1${"}".repeat(64)}` }, 200],
  ["nested 100,000 deep", { body: `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}` }, 400],
  [
    "names that every object has",
    { body: '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}},"toString":1}' },
    200
  ],
  ["a lone surrogate", { body: '{"a":"\\ud800"}' }, 200],
  ["as long as it may be", { body: `{"a":"${"x".repeat(MiB - 8)}"}` }, 200],
  ["a byte longer", { body: `{"a":"${"x".repeat(MiB - 7)}"}` }, 413],
  [
    "a gigabyte, it says",
    "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{",
    413
  ],
  [
    "a gigabyte, it asks",
    "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 1073741824\r\n\r\n",
    413
  ],
  [
    "a chunk that is none",
    "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    400
  ],
  [
    "in chunks",
    "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    200
  ],
  [
    "less than it says, and no more",
    "POST /webhook/hook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{}",
    [0, 400]
  ]
]

const all = (cases: ReadonlyArray<Case>) => (opened: Opened & { readonly port: number }) =>
  Effect.gen(function* () {
    for (const [what, request, status] of cases) {
      const runs = opened.calls.length
      const answer = yield* sent(opened.port, request)
      const expected = Array.isArray(status) ? status : [status]
      assert.include(expected, answer.status, `${what}: ${answer.text}`)
      assert.strictEqual(opened.calls.length - runs, answer.status === 200 ? 1 : 0, what)
      if (answer.status >= 400) {
        assert.isString(answer.body.error, what)
        assert.notMatch(answer.text, /at .*\.ts|node:|Error:/, what)
      }
      assert.isFalse([...answer.headers.keys()].some((name) => name.startsWith("access-control-")))
    }
    yield* isWell(opened)
    assert.strictEqual(({} as { isAdmin?: boolean }).isAdmin, undefined)
  })

describe("what is no webhook is answered with why, and runs nothing:", () => {
  for (const [name, cases] of Object.entries({ targets, verbs, heads, bodies })) {
    it.live(name, () => Effect.scoped(Effect.flatMap(opened, all(cases))))
  }

  it.live("many requests in one write are answered one by one, in order", () =>
    Effect.gen(function* () {
      const { calls, port } = yield* opened
      const many = Buffer.concat(Array.from({ length: 50 }, (_, n) => request({ body: `{"n":${n}}` })))
      const last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
      const text = yield* Effect.promise(() => readAll(port, Buffer.concat([many, Buffer.from(last)])))
      assert.deepStrictEqual(
        [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
        [...Array.from({ length: 50 }, () => "200"), "404"]
      )
      assert.lengthOf(calls, 50)
    }).pipe(Effect.scoped)
  )

  it.live("a sender that has closed its side is answered, and hung up on then", () =>
    Effect.gen(function* () {
      const { calls, port } = yield* opened
      const two = Buffer.concat([request({ body: '{"n":1}' }), request({ path: "/webhook/nosuch" })])
      const text = yield* Effect.promise(() => readAll(port, two, true))
      assert.deepStrictEqual(
        [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
        ["200", "404"]
      )
      assert.lengthOf(calls, 1)
      // Also in the middle of a request, and where it never sent any.
      assert.strictEqual(yield* Effect.promise(() => readAll(port, Buffer.alloc(0), true)), "")
      assert.match(yield* Effect.promise(() => readAll(port, Buffer.from("POST /webh"), true)), /^HTTP\/1\.1 400 /)
    }).pipe(Effect.scoped)
  )

  it.live("a sender that has had its share of the minute is told when to come again, and others are not", () =>
    Effect.gen(function* () {
      const opened = yield* open({ settings: { perMinuteCount: 3, trustForwardedFor: true } })
      yield* opened.rpc["webhooks.allow"]({ method: method("hook"), scheme: "none" })
      const port = yield* listening(opened)
      for (const status of [200, 404, 200, 429, 429]) {
        const answer = yield* sent(port, { path: status === 404 ? "/x" : "/webhook/hook" })
        assert.strictEqual(answer.status, status)
        if (status === 429) assert.isAtLeast(Number(answer.headers.get("retry-after")), 1)
      }
      const other = yield* sent(port, { headers: [["X-Forwarded-For", "6.6.6.6, 10.1.2.3"]] })
      assert.strictEqual(other.status, 200)
      const { deliveries } = yield* opened.rpc["webhooks.deliveries"]({})
      assert.strictEqual(
        (yield* opened.rpc["webhooks.show"]({ delivery: deliveries[0]!.delivery })).address,
        "10.1.2.3"
      )
    }).pipe(Effect.scoped)
  )
})

const readAll = (port: number, bytes: Buffer, halfCloses = false): Promise<string> =>
  new Promise((done) => {
    let text = ""
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: halfCloses }, () => {
      if (halfCloses) socket.end(bytes)
      else socket.write(bytes)
    })
    if (halfCloses) socket.on("end", () => socket.destroy())
    socket.on("data", (chunk) => (text += chunk.toString()))
    socket.on("close", () => done(text))
    socket.on("error", () => done(text))
  })
