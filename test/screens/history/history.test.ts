import * as fc from "fast-check"
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { LINE_BYTES, SEGMENT_BYTES } from "../../../src/screens/history/format.ts"
import { readLines } from "../../../src/screens/history/readText.ts"
import { type Query, searchHistory } from "../../../src/screens/history/search.ts"
import { TextHistory } from "../../../src/screens/history/TextHistory.ts"
import { TRIGRAM_FILE_BYTES } from "../../../src/screens/history/trigrams.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hob-history-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const open = (maxBytes = 1e9) => new TextHistory({ directory, maxBytes })
const all = () => readLines(directory, 0, Infinity, Infinity)
const find = (query: Partial<Query> & { text: string }) =>
  [...searchHistory(directory, { ignoreCase: false, regex: false, ...query })].filter((found) => found !== undefined)
const files = (extension: string) => readdirSync(directory).filter((name) => name.endsWith(extension))

/** Lines that differ, a few of them with a needle. */
const filler = (number: number) =>
  `${number} the compiler says nothing about file ${(number * 7919) % 100_003}.ts, module ${(number * 31) % 977}`
const fill = (history: TextHistory, count: number, special: ReadonlyMap<number, string> = new Map()) => {
  for (let line = 0; line < count; line++)
    history.append(special.get(line) ?? filler(line), line * 80, 1_000_000 + line)
}

describe("the text history of a session", () => {
  it("gives back what was appended, from any line on, also by a writer that came later", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme" })), fc.nat(20), fc.nat(20), (lines, from, cut) => {
        rmSync(directory, { recursive: true, force: true })
        directory = mkdtempSync(join(tmpdir(), "hob-history-"))
        const text = lines.map((line) => line.replaceAll("\n", " "))
        for (const part of [lines.slice(0, cut), lines.slice(cut)]) {
          const history = open()
          for (const line of part) history.append(line, 0, 1)
          history.close()
        }
        assert.deepStrictEqual(all().lines, text)
        assert.deepStrictEqual(readLines(directory, from, Infinity, Infinity).lines, text.slice(from))
      }),
      { numRuns: 50 }
    )
  })

  it("forgets lines from any line on and goes on from there", () => {
    const history = open()
    fill(history, 100)
    history.flush()
    for (const line of [70, 30, 0]) {
      history.truncateTo(line)
      assert.strictEqual(history.nextLine, line)
      history.append("again", 0, 1)
      history.flush()
      assert.deepStrictEqual(all().lines, [...Array.from({ length: line }, (_, number) => filler(number)), "again"])
    }
    history.close()
  })

  it("forgets whole segments too", () => {
    const history = open()
    fill(history, 150_000)
    assert.isAbove(files(".txt").length, 2)
    history.truncateTo(10)
    history.close()
    assert.deepStrictEqual([all().lines.length, files(".txt").length, files(".tri").length], [10, 1, 0])
    assert.strictEqual(open().nextLine, 10)
  })

  it("keeps no half line that a crash has left, and needs no index to go on", () => {
    const history = open()
    fill(history, 10)
    history.close()
    appendFileSync(join(directory, "text-000000000000.txt"), "half a li")
    writeFileSync(join(directory, "text-000000000000.idx"), "damaged")
    const next = open()
    assert.strictEqual(next.nextLine, 10)
    next.append("whole", 5, 5)
    next.close()
    assert.deepStrictEqual(all().lines.slice(9), [filler(9), "whole"])
    assert.strictEqual(find({ text: "whole" })[0]?.line, 10)
  })

  it("stays within its limit by deleting the oldest segments, and numbers go on", () => {
    const history = open(2 * SEGMENT_BYTES)
    fill(history, 300_000)
    history.close()
    assert.isAtMost(files(".txt").length, 2)
    assert.isAbove(history.oldest, 0)
    const { from, lines } = readLines(directory, 0, Infinity, Infinity)
    assert.deepStrictEqual([from, lines[0], from + lines.length], [history.oldest, filler(history.oldest), 300_000])
  })

  it("cuts a line without end, at a character", () => {
    const history = open()
    history.append("日".repeat(LINE_BYTES), 0, 1)
    history.append("next", 0, 1)
    history.close()
    const [long, next] = all().lines
    assert.match(long!, /^日+$/)
    assert.strictEqual(next, "next")
    assert.isAtMost(statSync(join(directory, "text-000000000000.txt")).size, LINE_BYTES + 5)
  })
})

describe("searching it", () => {
  const special = new Map([
    [3, "the First needle: Äpfel"],
    [70_000, "another needle in the middle"],
    [149_998, "a needle at the end"]
  ])
  const lines = Array.from({ length: 150_000 }, (_, line) => special.get(line) ?? filler(line))
  const naive = (matches: (line: string) => boolean) => lines.flatMap((line, at) => (matches(line) ? [at] : []))

  beforeEach(() => {
    const history = open()
    fill(history, lines.length, special)
    history.close()
  })

  it("finds what is there, with its line, its place in it, and when it was said", () => {
    assert.deepStrictEqual(
      find({ text: "needle" }).map(({ from, line, text, to }) => [line, text.slice(from, to)]),
      [...special.keys()].map((line) => [line, "needle"])
    )
    const [, middle] = find({ text: "needle" })
    assert.isAtMost(middle!.time!, 1_070_000)
    assert.isAbove(middle!.time!, 1_060_000)
    assert.isAtMost(middle!.offset!, 70_000 * 80)
  })

  it("finds the same lines as looking at each, whatever is looked for", () => {
    for (const text of [
      "file 7919.ts",
      "module 976",
      "ne",
      "says nothing about file 99",
      "no such text",
      "Äpfel",
      "1499"
    ]) {
      assert.deepStrictEqual(
        find({ text }).map(({ line }) => line),
        naive((line) => line.includes(text)),
        text
      )
    }
    assert.deepStrictEqual(
      find({ text: "FIRST NEEDLE: äPFEL", ignoreCase: true }).map(({ line }) => line),
      [3]
    )
    for (const text of ["SAYS NOTHING ABOUT FILE 99", "Module 976", "(", "NEEDLE: Ä"]) {
      assert.deepStrictEqual(
        find({ text, ignoreCase: true }).map(({ from, line, to }) => [line, to - from]),
        naive((line) => line.toLowerCase().includes(text.toLowerCase())).map((line) => [line, text.length]),
        text
      )
    }
    assert.deepStrictEqual(
      find({ text: "^\\d+9 .*file 1\\d{2}\\.ts", regex: true }).map(({ line }) => line),
      naive((line) => /^\d+9 .*file 1\d{2}\.ts/u.test(line))
    )
  })

  it("begins behind any line", () => {
    for (const text of ["needle", "says nothing about file 99", "ne"]) {
      const all = find({ text })
      for (const from of [0, 4, 69_999, 70_000, 70_001, 149_998, 149_999, 1e9]) {
        const rest = [...searchHistory(directory, { text, ignoreCase: false, regex: false }, from)]
        assert.deepStrictEqual(
          rest.filter((found) => found !== undefined),
          all.filter(({ line }) => line >= from)
        )
      }
    }
  })

  it("reads a small part of the text for what is rare", () => {
    // Every block but those that the index names may hold anything.
    const [tri] = files(".tri").toSorted()
    const name = tri!.replace(".tri", ".txt")
    const bytes = readFileSync(join(directory, name))
    const at = bytes.indexOf("needle")
    bytes.fill("x", at + 200_000, at + 300_000)
    writeFileSync(join(directory, name), bytes)
    assert.deepStrictEqual(
      find({ text: "First needle" }).map(({ line }) => line),
      [3]
    )
    assert.strictEqual(find({ text: "xxxxxxxxxxxx" }).length, 0)
  })

  it("does without an index that is missing or damaged", () => {
    for (const [index, name] of files(".tri").entries()) {
      if (index === 0) rmSync(join(directory, name))
      else truncateSync(join(directory, name), 100)
    }
    assert.deepStrictEqual(
      find({ text: "needle" }).map(({ line }) => line),
      [...special.keys()]
    )
  })

  it("counts lines itself where the index does not, or is damaged there", () => {
    const { length } = files(".tri")
    assert.isAbove(length, 1)
    for (const [index, name] of files(".tri").entries()) {
      if (index % 2 === 0) truncateSync(join(directory, name), TRIGRAM_FILE_BYTES)
      else {
        const bytes = readFileSync(join(directory, name))
        bytes[TRIGRAM_FILE_BYTES + 41]! ^= 1
        writeFileSync(join(directory, name), bytes)
      }
    }
    assert.deepStrictEqual(
      find({ text: "file 99" }).map(({ line }) => line),
      naive((line) => line.includes("file 99"))
    )
  })

  it("gives up on an expression that takes too long, and refuses one that is none", () => {
    const history = open()
    history.append("a".repeat(40), 0, 1)
    history.close()
    assert.throws(() => find({ text: "^(a+)+$(?!a)b", regex: true }), /timed out/)
    assert.throws(() => find({ text: "(", regex: true }), SyntaxError)
  })
})
