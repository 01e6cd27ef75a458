import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { covers, isName, matches, overlap, PatternIndex } from "../../src/channels/patterns.ts"
import { ChannelName, ChannelPattern, isReserved } from "../../src/protocol/channelNames.ts"

const isChannelName = (text: string) => Option.isSome(Schema.decodeUnknownOption(ChannelName)(text))
const isPattern = (text: string) => Option.isSome(Schema.decodeUnknownOption(ChannelPattern)(text))

const segment = fc.constantFrom("a", "b", "c", "a*", "é", "a b")
const names = fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join(":"))
const patterns = fc
  .tuple(fc.array(fc.oneof(segment, fc.constant("*")), { maxLength: 4 }), fc.constantFrom([], ["**"], ["a"]))
  .map(([first, last]) => [...first, ...last].join(":"))
  .filter((pattern) => pattern !== "")

/** The same as a regular expression: what a newcomer would write. */
const naive = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split(":")
      .map((part) =>
        part === "**" ? ".+" : part === "*" ? "[^:]+" : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
      )
      .join(":")}$`
  )

describe("a pattern", () => {
  it("matches as its definition says: * one segment, ** the rest", () => {
    assert.isTrue(matches("a:*", "a:b"))
    assert.isFalse(matches("a:*", "a:b:c"))
    assert.isFalse(matches("a:*", "a"))
    assert.isTrue(matches("a:**", "a:b:c"))
    assert.isFalse(matches("a:**", "a"))
    assert.isTrue(matches("**", "a"))
    assert.isFalse(matches("a*", "ab"))
    fc.assert(
      fc.property(patterns, names, (pattern, name) => matches(pattern, name) === naive(pattern).test(name)),
      { numRuns: 10_000 }
    )
  })

  it("is found by a name it matches, among others, until it is taken out", () => {
    fc.assert(
      fc.property(fc.array(patterns, { maxLength: 8 }), names, fc.nat(), (all, name, chosen) => {
        const index = new PatternIndex<number>()
        for (const [at, pattern] of all.entries()) index.add(pattern, at)
        const gone = chosen % (all.length + 1)
        if (gone < all.length) index.delete(all[gone]!, gone)
        const expected = all.flatMap((pattern, at) => (at !== gone && matches(pattern, name) ? [at] : []))
        assert.sameMembers([...index.find(name)], expected)
      }),
      { numRuns: 3000 }
    )
  })

  it("covers another one when it matches all that the other one matches, and overlaps it when some", () => {
    fc.assert(
      fc.property(patterns, patterns, fc.array(names, { minLength: 50, maxLength: 50 }), (one, other, some) => {
        for (const name of some) {
          if (covers(one, other) && matches(other, name)) assert.isTrue(matches(one, name), name)
          if (matches(one, name) && matches(other, name)) assert.isTrue(overlap(one, other), name)
        }
        if (isName(other)) assert.strictEqual(covers(one, other), matches(one, other))
      }),
      { numRuns: 1000 }
    )
  })
})

describe("a name", () => {
  it("is one to 512 bytes in segments that aren't empty, and no pattern", () => {
    for (const name of ["a", "a:b", "board:my board", "é:\u{1F600}", "a*b", "x".repeat(512), "é".repeat(256)]) {
      assert.isTrue(isChannelName(name), name)
      assert.isTrue(isPattern(name), name)
    }
    for (const wrong of ["", ":", "a:", ":a", "a::b", "a\nb", "a\0", "\u0085", "\ud800", "x".repeat(513)]) {
      assert.isFalse(isChannelName(wrong), JSON.stringify(wrong.slice(0, 9)))
      assert.isFalse(isPattern(wrong), JSON.stringify(wrong.slice(0, 9)))
    }
    assert.isFalse(isChannelName("é".repeat(257)))
    assert.isFalse(isChannelName("x".repeat(10_000)))
    for (const pattern of ["*", "a:*", "*:b", "**", "a:**"]) {
      assert.isFalse(isChannelName(pattern), pattern)
      assert.isTrue(isPattern(pattern), pattern)
    }
    for (const wrong of ["**:a", "a:**:b", "**:**"]) assert.isFalse(isPattern(wrong), wrong)
  })

  it("is hob's own when its first segment is", () => {
    for (const name of ["locks", "locks:a", "sessions:x:y", "machine:z"]) assert.isTrue(isReserved(name), name)
    for (const name of ["lock", "locksmith:a", "a:locks", "Locks:a"]) assert.isFalse(isReserved(name), name)
  })
})
