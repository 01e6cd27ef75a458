import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { findValues } from "../../src/masking/knownValues.ts"
import { makeMask } from "../../src/masking/mask.ts"
import { examples } from "./secrets.ts"

const mask = makeMask()

/** The longest part of a secret that is still there: it may begin as its kind is called. */
const left = (secret: string, all: string): string => {
  const text = all.replace(/\[masked: [a-z ]+\]/g, "*")
  for (let length = secret.length; length >= 6; length--) {
    for (let at = 0; at + length <= secret.length; at++) {
      const part = secret.slice(at, at + length)
      if (text.includes(part)) return part
    }
  }
  return ""
}

describe("a mask", () => {
  it("knows at least fifty kinds of secrets", () => assert.isAtLeast(examples.length, 50))

  for (const { name, secret, text } of examples) {
    it(`leaves nothing of: ${name}`, () => {
      for (const written of [
        text,
        `Please look at this:\n\n${text}\n\nand fix it.`,
        `+${text}`,
        `-${text}`,
        JSON.stringify({ text })
      ]) {
        const masked = mask(written)
        assert.isAtLeast(masked.count, 1)
        const wanted = written === JSON.stringify({ text }) ? JSON.stringify(secret).slice(1, -1) : secret
        // Lines of a key begin all alike.
        const rest = left(wanted, masked.text)
        assert.strictEqual(/^(?:-*(?:BEGIN|END)?[A-Z ]*-*)$/.test(rest) ? "" : rest, "", masked.text)
      }
    })
  }

  it("knows in a diff what it knows by itself", () => {
    for (const { name, secret } of examples) {
      if (mask(secret).count === 0) continue
      for (const diff of [`-${secret}`, `+${secret}`, `@@ -1 +1 @@\n-${secret}\n+x\n`, `- ${secret}\n- another one`])
        assert.strictEqual(left(secret, mask(diff).text).length < 12, true, `${name}: ${mask(diff).text}`)
    }
  })

  it("leaves alone what people say and programs are made of", () => {
    const innocent = [
      "Please add a password field to the login form and a token bucket to the rate limiter.",
      "function authenticate(token: string): Promise<Session> { return verify(token) }",
      "const password = req.body.password\nif (!password) throw new Error('password required')",
      "password: string\ntoken?: Token\nsecret: Redacted.Redacted<string>",
      "export const apiKey = process.env.API_KEY",
      "const token = await getToken(user.id)",
      "API_KEY=${API_KEY} TOKEN=$TOKEN make deploy",
      "NODE_ENV=production PORT=3000 node dist/server.js",
      "see src/components/authentication/PasswordResetForm.test.tsx:120",
      "git commit 3f9a2b1c4d5e6f708192a3b4c5d6e7f801234567 and https://example.com/a/very/long/path?with=query&and=more",
      "mkdir -p build2/out && cp -pr a1 b2 && mysql -u root -p shop2",
      "{ password: hashPassword1(input), secret: config.secrets[0], apiKey: string }",
      "password: required, at least 8 characters; <password></password> and <password>${db.password1}</password>",
      "The header X-Api-Key: <key> is missing; x-api-key: required since version 2",
      "[masked: github] was there, and DB_PASSWORD=[masked: value]",
      "The author wrote: author = 'Ada Lovelace'; authority: https://example.com"
    ]
    for (const text of innocent) assert.deepStrictEqual(mask(text), { text, count: 0 })
  })

  it("says what was there, and leaves the rest as it is", () => {
    const token = `gh${"p_"}${"a1B2".repeat(9)}`
    assert.deepStrictEqual(mask(`use ${token}, and not ${token}.`), {
      text: "use [masked: github], and not [masked: github].",
      count: 2
    })
  })

  it("masked twice is masked once", () => {
    for (const { text } of examples) {
      const once = mask(text)
      assert.deepStrictEqual(mask(once.text), { text: once.text, count: 0 })
    }
  })

  it("takes values that are known, wherever they stand, and patterns of one's own", () => {
    const own = makeMask({ patterns: ["acme-(?<secret>[0-9]{4})-key"] })
    assert.strictEqual(own("acme-1234-key or acme-12-key").text, "acme-[masked: pattern]-key or acme-12-key")
    assert.strictEqual(own("say open sesame twice: open sesame", ["open sesame"]).count, 2)
    assert.throws(() => makeMask({ patterns: ["("] }))
  })

  it("finds one of thousands of values as it finds one of a few", () => {
    const unit = fc.constantFrom("a", "b", "ab", "é", "1")
    const value = fc.string({ unit, minLength: 1, maxLength: 14 })
    const places = (values: ReadonlyArray<string>, text: string): ReadonlyArray<boolean> => {
      const covered = Array.from({ length: text.length }, () => false)
      findValues(text, values, (start, end) => covered.fill(true, start, end))
      return covered
    }
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), fc.string({ unit, maxLength: 200 }), (values, text) => {
        const others = Array.from({ length: 100 }, (_, index) => `nowhere to be found ${index}`)
        const naive = Array.from({ length: text.length }, () => false)
        for (const each of values)
          for (let at = text.indexOf(each); at >= 0; at = text.indexOf(each, at + 1))
            naive.fill(true, at, at + each.length)
        // Of a value that overlaps itself the second place may be left to the mask of the first.
        const [few, many] = [places(values, text), places([...values, ...others], text)]
        assert.isTrue(many.every((isCovered, at) => isCovered || !few[at]))
        assert.isTrue(many.every((isCovered, at) => !isCovered || naive[at]))
      })
    )
    const thousands = Array.from({ length: 20_000 }, (_, index) => `s3cret-value-${index}`)
    assert.strictEqual(mask("say s3cret-value-19999, please", thousands).text, "say [masked: value], please")
  })

  it("of any text ends, and takes nothing but secrets away", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        const { count, text: masked } = mask(text)
        if (count === 0) assert.strictEqual(masked, text)
        else assert.include(masked, "[masked: ")
      }),
      { numRuns: 300 }
    )
  })

  it("takes time in proportion to the text, whatever it is", () => {
    const units = [
      "a",
      "token",
      "password=",
      "-----BEGIN PRIVATE KEY-----",
      "eyJ.",
      "https://a:",
      "AKIA",
      '"',
      "secret_",
      "/",
      " ",
      "curl -u "
    ]
    const cpu = (text: string): number => {
      const began = process.cpuUsage()
      mask(text)
      const { system, user } = process.cpuUsage(began)
      return (system + user) / 1000
    }
    for (const unit of units) {
      const thrice = (bytes: number) => [0, 1, 2].map(() => cpu(unit.repeat(Math.ceil(bytes / unit.length))))
      // The whole process is measured: what else it did in that time makes a measure longer, and none shorter.
      const small = Math.max(2, ...thrice(16_384))
      const large = Math.min(...thrice(262_144))
      // Sixteen times the text: a quadratic one would take 256 times as long.
      assert.isBelow(large / small, 100, `"${unit}": ${small} ms, ${large} ms`)
    }
  })
})
