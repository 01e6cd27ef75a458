import { assert, describe, it } from "vitest"
import { generatedPages, stalePages } from "../../scripts/docs.ts"
import { docstrings } from "../../scripts/reference/docstrings.ts"
import { files, read } from "../support/tree.ts"

describe("the generated pages", () => {
  it("are what the code says now (else: npm run docs)", async () => {
    assert.deepStrictEqual(await stalePages(), [])
  })

  it("explain every method, each with a request that its schema takes", async () => {
    const pages = [...(await generatedPages()).values()].join("\n")
    const { HobRpcs } = await import("../../src/protocol/index.ts")
    for (const method of HobRpcs.requests.keys()) {
      assert.include(pages, `## ${method}\n`)
      assert.include(pages, `"method":"${method}"`)
    }
  })

  it("no page of docs/protocol but transport.md is written by hand, and none is left over", async () => {
    const generated = await generatedPages()
    const left = files("docs/protocol").filter((file) => !generated.has(file) && file !== "docs/protocol/transport.md")
    assert.deepStrictEqual(left, [])
  })
})

describe("doc comments", () => {
  it("are found at the path of what they stand above", () => {
    const source = [
      "/** The head. */",
      'import { Schema } from "effect"',
      "/** A thing: {@link Other}. */",
      "export const Thing = Schema.Struct({",
      "  /** Its name,",
      "   * in full. */",
      "  name: Schema.String,",
      "  inner: Schema.Struct({",
      "    /** Deep. */",
      "    deep: Schema.Int",
      "  }),",
      "  plain: Schema.Int",
      "})",
      "export const Many = Schema.Union([",
      "  /** The first. */",
      "  Schema.Struct({ a: Schema.Int }),",
      "  /** The second. */",
      "  Schema.Struct({",
      "    /** Its b. */",
      "    b: Schema.Int",
      "  })",
      "])"
    ].join("\n")
    assert.deepStrictEqual(Object.fromEntries(docstrings(source)), {
      "": "The head.",
      Thing: "A thing: `Other`.",
      "Thing.name": "Its name, in full.",
      "Thing.inner.deep": "Deep.",
      "Many[0]": "The first.",
      "Many[1]": "The second.",
      "Many[1].b": "Its b."
    })
  })
})

/** The anchors of a page, as a forge makes them of its headings. */
const anchors = (source: string): ReadonlySet<string> =>
  new Set(
    [...source.matchAll(/^#+ (.+)$/gm)].map((match) =>
      match[1]!
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-")
    )
  )

describe("files that pages name", () => {
  it("are there", () => {
    const known = new Set(files())
    const missing = files()
      .filter((file) => file.endsWith(".md"))
      .flatMap((page) =>
        [...read(page).matchAll(/`((?:src|test|scripts|bench|docs|bin|\.ci)\/[\w./-]+)`/g)]
          .map(([, path]) => path!.replace(/\/$/, ""))
          .filter((path) => !known.has(path) && ![...known].some((file) => file.startsWith(`${path}/`)))
          .map((path) => `${page}: ${path}`)
      )
    // What AGENTS.md shows by the example of a concern that is not built; the files of the five have a test of their own.
    const announced = /^AGENTS\.md: src\/dialects|^docs\/from-the-five\.md: /
    const left = missing.filter((line) => !announced.test(line))
    assert.deepStrictEqual(left, [])
  })
})

describe("links between pages", () => {
  const pages = files().filter((file) => file.endsWith(".md"))
  it("lead somewhere", () => {
    const known = new Set(files())
    const broken = pages.flatMap((page) =>
      [
        ...read(page)
          .replace(/```[\s\S]*?```/g, "")
          .matchAll(/\]\(([^)\s]+)\)/g)
      ].flatMap(([, link]) => {
        if (/^[a-z]+:/.test(link!)) return []
        const [path, anchor] = link!.split("#") as [string, string | undefined]
        const target = path === "" ? page : new URL(path, `file:///${page}`).pathname.slice(1)
        const there = known.has(target) || [...known].some((file) => file.startsWith(`${target.replace(/\/$/, "")}/`))
        if (!there) return [`${page}: ${link}`]
        return anchor === undefined || anchors(read(target)).has(anchor) ? [] : [`${page}: ${link}`]
      })
    )
    assert.deepStrictEqual(broken, [])
  })
})
