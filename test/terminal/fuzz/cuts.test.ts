/** Random streams, cut anywhere. */
import * as fc from "fast-check"
import { describe, it } from "vitest"
import { compareAtCut, compareFiltered, comparePieces } from "./cuts.ts"
import { found } from "./found.ts"
import { parameters, TIMEOUT } from "./parameters.ts"
import { cutAt, given, type Stream, streams } from "./streams.ts"

const cut = ({ size, scrollback, steps, cut: part }: Stream): void =>
  compareAtCut(size, scrollback, ...cutAt(given(steps), part))
const pieces = ({ size, scrollback, steps }: Stream): void => comparePieces(size, scrollback, given(steps))
const filtered = ({ size, scrollback, steps }: Stream): void => compareFiltered(size, scrollback, given(steps))

describe("a random stream cut at a random byte", () => {
  it(
    "goes on from a snapshot and from a checkpoint as if it had not been cut",
    () => {
      fc.assert(fc.property(streams, cut), parameters)
    },
    TIMEOUT
  )

  it(
    "is the same byte by byte as in one piece",
    () => {
      fc.assert(fc.property(streams, pieces), parameters)
    },
    TIMEOUT
  )

  it(
    "is the same without its questions",
    () => {
      fc.assert(fc.property(streams, filtered), parameters)
    },
    TIMEOUT
  )
})

describe("a stream that was wrong once", () => {
  for (const [what, stream] of Object.entries(found)) {
    it(`is right: ${what}`, () => {
      cut(stream)
      pieces(stream)
      filtered(stream)
    })
  }
})
