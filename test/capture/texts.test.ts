import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { makeExcludes } from "../../src/masking/changedPath.ts"
import { cutText, cutWhole, lookedAt } from "../../src/capture/cut.ts"
import { unifiedDiff } from "../../src/capture/diff.ts"
import { valuesIn } from "../../src/masking/envValues.ts"
import { makeSeal } from "../../src/capture/seal.ts"

/** What a diff makes of a text. Throws where it does not fit. */
const apply = (before: string, diff: string): string => {
  const lines = before === "" ? [] : before.match(/[^\n]*\n|[^\n]+$/g)!
  const hunks = diff.split(/^(?=@@ )/m).filter((hunk) => hunk !== "")
  let result = ""
  let at = 0
  for (const hunk of hunks) {
    const [, start, count = "1"] = /^@@ -(\d+)(?:,(\d+))? /.exec(hunk)!
    const from = Number(start) - (count === "0" ? 0 : 1)
    while (at < from) result += lines[at++]!
    const body = hunk.slice(hunk.indexOf("\n") + 1).replaceAll("\n\\ No newline at end of file\n", "\t")
    for (const [line] of body.matchAll(/[^\n\t]*[\n\t]/g)) {
      const [sign, text] = [line[0], line.slice(1).replace("\t", "")]
      if (sign !== "+") {
        if (lines[at++] !== text) throw new Error(`line ${at} is not "${text}"`)
      }
      if (sign !== "-") result += text
    }
  }
  return result + lines.slice(at).join("")
}

const text = fc
  .array(fc.constantFrom("a\n", "b\n", "c\n", "\n", "dd\n"), { maxLength: 40 })
  .chain((lines) => fc.constantFrom("", "end").map((end) => lines.join("") + end))

describe("a diff", () => {
  it("makes the new text of the old one, whatever they are", () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = unifiedDiff(before, after)
        assert.strictEqual(apply(before, diff), after)
        if (before === after) assert.strictEqual(diff, "")
      }),
      { numRuns: 2000 }
    )
  })

  it("is as short as can be, with three lines around", () => {
    const lines = Array.from({ length: 30 }, (_, index) => `${index}\n`)
    const after = lines.with(4, "x\n").toSpliced(20, 1).join("")
    assert.strictEqual(
      unifiedDiff(lines.join(""), after),
      "@@ -2,7 +2,7 @@\n 1\n 2\n 3\n-4\n+x\n 5\n 6\n 7\n@@ -18,7 +18,6 @@\n 17\n 18\n 19\n-20\n 21\n 22\n 23\n"
    )
    assert.strictEqual(unifiedDiff("", "a"), "@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n")
  })

  it("of two large texts that have nothing in common is one of all lines", () => {
    const of = (sign: string) => Array.from({ length: 5000 }, (_, index) => `${sign}${index}\n`).join("")
    const diff = unifiedDiff(of("a"), of("b"))
    assert.strictEqual(apply(of("a"), diff), of("b"))
  })
})

describe("a text that is cut", () => {
  it("fits, is its own beginning, and says how much is missing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.integer({ min: 0, max: 200 }), (whole, limit) => {
        const { cutBytes, text } = cutText(whole, limit)
        if (cutBytes === 0) return assert.strictEqual(text, whole)
        const kept = text.slice(0, text.lastIndexOf("\n[cut: "))
        assert.isTrue(whole.startsWith(kept))
        assert.isAtMost(Buffer.byteLength(kept), limit)
        assert.strictEqual(Buffer.byteLength(whole) - Buffer.byteLength(kept), cutBytes)
        assert.isTrue(text.endsWith(`\n[cut: ${cutBytes} more bytes]`))
      })
    )
  })

  it("counts what nobody looked at", () => {
    const whole = "x".repeat(100_000)
    const { behindBytes, text } = lookedAt(whole, 1000)
    const { cutBytes } = cutWhole(text, behindBytes, 1000)
    assert.strictEqual(cutBytes, 99_000)
    assert.strictEqual(cutWhole("short", 500, 1000).text, "short\n[cut: 500 more bytes]")
  })
})

describe("patterns of excluded files", () => {
  const matches = (pattern: string, path: string) => makeExcludes([pattern])(path)
  it("without / are compared with each name, with / with the whole path", () => {
    assert.isTrue(matches("*.env", ".env"))
    assert.isTrue(matches("*.ENV", "a/b/prod.env"))
    assert.isFalse(matches("*.env", "environment.ts"))
    assert.isTrue(matches("*secret*", "a/mySecrets/b.ts"))
    assert.isTrue(matches("vault/", "a/vault/b.ts"))
    assert.isTrue(matches("config/*.json", "config/a.json"))
    assert.isFalse(matches("config/*.json", "src/config/a.json"))
    assert.isTrue(matches("**/config/*.json", "src/config/a.json"))
    assert.isFalse(matches("a?c", "ac"))
    assert.isTrue(matches("a(b)[c]+", "x/a(b)[c]+"))
    assert.isFalse(makeExcludes([])("a"))
  })
})

describe("the values of a .env file", () => {
  it("are those that look like secrets", () => {
    const values = valuesIn(
      "# a comment\nDB_PASSWORD=hunter2horse9\nDB_PASS=postgres\nX_TOKEN_URL=host1.internal\nPORT=3000\nNODE_ENV=production\nexport A='it is a secret!'\nB=\"x;y;z;12345\"\nURL=https://example.com/a\nC=abcdef0123456789ABCDEF # why\nHOST=db.internal\n"
    )
    assert.deepStrictEqual(values, ["hunter2horse9", "it is a secret!", "x;y;z;12345", "abcdef0123456789ABCDEF"])
  })
})

describe("a seal", () => {
  const key = Buffer.alloc(32, 7)
  it("can be opened with its key, at its place, and is nothing else", () => {
    const sealed = makeSeal(key).close("what was said", "1/1") as Uint8Array
    assert.notInclude(Buffer.from(sealed).toString("latin1"), "said")
    assert.strictEqual(makeSeal(key).open(sealed, "1/1"), "what was said")
    assert.isNull(makeSeal(key).open(sealed, "1/2"))
    assert.isNull(makeSeal(Buffer.alloc(32, 8)).open(sealed, "1/1"))
    assert.isNull(makeSeal(null).open(sealed, "1/1"))
    for (let at = 0; at < sealed.length; at++) {
      const flipped = Uint8Array.from(sealed)
      flipped[at]! ^= 1
      assert.isNull(makeSeal(key).open(flipped, "1/1"))
    }
    assert.strictEqual(makeSeal(key).open("plain", "1/1"), "plain")
    assert.strictEqual(makeSeal(null).close("plain", "1/1"), "plain")
  })
})
