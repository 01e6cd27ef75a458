import { Option, Schema } from "effect"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { acquiredText, announcedText, readPlainAcquire, readPlainRelease } from "../../src/locks/plain.ts"
import { Acquire, Acquired, type LockEvent, Release } from "../../src/protocol/locks.ts"

const word = fc.oneof(
  fc.constantFrom("a", "a:b", "", "a::b", ":a", "*", "a:**", "ä:ß", "x\u0000", "__proto__"),
  fc.string()
)
const odd = fc.constantFrom<unknown>(null, true, {}, [], "5", "", "lease")
const number = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(100, 1000, 86_400_000) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0, 1, 99, 86_400_001, 0.5, 1e15, 1e300, -1) },
  { weight: 1, arbitrary: fc.double({ noNaN: true }) }
)
const maybe = <A>(arbitrary: fc.Arbitrary<A>) =>
  fc.option(fc.oneof({ weight: 8, arbitrary }, { weight: 1, arbitrary: odd }), { nil: undefined, freq: 2 })
const params = fc.record({
  name: word,
  holder: fc.oneof(word, odd),
  ttlMillis: maybe(number),
  waitMillis: maybe(number),
  token: maybe(number),
  bind: maybe(fc.constantFrom("lease", "connection")),
  namespace: fc.option(word, { nil: undefined, freq: 1 }),
  unknown: maybe(word)
})

const decodeAcquire = Schema.decodeUnknownOption(Acquire.payloadSchema)
const decodeRelease = Schema.decodeUnknownOption(Release.payloadSchema)
const encodeAcquired = Schema.encodeSync(Acquired)

describe("requests that are read without their schemas", () => {
  it("are what the schemas make of them, and whatever these refuse is left to them", () => {
    let read = 0
    fc.assert(
      fc.property(params, (value) => {
        const text = JSON.stringify(value)
        const acquire = readPlainAcquire(text)?.payload
        if (acquire !== undefined) {
          read++
          const wanted = Option.getOrThrow(decodeAcquire(JSON.parse(text)))
          assert.deepStrictEqual({ bind: "lease", waitMillis: 0, ...wanted }, { bind: "lease", ...acquire })
        }
        const release = readPlainRelease(text)?.payload
        if (release !== undefined) {
          assert.deepStrictEqual(Option.getOrThrow(decodeRelease(JSON.parse(text))), { ...release })
        }
      }),
      { numRuns: 3000 }
    )
    assert.isAbove(read, 100)
  })

  it("the usual ones are", () => {
    const name = "deploy:web"
    assert.deepStrictEqual(readPlainAcquire('{"name":"deploy:web","holder":"ada","ttlMillis":5000}')?.payload, {
      name,
      holder: "ada",
      ttlMillis: 5000,
      waitMillis: 0
    } as never)
    assert.deepStrictEqual(readPlainRelease('{"holder":"ada","name":"deploy:web","token":7}')?.payload, {
      name,
      holder: "ada",
      token: 7
    } as never)
  })

  it("in whatever spelling, are read as JSON reads them, or not at all", () => {
    const piece = fc.constantFrom(
      '{"name":"a"',
      ',"holder":"b"',
      ',"ttlMillis":1000',
      ',"ttlMillis":2000',
      ',"waitMillis":0',
      ',"token":7',
      ',"token":07',
      ',"token":9007199254740993',
      ',"other":1',
      ",",
      " ",
      "}",
      '"'
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 5 }), (pieces) => {
        const text = `{"name":"a","holder":"b"${pieces.join("")}}`
        for (const [read, decode] of [
          [readPlainAcquire, decodeAcquire],
          [readPlainRelease, decodeRelease]
        ] as const) {
          const plain = read(text)?.payload
          if (plain === undefined) continue
          const { waitMillis, ...wanted } = Option.getOrThrow(decode(JSON.parse(text))) as Record<string, unknown>
          const { waitMillis: waits, ...got } = plain as unknown as Record<string, unknown>
          assert.deepStrictEqual([got, waits ?? 0], [wanted, waitMillis ?? 0], text)
        }
      }),
      { numRuns: 3000 }
    )
  })

  it("what is no JSON, or no object, is left to the schemas", () => {
    for (const text of ["", "{", "null", "[]", '"a"', "1", '{"name":"a","holder":"b"'])
      for (const read of [readPlainAcquire, readPlainRelease]) assert.isUndefined(read(text))
  })

  it("what is announced is the event without its namespace", () => {
    const token = 7 as LockEvent["token"]
    const who = { name: 'say "hi"' as LockEvent["name"], holder: "ä\\" as LockEvent["holder"], token }
    const events: ReadonlyArray<Omit<LockEvent, "namespace">> = [
      { event: "acquired", ...who, ttlMillis: 100 },
      { event: "released", ...who, reason: "disconnected" },
      { event: "expired", ...who }
    ]
    for (const event of events) {
      assert.strictEqual(
        announcedText({ namespace: "default" as LockEvent["namespace"], ...event }),
        JSON.stringify(event)
      )
    }
  })

  it("answers are as the schema writes them", () => {
    fc.assert(
      fc.property(
        fc.record({
          name: fc.constantFrom("a", 'say "hi"\\', "ä:\u2028"),
          holder: fc.string({ minLength: 1, maxLength: 20 }).filter((text) => !/\p{Cc}/u.test(text)),
          token: fc.integer({ min: 1 }),
          ttlMillis: fc.nat(),
          expiresAt: fc.constant("2026-01-01T00:00:00.000Z"),
          renewed: fc.boolean(),
          waitedMillis: fc.nat(),
          bound: fc.boolean()
        }),
        ({ bound, ...rest }) => {
          const acquired = {
            ...rest,
            ...(bound ? { secret: "0f1e2d3c4b5a69788796a5b4c3d2e1f0", resumeMillis: 10_000 } : {})
          } as unknown as Acquired
          assert.deepStrictEqual(JSON.parse(acquiredText(acquired)), encodeAcquired(acquired))
        }
      )
    )
  })
})
