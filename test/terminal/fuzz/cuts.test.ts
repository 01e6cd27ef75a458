/**
 * Random streams, cut anywhere. `HOB_FUZZ_RUNS` says how many of each (a few hundred by default); a failure prints a
 * seed and a path, which `HOB_FUZZ_SEED` and `HOB_FUZZ_PATH` take to see it again.
 */
import * as fc from "fast-check"
import { describe, it } from "vitest"
import { compareFiltered, comparePieces, compareStream } from "./cuts.ts"
import { found } from "./found.ts"
import { streams } from "./streams.ts"

const seed = process.env["HOB_FUZZ_SEED"]
const path = process.env["HOB_FUZZ_PATH"]
const runs = Number(process.env["HOB_FUZZ_RUNS"] ?? 400)
const parameters = {
  numRuns: runs,
  ...(seed === undefined ? {} : { seed: Number(seed) }),
  ...(path === undefined ? {} : { path })
}
const TIMEOUT = 60_000 + runs * 100

describe("a random stream cut at a random byte", () => {
  it(
    "goes on from a snapshot and from a checkpoint as if it had not been cut",
    () => {
      fc.assert(fc.property(streams, compareStream), parameters)
    },
    TIMEOUT
  )

  it(
    "is the same byte by byte as in one piece",
    () => {
      fc.assert(fc.property(streams, comparePieces), parameters)
    },
    TIMEOUT
  )

  it(
    "is the same without its questions",
    () => {
      fc.assert(fc.property(streams, compareFiltered), parameters)
    },
    TIMEOUT
  )
})

describe("a stream that was wrong once", () => {
  for (const [what, stream] of Object.entries(found)) {
    it(`is right: ${what}`, () => {
      compareStream(stream)
      comparePieces(stream)
      compareFiltered(stream)
    })
  }
})
