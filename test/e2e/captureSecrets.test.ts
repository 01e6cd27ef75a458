import { lstatSync, readdirSync, readFileSync } from "node:fs"
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as bare from "../../src/client/wire/bare.ts"
import { repository } from "../capture/support.ts"
import { ask, converse } from "../dialects/gitify/client.ts"
import { examples } from "../masking/secrets.ts"
import { type GitifyHome, makeGitifyHome } from "../dialects/gitify/home.ts"
import { binary } from "../support/home.ts"

let home: GitifyHome
beforeAll(async () => {
  home = makeGitifyHome({ HOB_DAEMON_LOG_LEVEL: "debug", HOB_DIALECTS_ENABLED: '["gitify"]' })
  await home.ok(["start"])
}, 60_000)
afterAll(() => home.destroy(), 60_000)

/** Everything in all files below a directory, and what they are called. */
const allOf = (path: string): string =>
  readdirSync(path, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => `${file}\n${lstatSync(file).isFile() ? readFileSync(file, "latin1") : ""}`)
    .join("\n")

/** A line of the secret that nothing else has. */
const tellTale = (secret: string): string =>
  secret
    .split(/\n|\\n/)
    .find((part) => !part.includes("-----"))!
    .slice(0, 60)

describe("of fifty secrets", () => {
  it("none reaches the daemon's log, the disk, an answer, or the repository, by whatever way it comes", async () => {
    const { root, socket: gitify } = home
    const repo = repository(join(root, "repo"))
    const client = await bare.open(home.paths.socket)
    const answers: Array<unknown> = []
    const say = async (method: string, params: object): Promise<any> => {
      const answer = await client
        .call(method, params)
        .catch((error: unknown) => ({ error: String(error), ...(error as object) }))
      answers.push(answer)
      return answer
    }
    for (const [index, { text }] of examples.entries()) {
      const { id } = await say("capture.create", {
        tool: "t",
        cwd: repo,
        metadata: { model: `m ${text}`, tags: [text.slice(0, 256)] }
      })
      await say("capture.addMessage", { capture: id, role: "user", content: `Use this: ${text}` })
      await say("capture.addCodeChange", { capture: id, path: "a.ts", before: text, after: `${text}\nmore` })
      await say("capture.addCodeChange", { capture: id, path: "b.ts", diff: `@@ -0,0 +1 @@\n+${text}\n` })
      const hook = { session_id: `s${index}`, cwd: repo, transcript_path: text, prompt_id: `p${index}` }
      await say("capture.hook", {
        agent: "claude",
        id: index.toString(16).padStart(16, "0"),
        event: { ...hook, hook_event_name: "UserPromptSubmit", prompt: text, unknown: text }
      })
      await say("capture.hook", { agent: "claude", id: index.toString(16).padStart(16, "1"), event: { odd: text } })
      // What is wrong about these is told without what they are.
      await say("capture.create", { tool: text })
      await say("capture.addMessage", { capture: text, role: text, content: 5 })
      await say("capture.addMessage", { capture: id, role: text, content: text })
      const { sessionId } = await ask(gitify, "createSession", {
        tool: "t",
        metadata: { cwd: repo, note: text, deep: [text] }
      })
      await ask(gitify, "addMessage", { sessionId, role: "user", content: text })
      await ask(gitify, "addCodeChange", { sessionId, filePath: "c.ts", beforeContent: text, afterContent: "" })
      answers.push(await converse(gitify, [`{"command": 5, "x": ${text}} `], 1))
      answers.push((await ask(gitify, "getActiveSessions")).sessions.at(-1))
    }
    answers.push(await ask(gitify, "status"))
    await say("capture.save", { repository: repo })
    for (const { id } of (await say("capture.list", { all: true })).captures) await say("capture.show", { capture: id })
    client.close()
    // Whole commands, and what they leave where no daemon answers.
    for (const { text } of examples.slice(0, 3)) {
      const input = JSON.stringify({ session_id: "c", cwd: repo, hook_event_name: "UserPromptSubmit", prompt: text })
      const { status } = spawnSync(binary, ["capture", "hook", "claude"], { env: home.env, input })
      assert.strictEqual(status, 0)
    }
    await home.ok(["stop"])
    for (const { text } of examples.slice(0, 3)) {
      const input = JSON.stringify({ session_id: "d", cwd: repo, hook_event_name: "UserPromptSubmit", prompt: text })
      spawnSync(binary, ["capture", "hook", "claude"], { env: home.env, input })
    }
    const disk = allOf(home.paths.home) + allOf(join(root, "gitify-prompt")) + allOf(repo)
    const heard = JSON.stringify(answers)
    const log = readFileSync(home.paths.daemonLog, "utf8")
    assert.isAbove(log.length, 300)
    assert.isAbove(heard.length, 100_000)
    const found: Array<string> = []
    for (const { name, secret } of examples) {
      const part = tellTale(secret)
      if (log.includes(part)) found.push(`log: ${name}`)
      if (disk.includes(part)) found.push(`disk: ${name}`)
      if (heard.includes(part) || heard.includes(JSON.stringify(part).slice(1, -1))) found.push(`answer: ${name}`)
    }
    assert.deepStrictEqual(found, [])
  }, 120_000)
})
