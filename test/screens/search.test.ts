import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { SessionId } from "../../src/protocol/ids.ts"
import { TextHistory } from "../../src/screens/history/TextHistory.ts"
import { search } from "../../src/screens/search.ts"

const first = SessionId.make("3f2b1c4d-0000-4000-8000-000000000001")
const second = SessionId.make("3f2b1c4d-0000-4000-8000-000000000002")
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hob-search-"))
  const history = new TextHistory({ directory, maxBytes: 1e9 })
  for (let line = 0; line < 100; line++) history.append(`line ${line}`, 0, 1_000)
  history.close()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const onDisk = (from: number, ...lines: ReadonlyArray<string>) => ({
  id: first,
  directory,
  tail: () => ({ from, lines })
})
const inMemory = {
  id: second,
  directory: "/nowhere",
  tail: () => ({ from: 0, lines: ["äöü", "line x", "", "a line y"] })
}
const go = () => false

describe("searching sessions", () => {
  it("finds lines on disk and lines that are still in memory, each once, with their numbers", async () => {
    const { matches, truncated } = await search(
      [onDisk(98, "line 98", "line 99", "line 100"), inMemory],
      { text: "line" },
      go
    )
    assert.isFalse(truncated)
    assert.deepStrictEqual(
      matches.filter(({ session }) => session === first).map(({ line, text }) => [line, text]),
      Array.from({ length: 101 }, (_, line) => [line, `line ${line}`])
    )
    assert.deepStrictEqual(
      matches.filter(({ session }) => session === second).map(({ at, from, line, to }) => [line, from, to, at]),
      [
        [1, 0, 4, null],
        [3, 2, 6, null]
      ]
    )
    assert.strictEqual(matches[0]!.at, new Date(1_000).toISOString())
  })

  it("says when there are more than were asked for, and not when there are exactly as many", async () => {
    const text = "line 9"
    const exactly = await search([onDisk(100)], { text, limit: 11 }, go)
    assert.deepStrictEqual([exactly.matches.length, exactly.truncated], [11, false])
    const fewer = await search([onDisk(100)], { text, limit: 10 }, go)
    assert.deepStrictEqual([fewer.matches.length, fewer.truncated], [10, true])
  })

  it("has the rest for who asks again after the last match, on disk, in memory and in the next session", async () => {
    const sessions = [onDisk(98, "line 98", "line 99", "line 100"), inMemory]
    const { matches: all } = await search(sessions, { text: "line" }, go)
    for (const limit of [1, 7, 99, 102]) {
      const found = []
      for (let page = await search(sessions, { text: "line", limit }, go); ;) {
        found.push(...page.matches)
        if (!page.truncated) break
        const { line, session } = page.matches.at(-1)!
        const rest = sessions.slice(sessions.findIndex(({ id }) => id === session))
        page = await search(rest, { text: "line", limit, after: { session, line } }, go)
      }
      assert.deepStrictEqual(found, all, String(limit))
    }
  })

  it("tells the same as text for who wants it so, page by page", async () => {
    const sessions = [onDisk(98, "line 98", "line\t99"), inMemory]
    const { matches } = await search(sessions, { text: "line" }, go)
    const all = matches.map(({ from, line, session, text, to }) => [session, line, from, to, text].join("\t"))
    for (const limit of [7, 100, 1000]) {
      let text = ""
      let page = await search(sessions, { text: "line", limit, as: "text" }, go)
      for (;;) {
        assert.isEmpty(page.matches)
        text += page.text
        if (!page.truncated) break
        const after = page.last!
        const rest = sessions.slice(sessions.findIndex(({ id }) => id === after.session))
        page = await search(rest, { text: "line", limit, after, as: "text" }, go)
      }
      assert.strictEqual(text, all.map((line) => `${line}\n`).join(""), String(limit))
    }
    assert.strictEqual((await search(sessions, { text: "nowhere", as: "text" }, go)).text, "")
  })

  it("refuses what is no expression, before it looks anywhere", async () => {
    const error = await search([], { text: "(", regex: true }, go).catch((cause: unknown) => cause)
    assert.instanceOf(error, SyntaxError)
  })
})
