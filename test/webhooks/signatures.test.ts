import { assert, describe, it } from "vitest"
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign as signWith } from "node:crypto"
import type { WebhookScheme } from "../../src/protocol/webhooks.ts"
import { withoutSecrets } from "../../src/webhooks/headers.ts"
import { headersOf } from "../../src/wire/http/headers.ts"
import { keysOf } from "../../src/webhooks/routes.ts"
import { keyOf, newSecret, signedHeaders, verify } from "../../src/webhooks/signatures/schemes.ts"
import type { Key, Verdict } from "../../src/webhooks/signatures/verdict.ts"
import { hmac } from "./support.ts"

const keys = (scheme: WebhookScheme, ...secrets: ReadonlyArray<string>): ReadonlyArray<Key> => {
  const found = keysOf(scheme, secrets)
  if (typeof found === "string") throw new Error(found)
  return found
}

const check = (
  scheme: WebhookScheme,
  secrets: ReadonlyArray<string>,
  headers: Readonly<Record<string, string>>,
  body: string,
  nowSeconds: number
): Verdict =>
  verify(scheme, {
    headers: headersOf(Object.entries(headers).flat()),
    body: Buffer.from(body),
    keys: keys(scheme, ...secrets),
    nowMillis: nowSeconds * 1000,
    toleranceMillis: 300_000
  })

describe("the vectors that senders publish", () => {
  it("GitHub: the example of its documentation", () => {
    const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    const headers = { "X-Hub-Signature-256": signature, "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958" }
    const secret = "It's a Secret to Everybody"
    assert.deepStrictEqual(check("github", [secret], headers, "Hello, World!", 0), {
      ok: true,
      id: "72d3162e-cc78-11e3-81ab-4c9367dc0958"
    })
    assert.isFalse(check("github", [secret], headers, "Hello, World", 0).ok)
    assert.isFalse(check("github", ["It's a secret to Everybody"], headers, "Hello, World!", 0).ok)
  })

  it("Stripe: the event of its libraries' tests, and a v0 beside it", () => {
    const headers = {
      "Stripe-Signature":
        "t=1533204620,v1=82216eca827bcb7b34b8055eb2d2d9e6bc13b9ac39ded14a61e69f70c565f53a,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef"
    }
    assert.isTrue(check("stripe", ["webhook_secret"], headers, stripeEvent, 1533204620).ok)
    assert.isTrue(check("stripe", ["webhook_secret"], headers, stripeEvent, 1533204620 + 300).ok)
    assert.deepInclude(check("stripe", ["webhook_secret"], headers, stripeEvent, 1533204620 + 301), { status: 401 })
    assert.deepInclude(check("stripe", ["webhook_secret"], headers, stripeEvent, 1533204620 - 301), { status: 401 })
  })

  it("Standard Webhooks: the message of the specification's libraries", () => {
    const headers = {
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    }
    const body = '{"test": 2432232314}'
    for (const secret of ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]) {
      assert.deepStrictEqual(check("standard", [secret], headers, body, 1614265330), {
        ok: true,
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek"
      })
    }
    const listed = {
      ...headers,
      "webhook-signature": `v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,aW52YWxpZA== ${headers["webhook-signature"]}`
    }
    assert.isTrue(check("standard", ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], listed, body, 1614265330).ok)
  })

  it("ed25519: a signature of RFC 8032, and v1a of Standard Webhooks with its key", () => {
    // Test 2 of RFC 8032: the message is one byte, 0x72.
    const publicHex = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    const secretHex = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    const expected =
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    const key = createPrivateKey({
      key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(secretHex, "hex")]),
      format: "der",
      type: "pkcs8"
    })
    assert.strictEqual(signWith(null, Buffer.from("72", "hex"), key).toString("hex"), expected)
    const x = Buffer.from((createPublicKey(key).export({ format: "jwk" }) as { x: string }).x, "base64url")
    assert.strictEqual(x.toString("hex"), publicHex)
    const signature = signWith(null, Buffer.from("msg_1.1700000000.{}"), key).toString("base64")
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": "1700000000",
      "webhook-signature": `v1a,${signature}`
    }
    const secret = `whpk_${x.toString("base64")}`
    assert.isTrue(check("standard", [secret], headers, "{}", 1_700_000_000).ok)
    assert.isFalse(check("standard", [secret], headers, "{ }", 1_700_000_000).ok)
    const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }) as { x: string }
    const foreign = `whpk_${Buffer.from(other.x, "base64url").toString("base64")}`
    assert.isFalse(check("standard", [foreign], headers, "{}", 1_700_000_000).ok)
    // A MAC under the public key, which everybody knows, is no signature.
    const forged = { ...headers, "webhook-signature": `v1,${hmac(x, "msg_1.1700000000.{}", "base64")}` }
    assert.isFalse(check("standard", [secret], forged, "{}", 1_700_000_000).ok)
  })
})

describe("a secret that is changed for another", () => {
  it("both are good for as long as both are there", () => {
    const header = (secret: string) => ({ "X-Hub-Signature-256": `sha256=${hmac(secret, "{}")}` })
    assert.isTrue(check("github", ["new", "old"], header("old"), "{}", 0).ok)
    assert.isTrue(check("github", ["new", "old"], header("new"), "{}", 0).ok)
    assert.isFalse(check("github", ["new"], header("old"), "{}", 0).ok)
  })

  it("a sender that signs with both is heard by who has either", () => {
    const both = { "Stripe-Signature": `t=100,v1=${hmac("old", "100.{}")},v1=${hmac("new", "100.{}")}` }
    for (const secret of ["old", "new"]) assert.isTrue(check("stripe", [secret], both, "{}", 100).ok)
    assert.isFalse(check("stripe", ["other"], both, "{}", 100).ok)
  })
})

describe("secrets", () => {
  it("that can't be one of their scheme are refused with the reason", () => {
    assert.include(keyOf("standard", "whsec_c2hvcnQ="), "24 to 64 bytes")
    assert.include(keyOf("standard", "whsec_!!!!"), "base64")
    assert.include(keyOf("standard", "whsk_abc"), "private")
    assert.include(keyOf("standard", "whpk_c2hvcnQ="), "32 bytes")
    assert.include(keyOf("secret", "käse"), "ASCII")
    assert.include(keyOf("secret", "a\nb"), "ASCII")
  })

  it("that hob makes are good for their scheme, and sign what is then accepted", () => {
    for (const scheme of ["secret", "github", "standard"] as const) {
      const secret = newSecret(scheme)
      const body = Buffer.from('{"a":1}')
      const headers = signedHeaders(scheme, secret, { body, id: "id-1", nowMillis: 5_000_000 })!
      assert.deepStrictEqual(check(scheme, [secret], headers, '{"a":1}', 5000), { ok: true, id: "id-1" })
    }
    const headers = signedHeaders("stripe", "whsec_x", { body: Buffer.from("{}"), id: "i", nowMillis: 5_000_000 })!
    assert.isTrue(check("stripe", ["whsec_x"], headers, "{}", 5000).ok)
  })

  it("never reach a method in its headers", () => {
    const all = headersOf([
      "X-Webhook-Secret",
      "s",
      "authorization",
      "Bearer s",
      "COOKIE",
      "s",
      "X-GitHub-Event",
      "push"
    ])
    assert.deepStrictEqual(Object.keys(withoutSecrets(all)), ["x-github-event"])
  })
})

const stripeEvent = `{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "ii_123",
      "object": "invoiceitem",
      "amount": 1000,
      "currency": "usd",
      "customer": "cus_123",
      "date": 1533204620,
      "description": "Test Invoice Item",
      "discountable": false,
      "invoice": "in_123",
      "livemode": false,
      "metadata": {},
      "period": {
        "start": 1533204620,
        "end": 1533204620
      },
      "proration": false,
      "quantity": 3
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "invoiceitem.created"
}
`
