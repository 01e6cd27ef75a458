import { assert, describe, it } from "vitest"
import { mistakeIn } from "../../scripts/reference/commands.ts"
import { HobRpcs } from "../../src/protocol/index.ts"
import { files, read } from "../support/tree.ts"

const page = "docs/from-the-five.md"

interface Row {
  readonly document: string
  readonly hob: string
  readonly where: string
  readonly test: string
}

const rows: ReadonlyArray<Row> = read(page)
  .slice(read(page).indexOf("\n## "))
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.replaceAll("\\|", "¦").split("|").slice(1, -1))
  .filter((cells) => cells.length === 4)
  .map((cells) => cells.map((cell) => cell.trim()))
  .filter(([document]) => document !== "the document" && document !== "---" && document !== "")
  .map(([document, hob, where, test]) => ({ document: document!, hob: hob!, where: where!, test: test! }))

const quoted = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!)

const isPlanned = (row: Row): boolean => row.hob.startsWith("planned")

describe("from the five", () => {
  it("goes through all five documents", () => {
    const sections = read(page).split(/^## /m).slice(1)
    assert.lengthOf(sections, 5)
    for (const section of sections) assert.isAbove(section.split("\n| ").length, 20, section.split("\n")[0])
    assert.isAbove(rows.length, 200)
  })

  it("names no command that does not exist", () => {
    const named = rows.flatMap((row) => quoted(row.hob)).filter((text) => /^hob [a-z]/.test(text))
    assert.isAbove(named.length, 40)
    assert.deepStrictEqual(
      named.map(mistakeIn).filter((mistake) => mistake !== undefined),
      []
    )
  })

  it("names no method of hob's that does not exist", () => {
    const concerns = new Set([...HobRpcs.requests.keys()].map((method) => method.split(".")[0]!))
    const named = rows
      .flatMap((row) => quoted(row.hob))
      .filter((text) => /^[a-z]+\.[a-z]+$/i.test(text) && concerns.has(text.split(".")[0]!) && !text.endsWith(".json"))
      .filter((text) => !text.endsWith("Millis"))
    assert.isAbove(named.length, 20)
    assert.deepStrictEqual(
      named.filter((method) => !HobRpcs.requests.has(method as never)),
      []
    )
  })

  it("names no file and no test that is not there", () => {
    const known = new Set(files())
    const named = rows.flatMap((row) => quoted(`${row.where} ${row.test}`)).filter((text) => text.includes("/"))
    assert.deepStrictEqual(
      [...new Set(named)].filter((file) => !known.has(file)),
      []
    )
  })

  it("says of each row that it is planned, or where it is and which test shows it", () => {
    const vague = rows.filter((row) => {
      if (isPlanned(row)) return row.where !== "–" || row.test !== "–"
      return !/^`(src|bench)\//.test(row.where) || (!row.test.startsWith("`test/") && !row.where.startsWith("`bench/"))
    })
    assert.deepStrictEqual(vague, [])
  })
})

describe("the commands that pages show", () => {
  it("exist, with their flags", () => {
    const pages = files().filter((file) => file.endsWith(".md"))
    const mistakes = pages.flatMap((file) => {
      const source = read(file)
      const blocks = [...source.matchAll(/```(?:sh|console)?\n([\s\S]*?)```/g)].flatMap((match) =>
        match[1]!.split("\n")
      )
      const lines = [...blocks.map((line) => line.replace(/^\$ /, "").trim()), ...quoted(source)]
      return lines
        .filter((line) => /^hob [a-z-]/.test(line))
        .map(mistakeIn)
        .flatMap((mistake) => (mistake === undefined ? [] : [`${file}: ${mistake}`]))
    })
    assert.deepStrictEqual(mistakes, [])
  })

  it("the check sees an unknown command and an unknown flag", () => {
    assert.isUndefined(mistakeIn("hob run --detach --name x -- make -j8 --nonsense"))
    assert.isUndefined(mistakeIn("hob config show --no-start"))
    assert.strictEqual(mistakeIn("hob nonsense"), "there is no command hob nonsense")
    assert.strictEqual(mistakeIn("hob config nonsense"), "there is no command hob config nonsense")
    assert.strictEqual(mistakeIn("hob ls --nonsense"), "hob ls has no flag --nonsense")
  })
})
