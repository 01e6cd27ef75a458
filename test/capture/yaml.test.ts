import { execFileSync } from "node:child_process"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { readSummary, withCommit, writeYaml } from "../../src/capture/save/yaml.ts"
import { has } from "../support/needs.ts"

const LOAD =
  "import sys, json, yaml; json.dump(list(yaml.safe_load_all(sys.stdin.buffer.read().decode('utf-8'))), sys.stdout)"
const canLoad =
  has("python3") &&
  (() => {
    try {
      execFileSync("python3", ["-c", "import yaml"], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })()

const line = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.constantFrom(
    "",
    " ",
    "  - a",
    "#x",
    "a: b",
    "---",
    "...",
    "| x",
    "'",
    '"',
    "\t",
    "\\",
    "yes",
    "1e3",
    "0x1",
    "~",
    "null",
    "é\u2028",
    "\r",
    "\u0085",
    "@",
    "%TAG"
  )
)
const text = fc.array(line, { maxLength: 5 }).map((lines) => lines.join("\n"))

/** Not there at all where no other reader of YAML is: nothing that a machine promises is missing. */
const readers: (name: string, test: () => void) => void = canLoad ? it : () => {}

describe("what is written as YAML", () => {
  readers("is read by another reader of YAML as it was (needs python3 with yaml)", () => {
    const documents = fc.sample(
      fc.record({
        a: text,
        metadata: fc.record({ b: text, c: fc.array(text, { maxLength: 3 }), d: fc.integer() }),
        e: text
      }),
      { numRuns: 500, seed: 7 }
    )
    const input = documents.map((document) => `---\n${writeYaml(document)}`).join("")
    const read = JSON.parse(
      execFileSync("python3", ["-c", LOAD], { input, maxBuffer: 1e9 }).toString()
    ) as Array<unknown>
    assert.lengthOf(read, documents.length)
    for (const [index, document] of documents.entries())
      assert.deepStrictEqual(read[index], JSON.parse(JSON.stringify(document)))
  })

  it("has a summary that is found again, and a commit that can be another one", () => {
    const tags = ["auto-captured", 'it\'s: a "tag"', "#1"]
    const written = writeYaml({
      content: "id: not-this\nversion: nor-this\nmetadata:\n  model: nor-this",
      metadata: { model: "claude: sonnet", tags, gitCommit: "a".repeat(40) },
      id: "the-id",
      version: "be34d835",
      lastModified: "2026-11-21T00:36:47.657Z"
    })
    assert.deepStrictEqual(readSummary(written), {
      id: "the-id",
      version: "be34d835",
      lastModified: "2026-11-21T00:36:47.657Z",
      model: "claude: sonnet",
      tags
    })
    assert.include(withCommit(written, "a".repeat(40), "b".repeat(40)), "b".repeat(40))
    assert.strictEqual(withCommit(written, "c".repeat(40), "b".repeat(40)), written)
    assert.isNull(readSummary("<<<<<<< HEAD"))
  })
})
