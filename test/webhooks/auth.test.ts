import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { generateKeyPairSync, sign } from "node:crypto"
import { hmac, listening, method, open, type Post, post } from "./support.ts"

const GITHUB = "It's a Secret to Everybody"
const STRIPE = "whsec_stripe_0123456789"
const STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const STANDARD_OLD = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
const SECRET = "correct horse battery staple"
const keys = generateKeyPairSync("ed25519")
const PUBLIC = `whpk_${Buffer.from((keys.publicKey.export({ format: "jwk" }) as { x: string }).x, "base64url").toString("base64")}`

const now = Math.floor(Date.now() / 1000)
const body = '{"id":"evt_1","n":1}'
type Pair = readonly [name: string, value: string]

const github = (signature: string): Pair => ["X-Hub-Signature-256", signature]
const right = `sha256=${hmac(GITHUB, body)}`
const stripe = (text: string): Pair => ["Stripe-Signature", text]
const stripeAt = (t: number | string, secret = STRIPE) => hmac(secret, `${t}.${body}`)
const bytesOf = (secret: string) => Buffer.from(secret.replace("whsec_", ""), "base64")
const standardAt = (id: string, t: number | string, secret = STANDARD, text = body) =>
  `v1,${hmac(bytesOf(secret), `${id}.${t}.${text}`, "base64")}`
const standard = (id: string, t: number | string, signature = standardAt(id, t)): ReadonlyArray<Pair> => [
  ["webhook-id", id],
  ["webhook-timestamp", String(t)],
  ["webhook-signature", signature]
]
const asymmetric = (id: string, t: number, text = body) =>
  `v1a,${sign(null, Buffer.from(`${id}.${t}.${text}`), keys.privateKey).toString("base64")}`

type Row = readonly [what: string, path: string, headers: ReadonlyArray<Pair>, status: number, post?: Partial<Post>]

/** Wrong, short, long, in capitals, doubled, old, of the future, of another time: each as a sender might send it. */
const rows: ReadonlyArray<Row> = [
  ["secret: none", "secret", [], 401],
  ["secret: empty", "secret", [["X-Webhook-Secret", ""]], 401],
  ["secret: wrong", "secret", [["X-Webhook-Secret", "wrong"]], 401],
  ["secret: short", "secret", [["X-Webhook-Secret", SECRET.slice(0, -1)]], 401],
  ["secret: long", "secret", [["X-Webhook-Secret", `${SECRET}e`]], 401],
  ["secret: in capitals", "secret", [["X-Webhook-Secret", SECRET.toUpperCase()]], 401],
  [
    "secret: twice, both right",
    "secret",
    [
      ["X-Webhook-Secret", SECRET],
      ["X-Webhook-Secret", SECRET]
    ],
    400
  ],
  [
    "secret: twice, right and wrong",
    "secret",
    [
      ["X-Webhook-Secret", SECRET],
      ["x-webhook-secret", "w"]
    ],
    400
  ],
  ["secret: as a bearer", "secret", [["Authorization", `Bearer ${SECRET}`]], 401],
  ["secret: in the query", "secret?secret=correct", [], 401],
  ["secret: a signature in its place", "secret", [github(right)], 401],
  ["secret: that of another webhook", "secret", [["X-Webhook-Secret", GITHUB]], 401],
  ["secret: right", "secret", [["X-Webhook-Secret", SECRET]], 200],
  ["secret: right, the header in capitals", "secret", [["X-WEBHOOK-SECRET", SECRET]], 200],
  ["github: none", "github", [], 401],
  ["github: empty", "github", [github("")], 400],
  ["github: wrong", "github", [github(`sha256=${hmac("wrong", body)}`)], 401],
  ["github: of another body", "github", [github(`sha256=${hmac(GITHUB, `${body} `)}`)], 401],
  ["github: short", "github", [github(right.slice(0, -1))], 400],
  ["github: half", "github", [github(right.slice(0, 39))], 400],
  ["github: long", "github", [github(`${right}0`)], 400],
  ["github: in capitals", "github", [github(`sha256=${hmac(GITHUB, body).toUpperCase()}`)], 400],
  ["github: the algorithm in capitals", "github", [github(right.replace("sha256", "SHA256"))], 400],
  ["github: without the algorithm", "github", [github(right.slice(7))], 400],
  ["github: no digits", "github", [github(`sha256=${"z".repeat(64)}`)], 400],
  ["github: zeros", "github", [github(`sha256=${"0".repeat(64)}`)], 401],
  ["github: twice", "github", [github(right), github(right)], 400],
  ["github: right and wrong in one", "github", [github(`${right}, sha256=${"0".repeat(64)}`)], 400],
  ["github: the old algorithm alone", "github", [["X-Hub-Signature", right]], 401],
  ["github: the secret itself", "github", [["X-Webhook-Secret", GITHUB]], 401],
  [
    "github: two names of the delivery",
    "github",
    [github(right), ["X-GitHub-Delivery", "a"], ["X-GitHub-Delivery", "b"]],
    400
  ],
  ["github: a name with spaces", "github", [github(right), ["X-GitHub-Delivery", "a b"]], 400],
  ["github: right", "github", [github(right)], 200],
  ["github: an earlier secret that is still good", "github", [github(`sha256=${hmac("earlier", body)}`)], 200],
  ["stripe: none", "stripe", [], 401],
  ["stripe: wrong", "stripe", [stripe(`t=${now},v1=${stripeAt(now, "wrong")}`)], 401],
  ["stripe: old", "stripe", [stripe(`t=${now - 400},v1=${stripeAt(now - 400)}`)], 401],
  ["stripe: of the future", "stripe", [stripe(`t=${now + 400},v1=${stripeAt(now + 400)}`)], 401],
  ["stripe: the time changed", "stripe", [stripe(`t=${now},v1=${stripeAt(now - 400)}`)], 401],
  ["stripe: no time", "stripe", [stripe(`v1=${stripeAt(now)}`)], 400],
  ["stripe: two times", "stripe", [stripe(`t=${now},t=${now},v1=${stripeAt(now)}`)], 400],
  ["stripe: a time with a fraction", "stripe", [stripe(`t=${now}.5,v1=${stripeAt(`${now}.5`)}`)], 400],
  ["stripe: a time below zero", "stripe", [stripe(`t=-1,v1=${stripeAt("-1")}`)], 400],
  ["stripe: a time that is no number", "stripe", [stripe(`t=NaN,v1=${stripeAt("NaN")}`)], 400],
  ["stripe: v0 alone", "stripe", [stripe(`t=${now},v0=${stripeAt(now)}`)], 400],
  ["stripe: short", "stripe", [stripe(`t=${now},v1=${stripeAt(now).slice(1)}`)], 400],
  ["stripe: in capitals", "stripe", [stripe(`t=${now},v1=${stripeAt(now).toUpperCase()}`)], 400],
  ["stripe: twice", "stripe", [stripe(`t=${now},v1=${stripeAt(now)}`), stripe(`t=${now},v1=${stripeAt(now)}`)], 400],
  ["stripe: seventeen", "stripe", [stripe(`t=${now}${`,v1=${stripeAt(now)}`.repeat(17)}`)], 400],
  ["stripe: right", "stripe", [stripe(`t=${now},v1=${stripeAt(now)}`)], 200],
  [
    "stripe: wrong and right, as while a secret is changed",
    "stripe",
    [stripe(`t=${now - 9},v1=${stripeAt(now - 9, "w")},v1=${stripeAt(now - 9)}`)],
    200
  ],
  ["standard: none", "standard", [], 401],
  ["standard: wrong", "standard", standard("m", now, standardAt("m", now, STANDARD.replace("M", "N"))), 401],
  ["standard: old", "standard", standard("m", now - 400), 401],
  ["standard: of the future", "standard", standard("m", now + 400), 401],
  ["standard: another id", "standard", standard("n", now, standardAt("m", now)), 401],
  ["standard: another time", "standard", standard("m", now, standardAt("m", now - 1)), 401],
  ["standard: no id", "standard", standard("m", now).slice(1), 400],
  ["standard: no time", "standard", standard("m", now).toSpliced(1, 1), 400],
  ["standard: a time with a fraction", "standard", standard("m", `${now}.5`), 400],
  ["standard: no version", "standard", standard("m", now, standardAt("m", now).slice(3)), 400],
  ["standard: another version alone", "standard", standard("m", now, standardAt("m", now).replace("v1", "v2")), 400],
  ["standard: short", "standard", standard("m", now, standardAt("m", now).slice(0, -5)), 401],
  ["standard: no padding", "standard", standard("m", now, standardAt("m", now).replace("=", "")), 401],
  ["standard: no base64", "standard", standard("m", now, `v1,${"!".repeat(44)}`), 401],
  ["standard: twice", "standard", [...standard("m", now), ["webhook-signature", standardAt("m", now)]], 400],
  ["standard: two ids", "standard", [...standard("m", now), ["webhook-id", "m"]], 400],
  ["standard: seventeen", "standard", standard("m", now, `${standardAt("m", now)} `.repeat(17).trim()), 400],
  ["standard: right", "standard", standard("m1", now), 200],
  ["standard: wrong and right", "standard", standard("m2", now, `v1,AAAA ${standardAt("m2", now)}`), 200],
  [
    "standard: an earlier secret that is still good",
    "standard",
    standard("m3", now, standardAt("m3", now, STANDARD_OLD)),
    200
  ],
  ["ed25519: wrong", "public", standard("m", now, asymmetric("m", now, "{}")), 401],
  [
    "ed25519: a MAC under the public key",
    "public",
    standard("m", now, `v1,${hmac(Buffer.from(PUBLIC.slice(5), "base64"), `m.${now}.${body}`, "base64")}`),
    401
  ],
  ["ed25519: old", "public", standard("m", now - 400, asymmetric("m", now - 400)), 401],
  ["ed25519: right", "public", standard("m", now, asymmetric("m", now)), 200]
]

describe("who a sender is", () => {
  it.live("is known before anything is run, or put on record", () =>
    Effect.gen(function* () {
      const opened = yield* open()
      const { calls, rpc } = opened
      const allow = rpc["webhooks.allow"]
      yield* allow({ method: method("secret"), scheme: "secret", secrets: [SECRET] })
      yield* allow({ method: method("github"), scheme: "github", secrets: [GITHUB, "earlier"] })
      yield* allow({ method: method("stripe"), scheme: "stripe", secrets: [STRIPE] })
      yield* allow({ method: method("standard"), scheme: "standard", secrets: [STANDARD, STANDARD_OLD] })
      yield* allow({ method: method("public"), scheme: "standard", secrets: [PUBLIC] })
      const port = yield* listening(opened)
      assert.isAtLeast(rows.length, 60)
      let accepted = 0
      for (const [what, path, headers, status, more] of rows) {
        const answer = yield* Effect.promise(() => post(port, { path: `/webhook/${path}`, headers, body, ...more }))
        assert.strictEqual(answer.status, status, `${what}: ${answer.text}`)
        // The second of Stripe's is the same event again.
        if (status === 200 && !what.startsWith("stripe: wrong and right")) accepted++
        assert.strictEqual(calls.length, accepted, what)
        for (const secret of [SECRET, GITHUB, STRIPE, STANDARD, hmac(GITHUB, body)]) {
          assert.notInclude(answer.text, secret)
          assert.notInclude(JSON.stringify(calls), secret)
        }
      }
      const { deliveries } = yield* rpc["webhooks.deliveries"]({})
      assert.lengthOf(deliveries, calls.length)
      const { webhooks } = yield* rpc["webhooks.list"]({})
      const said = JSON.stringify([webhooks, deliveries])
      for (const secret of [SECRET, GITHUB, STRIPE, STANDARD]) assert.notInclude(said, secret)
      const refused = rows.filter(([, path, , status]) => path === "github" && status >= 400).length
      const github = webhooks.find((webhook) => webhook.method === "github")!
      assert.strictEqual(github.refused, refused)
      assert.deepInclude(github.lastRefusal, { status: 400 })
    }).pipe(Effect.scoped)
  )
})
