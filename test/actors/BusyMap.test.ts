import * as fc from "fast-check"
import { expect, it } from "vitest"
import { BusyMap } from "../../src/actors/BusyMap.ts"

const key = fc.nat(30)
const step = fc.oneof(
  fc.record({ do: fc.constant("set" as const), key, value: fc.nat() }),
  fc.record({ do: fc.constant("delete" as const), key })
)

it("a busy map holds what a map does, however often its table is made anew", () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 900, maxLength: 1000 }), (steps) => {
      const busy = new BusyMap<number, number>()
      const map = new Map<number, number>()
      for (const each of steps) {
        if (each.do === "set") {
          busy.set(each.key, each.value)
          map.set(each.key, each.value)
        } else expect(busy.delete(each.key)).toBe(map.delete(each.key))
        expect([busy.size, busy.has(each.key), busy.get(each.key)]).toEqual([
          map.size,
          map.has(each.key),
          map.get(each.key)
        ])
      }
      expect([...busy]).toEqual([...map])
    }),
    { numRuns: 5 }
  )
})
