import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import type { Capture, CaptureEntry } from "../../src/protocol/captureEntries.ts"
import * as bare from "../../src/client/wire/bare.ts"
import { git, repository } from "../capture/support.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

/** `HOB_CAPTURE_KILLS=200 vitest run test/e2e/capture.test.ts` for as many as you like. */
const KILLS = Number(process.env["HOB_CAPTURE_KILLS"] ?? 5)

let home: Home

beforeEach(async () => {
  home = makeHome()
  await home.ok(["start"])
}, 60_000)
afterEach(() => home.destroy(), 60_000)

describe("a message that was acknowledged", () => {
  it("is there when the daemon was killed at any moment", async () => {
    const { id } = (await bare.call(home.paths.socket, "capture.create", { tool: "t" })) as Capture
    const acknowledged: Array<string> = []
    let [slowest, cutOff] = [0, 0]
    for (let round = 0; round < KILLS; round++) {
      const began = performance.now()
      await home.ok(["start"])
      if (round > 0) slowest = Math.max(slowest, performance.now() - began)
      const pid = await home.daemonPid()
      const client = await bare.open(home.paths.socket)
      // It dies in the middle of them: after some number of answers that is another one each time.
      const killAt = 20 + ((round * 37) % 300)
      let [answers, asked] = [0, 0]
      const lane = async (): Promise<void> => {
        for (;;) {
          const index = asked++
          const content = `round ${round}, message ${index}`
          await (index % 5 === 0
            ? client.call("capture.addCodeChange", { capture: id, path: `/${content}`, before: "", after: content })
            : client.call("capture.addMessage", { capture: id, role: "user", content }))
          acknowledged.push(content)
          if (++answers === killAt) process.kill(pid, "SIGKILL")
        }
      }
      await Promise.allSettled(Array.from({ length: 64 }, lane))
      client.close()
      await until("the daemon is dead", () => !isAlive(pid))
      cutOff += asked - answers
    }
    // Those that were on their way when it died.
    assert.isAbove(cutOff, KILLS)
    assert.isAtLeast(acknowledged.length, KILLS * 20)
    console.log(`${KILLS} kills, ${acknowledged.length} acknowledged, slowest start ${slowest.toFixed(0)} ms`)
    const { capture, entries } = await home.json<{ capture: Capture; entries: ReadonlyArray<CaptureEntry> }>([
      "capture",
      "show",
      id.slice(0, 6)
    ])
    const there = entries.map((entry) => (entry.type === "message" ? entry.content : entry.path.slice(1)))
    assert.includeMembers(there, acknowledged)
    assert.strictEqual(new Set(there).size, there.length)
    assert.strictEqual(capture.messages + capture.codeChanges, there.length)
  }, 1_200_000)
})

describe("hob capture save", () => {
  it("writes into the repository, once, and tells what belongs to a commit", async () => {
    const repo = repository(join(dirname(home.paths.home), "my repo"))
    const head = git(repo, "rev-parse", "HEAD")
    const { id } = (await bare.call(home.paths.socket, "capture.create", { tool: "t", cwd: repo })) as Capture
    await bare.call(home.paths.socket, "capture.addMessage", { capture: id, role: "user", content: "make it so" })
    assert.include(await home.ok(["capture", "save", "--repo", repo, "--commit", head]), `${head.slice(0, 12)}  ${id}`)
    assert.include(await home.ok(["capture", "save", id]), "nothing new")
    assert.include(await home.ok(["capture", "saves", "--commit", head.slice(0, 8)]), id)
    assert.isTrue(existsSync(join(repo, ".prompts/.meta/index.json")))
    assert.strictEqual((await home.hob(["capture", "save", id, "--commit", "HEAD"])).code, 2)
    const failed = await home.hob(["capture", "save", "--repo", "/"])
    assert.deepInclude(failed, { code: 2 })
  }, 120_000)
})

describe("hob capture", () => {
  it("tells what is captured, and forgets it", async () => {
    const client = await bare.open(home.paths.socket)
    const { id } = (await client.call("capture.create", { tool: "claude-code", cwd: "/" })) as Capture
    await client.call("capture.addMessage", { capture: id, role: "user", content: "Please\nadd \u001b[31mred\u0007" })
    await client.call("capture.addCodeChange", { capture: id, path: "/a.ts", before: "1\n", after: "2\n" })
    client.close()
    const status = await home.ok(["capture", "status"])
    for (const line of [id, "Tool: claude-code", "Messages: 1", "Code changes: 1"]) assert.include(status, line)
    assert.match(await home.ok(["capture", "ls"]), new RegExp(`${id} +open +claude-code +1 +1 +2`))
    const page = await home.ok(["capture", "show", id])
    assert.include(page, "Please\nadd red")
    assert.include(page, "modified /a.ts")
    assert.include(page, "-1\n+2")
    assert.notInclude(page, "\u001b")
    assert.include(await home.ok(["capture", "config"]), "capture.enabled = true")
    assert.strictEqual((await home.hob(["capture", "show", "00ff00ff00ff00ff"])).code, 4)
    assert.strictEqual((await home.hob(["capture", "show", "not an id"])).code, 2)
    assert.strictEqual((await home.hob(["capture", "ls", "--repo", "/"])).code, 2)
    await home.ok(["capture", "discard", id])
    assert.include(await home.ok(["capture", "ls", "--all"]), "Nothing was captured.")
  }, 120_000)
})
