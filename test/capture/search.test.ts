import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { join } from "node:path"
import { TrigramIndex, trigramsOf } from "../../src/capture/search/TrigramIndex.ts"
import { directory, open, repository } from "./support.ts"

describe("a search", () => {
  it.effect("finds what was said and changed, newest first, in all captures or in those of a repository", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      const { add, captures } = yield* open(at)
      const one = yield* captures.create({ tool: "t", cwd: repo })
      const two = yield* captures.create({ tool: "t" })
      for (let count = 0; count < 300; count++) yield* add(two.id, `filler number ${count}`)
      yield* add(one.id, "first line\nPlease add a Login Form here\nlast line")
      yield* captures.addCodeChange({ capture: one.id, path: "src/form.ts", before: "", after: "the login form\n" })
      yield* add(two.id, "a login form, again")
      const found = (request: Parameters<typeof captures.search>[0]) =>
        Effect.map(captures.search(request), ({ matches }) => matches.map(({ line }) => line))
      assert.deepStrictEqual(yield* found({ text: "login form" }), ["a login form, again", "+the login form"])
      assert.deepStrictEqual(yield* found({ text: "LOGIN form", ignoreCase: true, repository: repo }), [
        "+the login form",
        "Please add a Login Form here"
      ])
      assert.deepStrictEqual(yield* found({ text: "src/form" }), ["src/form.ts"])
      assert.deepStrictEqual(yield* found({ text: "zz" }), [])
      assert.lengthOf(yield* found({ text: "r 7" }), 11)
      assert.deepInclude(yield* captures.search({ text: "filler", limit: 5 }), { isCut: true })
      yield* add(two.id, "what came behind the first search")
      assert.lengthOf(yield* found({ text: "came behind" }), 1)
      yield* captures.discard(two.id)
      assert.deepStrictEqual(yield* found({ text: "login form" }), ["+the login form"])
    }).pipe(Effect.scoped)
  )

  it.effect("finds what came in the place of what was discarded", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory)
      const gone = yield* captures.create({ tool: "t" })
      for (let count = 0; count < 200; count++) yield* add(gone.id, `filler number ${count}`)
      assert.lengthOf((yield* captures.search({ text: "number 199" })).matches, 1)
      yield* captures.discard(gone.id)
      const { id } = yield* captures.create({ tool: "t" })
      yield* add(id, "something that nobody had said")
      assert.lengthOf((yield* captures.search({ text: "nobody had" })).matches, 1)
      for (let count = 0; count < 300; count++) yield* add(id, `padding number ${count}`)
      assert.lengthOf((yield* captures.search({ text: "nobody had" })).matches, 1)
    }).pipe(Effect.scoped)
  )

  it.effect("finds what is encrypted, and no secret", () =>
    Effect.gen(function* () {
      const { add, captures } = yield* open(yield* directory, { encrypt: true })
      const { id } = yield* captures.create({ tool: "t" })
      yield* add(id, `sealed words, DB_PASSWORD=correct-horse`)
      assert.lengthOf((yield* captures.search({ text: "sealed words" })).matches, 1)
      assert.lengthOf((yield* captures.search({ text: "correct-horse" })).matches, 0)
    }).pipe(Effect.scoped)
  )
})

describe("the index", () => {
  it("never leaves out a block in which a text stands", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "grapheme", maxLength: 60 }), { maxLength: 20 }),
        fc.nat(19),
        fc.nat(50),
        fc.integer({ min: 1, max: 10 }),
        (texts, which, at, length) => {
          const index = new TrigramIndex()
          for (const [number, text] of texts.entries()) index.add(number, text)
          const part = (texts[which] ?? "").slice(at, at + length)
          if (part !== "") assert.isTrue(index.mayHold(0, trigramsOf(part)))
        }
      )
    )
  })

  it("leaves out nearly all others", () => {
    const index = new TrigramIndex()
    for (let number = 0; number < 6400; number++)
      index.add(number, `entry ${(number * 2654435761).toString(36)} with some words of its own`)
    const blocks = Array.from({ length: 100 }, (_, block) => block)
    const wanted = trigramsOf((4242 * 2654435761).toString(36))
    assert.isBelow(blocks.filter((block) => index.mayHold(block, wanted)).length, 5)
    assert.isTrue(index.mayHold(Math.floor(4242 / 64), wanted))
  })
})
