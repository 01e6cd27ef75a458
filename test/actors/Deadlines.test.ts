import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Deadlines } from "../../src/actors/Deadlines.ts"

describe("deadlines", () => {
  it("come earliest first, and only when they have come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), fc.nat(60), (instants, now) => {
        const deadlines = new Deadlines()
        for (const [index, at] of instants.entries()) deadlines.add(at, `${at} ${index}`)
        const taken: Array<number> = []
        for (let key = deadlines.take(now); key !== undefined; key = deadlines.take(now)) taken.push(parseInt(key))
        const sorted = instants.toSorted((a, b) => a - b)
        assert.deepStrictEqual(
          taken,
          sorted.filter((at) => at <= now)
        )
        assert.strictEqual(
          deadlines.next,
          sorted.find((at) => at > now)
        )
      })
    )
  })
})
