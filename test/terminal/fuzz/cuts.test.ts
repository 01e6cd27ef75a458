/** Random streams, cut anywhere. */
import * as fc from "fast-check"
import { describe, it } from "vitest"
import { compareFiltered, comparePieces, compareStream } from "./cuts.ts"
import { found } from "./found.ts"
import { parameters, TIMEOUT } from "./parameters.ts"
import { streams } from "./streams.ts"

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
