import { assert, describe, it } from "vitest"
import { files, read } from "../support/tree.ts"

const text = files().filter((file) => !/\.(png|ico|gz|cast|bin)$/.test(file) && !file.startsWith("test/corpus/"))
const self = "test/ground/tree.test.ts"

/** Written in two halves so that this page may be searched like any other. */
const word = (...parts: ReadonlyArray<string>): RegExp => new RegExp(parts.join(""))

const linesWith = (pattern: RegExp, among: ReadonlyArray<string>): ReadonlyArray<string> =>
  among.flatMap((file) =>
    read(file)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : []))
  )

describe("the tree", () => {
  it("no source or test file is longer than 500 lines", () => {
    const long = files("src", "test", "scripts", "bench")
      .filter((file) => /\.(ts|mjs)$/.test(file))
      .map((file) => [file, read(file).split("\n").length - 1] as const)
      .filter(([, lines]) => lines > 500)
    assert.deepStrictEqual(long, [])
  })

  it("src stays in small files: the median at most 150 lines, nine of ten at most 300", () => {
    const lengths = files("src")
      .filter((file) => file.endsWith(".ts"))
      .map((file) => read(file).split("\n").length - 1)
      .sort((a, b) => a - b)
    assert.isAtMost(lengths[Math.floor(lengths.length / 2)]!, 150)
    assert.isAtMost(lengths[Math.floor(lengths.length * 0.9)]!, 300)
  })

  it("no path of somebody's machine is in it", () => {
    const machine = word("(^|[^\\w./-])/(wo", "rk|ho", "me/[a-z]+|Us", "ers/[a-z]+|ro", "ot)/")
    const documented = /\/(home|Users)\/(user|john|you|me|ada)\b/
    const found = linesWith(
      machine,
      text.filter((file) => file !== self)
    ).filter((line) => !documented.test(line))
    assert.deepStrictEqual(found, [])
  })

  it("the lock file names no registry, and nothing else does", () => {
    assert.notMatch(read("package-lock.json"), /"resolved":/)
    assert.deepStrictEqual(
      linesWith(
        word("regis", "try\\.(npmjs|yarnpkg|npmmirror)"),
        text.filter((file) => file !== self)
      ),
      []
    )
  })

  it("it speaks of the project alone, and leaves nothing for later unsaid", () => {
    const notOurs = word(
      "\\b(DES",
      "IGN|RELIA",
      "BILITY|SESS",
      "IONS|STY",
      "LE)\\.md\\b|\\bissue #?\\d+\\b|work order|sha",
      "red/(seeds|protocols)"
    )
    assert.deepStrictEqual(
      linesWith(
        notOurs,
        text.filter((file) => file !== self)
      ),
      []
    )
    const unfinished = word("\\b(TO", "DO|FIX", "ME|XXX)\\b|not imple", "mented yet")
    const sources = text.filter((file) => /^(src|scripts|bin|test)\//.test(file) && file !== self)
    // What another program's daemon answers, word for word.
    const quoted = word("Attach not imple", "mented yet")
    assert.deepStrictEqual(
      linesWith(unfinished, sources).filter((line) => !quoted.test(line)),
      []
    )
  })
})
