/** Agents, shells and vttest as they were recorded, cut at many places. `HOB_FUZZ_CUTS` says at how many of each. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { describe, it } from "vitest"
import { readRecording } from "../../support/recorder/Recording.ts"
import { compareAtCuts } from "./cuts.ts"
import { cutAt, type Given } from "./streams.ts"

const directory = join(import.meta.dirname, "../../corpus/agents")
const vttest = join(import.meta.dirname, "../../corpus/vttest")
const names = readdirSync(directory)
  .filter((name) => name.endsWith(".cast.gz"))
  .map((name) => name.slice(0, -".cast.gz".length))
const cuts = Number(process.env["HOB_FUZZ_CUTS"] ?? 5)
const SCROLLBACK = 40

const itemsOf = (name: string) => {
  const { cols, rows, events } = readRecording(directory, name)
  const items: Array<Given> = []
  for (const event of events) {
    if (event[1] === "o") items.push(Buffer.from(event[2]))
    else if (event[1] === "r") {
      const [wide, high] = event[2].split("x").map(Number)
      items.push({ cols: wide!, rows: high! })
    }
  }
  return { size: { cols, rows }, items }
}

/** The same ones each time, spread over the whole. */
const places = (name: string): ReadonlyArray<number> => {
  let state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7)
  return Array.from({ length: cuts }, (_, index) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (index + state / 2 ** 32) / cuts
  })
}

const pieces = (name: string, items: ReadonlyArray<Given>): ReadonlyArray<ReadonlyArray<Given>> => {
  const all: Array<ReadonlyArray<Given>> = []
  let rest = items
  let done = 0
  for (const place of places(name)) {
    const [before, after] = cutAt(rest, (place - done) / (1 - done))
    all.push(before)
    rest = after
    done = place
  }
  return [...all, rest]
}

describe("what was recorded goes on from any cut as if there had been none", () => {
  for (const name of names) {
    it(name, { timeout: 120_000 + cuts * 1000 }, () => {
      const { size, items } = itemsOf(name)
      compareAtCuts(size, SCROLLBACK, pieces(name, items))
    })
  }

  for (const name of readdirSync(vttest)) {
    it(`vttest, ${name}`, { timeout: 120_000 + cuts * 1000 }, () => {
      const items = [gunzipSync(readFileSync(join(vttest, name)))]
      compareAtCuts({ cols: 80, rows: 24 }, SCROLLBACK, pieces(name, items))
    })
  }
})
