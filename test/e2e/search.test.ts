import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { SearchReply } from "../../src/protocol/screens.ts"
import { connect } from "../../src/client/index.ts"
import { screensPid } from "../screens/support.ts"
import { type Home, makeHome } from "../support/home.ts"

describe("hob search", () => {
  let home: Home
  beforeAll(async () => {
    home = makeHome()
    await home.ok(["run", "--detach", "--name", "first", "--", "sh", "-c", "seq -f 'one %.0f' 7000; exec cat"])
    await home.ok(["run", "--detach", "--name", "second", "--", "sh", "-c", "seq -f 'two %.0f' 5500; exec cat"])
    await home.ok(["wait", "first", "--match", "^one 7000$", "--timeout", "2m"])
    await home.ok(["wait", "second", "--match", "^two 5500$", "--timeout", "2m"])
  })
  afterAll(() => home.destroy())

  const numbered = (name: string, word: string, from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${name}:${from + index}:${word} ${from + index}`)

  it("prints as many as are wanted, more than one answer of the daemon holds, each once and in order", async () => {
    const { code, stderr, stdout } = await home.hob(["search", "--limit", "20000", "o"])
    assert.deepStrictEqual([code, stderr], [0, ""])
    assert.deepStrictEqual(stdout.trimEnd().split("\n"), [
      ...numbered("second", "two", 1, 5500),
      ...numbered("first", "one", 1, 7000)
    ])
    const { matches, truncated } = JSON.parse(await home.ok(["search", "-n", "20000", "--json", "o"])) as SearchReply
    assert.deepStrictEqual([matches.length, truncated], [12_500, false])
  })

  it("says when there are more than were wanted", async () => {
    const { code, stderr, stdout } = await home.hob(["search", "--limit", "12000", "o"])
    assert.deepStrictEqual([code, stdout.trimEnd().split("\n").length], [0, 12_000])
    assert.match(stderr, /more than 12000 matches/)
    const few = await home.hob(["search", "--session", "first", "one 69"])
    assert.deepStrictEqual(few.stdout.trimEnd().split("\n").slice(0, 2), ["first:69:one 69", "first:690:one 690"])
    const by = await home.hob(["search", "o"])
    assert.strictEqual(by.stdout.trimEnd().split("\n").length, 1000)
  })

  it("is answered, as is what is on a screen, when the screens process dies over it", async () => {
    const pid = await screensPid(home.paths.home)
    process.kill(pid, "SIGSTOP")
    await using client = await connect({ paths: home.paths })
    const found = client["sessions.search"]({ text: "one 7000" })
    const screen = client["sessions.screen"]({ session: "first" })
    // Asked of the session-host behind the others, and answered by it alone.
    await client["sessions.show"]({ session: "first" })
    process.kill(pid, "SIGKILL")
    assert.deepStrictEqual(
      (await found).matches.map(({ line }) => line),
      [6999]
    )
    assert.include(
      (await screen).lines.map(({ text }) => text),
      "one 7000"
    )
  })

  it("finds nothing with exit code 1, and says what is no expression", async () => {
    assert.deepInclude(await home.hob(["search", "nowhere"]), { code: 1, stdout: "", stderr: "" })
    assert.match((await home.hob(["search", "-e", "("])).stderr, /can't be searched for/)
  })
})
