import * as fc from "fast-check"
import { expect, it } from "vitest"
import { type Kept, Window } from "../../src/channels/Window.ts"

const entry = (position: number, bytes: number): Kept => ({ position, bytes, since: position })

/** What happens to a window: so many are appended, it is trimmed to so many, it is halved. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 40 }) }),
    fc.record({
      do: fc.constant("trim" as const),
      events: fc.nat(60),
      bytes: fc.nat(400),
      ageMillis: fc.nat(80)
    }),
    fc.record({ do: fc.constant("halve" as const) })
  ),
  { maxLength: 40 }
)

it("a window holds the same as a list from whose front is dropped what is beyond the bounds", () => {
  fc.assert(
    fc.property(steps, fc.nat(20), (all, began) => {
      const window = new Window<Kept>(began)
      let list: ReadonlyArray<Kept> = []
      let dropped = began
      let last = began
      const drop = (isTooMuch: (oldest: Kept) => boolean): boolean => {
        const before = list
        while (list[0] !== undefined && isTooMuch(list[0])) {
          dropped = list[0].position
          list = list.slice(1)
        }
        return list !== before
      }
      const bytesOf = () => list.reduce((sum, { bytes }) => sum + bytes, 0)
      for (const step of all) {
        if (step.do === "append") {
          for (let at = 0; at < step.count; at++) {
            last += 1 + (at % 3)
            const next = entry(last, at % 17)
            window.append(next)
            list = [...list, next]
          }
        } else if (step.do === "trim") {
          const { ageMillis, bytes, events } = step
          const changed = drop(({ since }) => list.length > events || bytesOf() > bytes || last - since > ageMillis)
          expect(window.trim({ keep: "memory", ageMillis, bytes, events }, last)).toBe(changed)
        } else {
          const left = Math.floor(list.length / 2)
          drop(() => list.length > left)
          window.halve()
        }
        expect([window.size, window.bytes, window.dropped]).toEqual([list.length, bytesOf(), dropped])
        const middle = list[Math.floor(list.length / 2)]?.position ?? last
        expect(window.after(middle - 1, 5)).toEqual(list.filter(({ position }) => position >= middle).slice(0, 5))
        expect(window.after(began - 1, Infinity)).toEqual(list)
      }
    }),
    { numRuns: 300 }
  )
})
