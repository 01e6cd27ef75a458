import * as fc from "fast-check"
import { describe, it } from "vitest"
import { operation, run } from "./history.ts"

/** `HOB_LOCK_RUNS=100000 vitest run test/locks/histories.test.ts` for as long as you like. */
const RUNS = Number(process.env["HOB_LOCK_RUNS"] ?? 1000)

describe("whatever happens to locks, in whatever order", () => {
  it("each has one holder at a time, in the order of coming, with tokens that only grow, also over crashes", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60, size: "max" }), (history) => run(history)),
      { numRuns: RUNS }
    )
  }, 3_600_000)
})
