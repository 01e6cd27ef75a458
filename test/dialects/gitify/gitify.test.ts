import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { JsonValues } from "../../../src/dialects/gitify/JsonValues.ts"
import { MOST_ANSWER_BYTES } from "../../../src/dialects/gitify/translate.ts"
import { repository } from "../../capture/support.ts"
import { examples } from "../../masking/secrets.ts"
import { isAlive, until } from "../../support/home.ts"
import { ask, converse } from "./client.ts"
import { type GitifyHome, makeGitifyHome } from "./home.ts"

let home: GitifyHome
let root: string
let directory: string
let path: string

beforeEach(() => {
  home = makeGitifyHome()
  root = home.root
  directory = home.directory
  path = home.socket
})
afterEach(() => home.destroy(), 120_000)

const enable = () => home.ok(["dialect", "enable", "gitify"])
const sha = "a".repeat(40)

describe("gitify-prompt's own client", () => {
  it("has its session begun, filled, listed, saved", async () => {
    const repo = repository(join(root, "repo"))
    await enable()
    assert.deepStrictEqual(await ask(path, "ping"), { pong: true })
    const metadata = {
      cwd: repo,
      repoPath: repo,
      platform: "linux",
      nested: { a: [1] },
      model: "claude-sonnet-4",
      tags: ["demo"]
    }
    const { sessionId } = await ask(path, "createSession", { tool: "claude-code", metadata })
    assert.match(sessionId, /^[0-9a-f]{16}$/)
    assert.deepStrictEqual(
      await ask(path, "addMessage", { sessionId, role: "user", content: "Add JWT authentication" }),
      { success: true }
    )
    assert.deepStrictEqual(await ask(path, "addMessage", { sessionId, role: "robot", content: "Done." }), {
      success: true
    })
    assert.deepStrictEqual(
      await ask(path, "addCodeChange", {
        sessionId,
        filePath: "src/auth.ts",
        beforeContent: "a\nb\n",
        afterContent: "a\nc\n"
      }),
      { success: true }
    )
    assert.deepStrictEqual(
      await ask(path, "addCodeChange", { sessionId, filePath: ".env", beforeContent: "", afterContent: "A=b\n" }),
      { success: true }
    )
    const { sessions } = await ask(path, "getActiveSessions")
    assert.lengthOf(sessions, 1)
    const { codeChanges, messages, startTime, ...rest } = sessions[0]
    assert.deepStrictEqual(rest, { id: sessionId, tool: "claude-code", metadata })
    assert.match(startTime, /^\d{4}-.*Z$/)
    assert.deepStrictEqual(
      messages.map(({ content, role }: any) => [role, content]),
      [
        ["user", "Add JWT authentication"],
        ["robot", "Done."]
      ]
    )
    assert.deepStrictEqual(
      codeChanges.map(({ afterContent, beforeContent, filePath }: any) => [filePath, beforeContent, afterContent]),
      [["src/auth.ts", "a\nb", "a\nc"]]
    )
    const status = await ask(path, "status")
    assert.deepInclude(status, { running: true, activeSessions: 1, sessionsByRepo: { [repo]: 1 } })
    assert.deepStrictEqual(status.config, (await ask(path, "getConfig")).config)
    assert.isTrue(status.config.autoCapture.tools["claude-code"])
    assert.include(status.config.privacy.excludePatterns, "*.env")
    assert.deepStrictEqual(await ask(path, "saveSession", { sessionId, commitSha: sha }), { success: true })
    assert.deepStrictEqual((await ask(path, "getActiveSessions")).sessions, [])
    const [file] = readdirSync(join(repo, ".prompts/prompts"))
    const saved = readFileSync(join(repo, ".prompts/prompts", file!), "utf8")
    for (const part of ["Add JWT authentication", `gitCommit: ${sha}`, "model: claude-sonnet-4", "- demo"])
      assert.include(saved, part)
    assert.include(await home.ok(["capture", "saves", "--commit", sha.slice(0, 8)]), sessionId)
  }, 120_000)

  it("is answered as by its own daemon about sessions that are not there, and about what is no command", async () => {
    await enable()
    for (const [command, args] of [
      ["addMessage", { sessionId: "00112233445566ff", role: "user", content: "x" }],
      ["addMessage", {}],
      ["addCodeChange", { sessionId: 5 }],
      ["saveSession", { sessionId: "nobody" }]
    ] as const) {
      assert.deepStrictEqual(await ask(path, command, args), { success: true })
    }
    assert.deepStrictEqual(await ask(path, "saveSessionsForRepo", { repoPath: "/nowhere", commitSha: sha }), {
      success: true,
      sessionsSaved: 0
    })
    assert.deepStrictEqual(await ask(path, "stop"), { error: "Unknown command: stop" })
    const [nothing, broken] = await converse(path, ["{}", "{,}"], 2)
    assert.deepStrictEqual(nothing, { error: "Unknown command: undefined" })
    assert.isString(broken.error)
    // What poisoned its own daemon for everybody.
    const { sessionId } = await ask(path, "createSession", { tool: null, metadata: null })
    assert.deepInclude(await ask(path, "status"), { activeSessions: 1, sessionsByRepo: { unknown: 1 } })
    // Empty: not saved, and still there.
    assert.deepStrictEqual(await ask(path, "saveSession", { sessionId }), { success: true })
    assert.lengthOf((await ask(path, "getActiveSessions")).sessions, 1)
    await ask(path, "addMessage", { sessionId, role: "user", content: "x" })
    assert.include((await ask(path, "saveSession", { sessionId })).error, "was not saved")
    assert.lengthOf((await ask(path, "getActiveSessions")).sessions, 1)
  }, 120_000)

  it("saves what belongs to a repository, also from below it, and two that begin alike are two", async () => {
    const repo = repository(join(root, "repo"))
    mkdirSync(join(repo, "below"))
    await enable()
    for (const cwd of [repo, join(repo, "below"), root]) {
      const { sessionId } = await ask(path, "createSession", { tool: "cursor", metadata: { cwd } })
      await ask(path, "addMessage", { sessionId, role: "user", content: "the same three words" })
    }
    await ask(path, "createSession", { tool: "cursor", metadata: { repoPath: repo } })
    assert.lengthOf((await ask(path, "getActiveSessions", { repoPath: repo })).sessions, 3)
    assert.deepStrictEqual(await ask(path, "saveSessionsForRepo", { repoPath: repo, commitSha: sha }), {
      success: true,
      sessionsSaved: 3
    })
    assert.lengthOf(readdirSync(join(repo, ".prompts/prompts")), 2)
    assert.lengthOf((await ask(path, "getActiveSessions")).sessions, 2)
  }, 120_000)

  it("gets every listing in one read, however much there is, and no secret ever", async () => {
    await enable()
    const { sessionId } = await ask(path, "createSession", { tool: "t", metadata: {} })
    for (const { text } of examples)
      await ask(path, "addMessage", { sessionId, role: "user", content: `${text} ${"long ".repeat(2000)}` })
    await ask(path, "addMessage", { sessionId, role: "user", content: "y".repeat(3_000_000) })
    const { sessions } = await ask(path, "getActiveSessions")
    assert.lengthOf(sessions[0].messages, examples.length + 1)
    const text = JSON.stringify(sessions)
    assert.isAtMost(text.length, MOST_ANSWER_BYTES)
    for (const { secret } of examples) assert.notInclude(text, secret)
    for (let count = 0; count < 400; count++)
      await ask(path, "createSession", { tool: "t", metadata: { note: "z".repeat(300) } })
    assert.isAbove((await ask(path, "getActiveSessions")).sessions.length, 50)
    assert.strictEqual((await ask(path, "status")).activeSessions, 401)
  }, 120_000)
})

describe("the wire", () => {
  it("takes requests that come in pieces, several at once, with ends or without, and what is none", async () => {
    await enable()
    const whole = '{"command":"ping","x":"}{\\"é"}'
    const bytes = Buffer.from(whole)
    const pieces = Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1))
    assert.deepStrictEqual(await converse(path, pieces, 1), [{ pong: true }])
    assert.deepStrictEqual(
      await converse(path, [`${whole}${whole}\n\n ${whole}`, whole], 4),
      Array.from({ length: 4 }, () => ({ pong: true }))
    )
    const [first, second, third] = await converse(path, ["not JSON\n", '[1,"]\n', whole], 3)
    assert.isString(first.error)
    assert.isString(second.error)
    assert.deepStrictEqual(third, { pong: true })
    const [bad, good] = await converse(path, [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), whole], 2)
    assert.include(bad.error, "UTF-8")
    assert.deepStrictEqual(good, { pong: true })
    const [tooLong] = await converse(path, [Buffer.from(`{"a":"${"x".repeat(9 * 1024 * 1024)}`)], 1)
    assert.include(tooLong.error, "longer than")
    assert.deepStrictEqual(await ask(path, "ping"), { pong: true })
  }, 120_000)

  it("splits values as they are, wherever the pieces end", () => {
    const values = ['{"a":"}"}', '{"b":[{"c":"\\\\"}]}', '{"d":"\\"{"}']
    const all = Buffer.from(values.join(" \n"))
    for (let cut = 0; cut <= all.length; cut++) {
      const reader = new JsonValues(1000)
      const found = [...reader.push(all.subarray(0, cut)), ...reader.push(all.subarray(cut))]
      assert.deepStrictEqual(
        found.map((value) => ("text" in value ? value.text : "")),
        values
      )
      assert.strictEqual(reader.pendingBytes, 0)
    }
  })
})

describe("the directory in the temporary one", () => {
  it("is closed to others, and has what the clients look for", async () => {
    await enable()
    assert.strictEqual(statSync(directory).mode & 0o777, 0o700)
    for (const name of ["daemon.sock", "daemon.pid", "daemon.log"])
      assert.strictEqual(lstatSync(join(directory, name)).mode & 0o077, 0, name)
    assert.isTrue(isAlive(Number(readFileSync(join(directory, "daemon.pid"), "utf8"))))
    assert.match(readFileSync(join(directory, "daemon.pid"), "utf8"), /^\d+$/)
  })

  it("is refused where it is a link, and opened to nobody where it was", async () => {
    mkdirSync(join(root, "elsewhere"))
    symlinkSync(join(root, "elsewhere"), directory)
    const { code, stderr } = await home.hob(["dialect", "enable", "gitify"])
    assert.strictEqual(code, 1)
    assert.include(stderr, "link")
    assert.deepStrictEqual(readdirSync(join(root, "elsewhere")), [])
  })

  it("with a log that is a link has no line written through it", async () => {
    mkdirSync(directory)
    chmodSync(directory, 0o777)
    writeFileSync(join(root, "precious"), "mine\n")
    symlinkSync(join(root, "precious"), join(directory, "daemon.log"))
    await enable()
    assert.strictEqual(statSync(directory).mode & 0o777, 0o700)
    assert.strictEqual(readFileSync(join(root, "precious"), "utf8"), "mine\n")
  })
})

describe("its stop", () => {
  it("saves what its clients have begun, closes the dialect, and leaves hob alone", async () => {
    const repo = repository(join(root, "repo"))
    await enable()
    const { sessionId } = await ask(path, "createSession", { tool: "t", metadata: { cwd: repo } })
    await ask(path, "addMessage", { sessionId, role: "user", content: "save me in the end" })
    const daemon = await home.daemonPid()
    execFileSync("kill", [readFileSync(join(directory, "daemon.pid"), "utf8")])
    await until("its socket is gone", () => !existsSync(path))
    assert.lengthOf(readdirSync(join(repo, ".prompts/prompts")), 1)
    assert.strictEqual(await home.daemonPid(), daemon)
  })
})

describe("the library", () => {
  it("has its client, over hob's own protocol", async () => {
    const repo = repository(join(root, "repo"))
    const script = join(root, "client.mjs")
    writeFileSync(
      script,
      `import { DaemonClient } from ${JSON.stringify(join(import.meta.dirname, "../../../dist/client.js"))}
       const client = new DaemonClient()
       const before = await client.isRunning()
       const id = await client.createSession("claude-code", { cwd: ${JSON.stringify(repo)}, nested: {} })
       await client.addMessage(id, "user", "Your prompt")
       await client.send("addMessage", { sessionId: id, role: "assistant", content: "AI response" })
       await client.addCodeChange(id, "a.ts", "", "x")
       await client.addMessage("00112233445566ff", "user", "to nobody")
       const active = await client.getActiveSessions()
       await client.saveSession(id, ${JSON.stringify(sha)})
       const unknown = await client.send("nonsense").catch((error) => error.message)
       console.log(JSON.stringify({ before, ping: await client.send("ping"), active: active.map(({ messages, codeChanges, entries }) => [messages, codeChanges, entries.length]), left: (await client.send("status")).activeSessions, unknown }))`
    )
    const said = JSON.parse(execFileSync(process.execPath, [script], { env: home.env, encoding: "utf8" }))
    assert.deepStrictEqual(said, {
      before: false,
      ping: { pong: true },
      active: [[2, 1, 3]],
      left: 0,
      unknown: "Unknown command: nonsense"
    })
    assert.lengthOf(readdirSync(join(repo, ".prompts/prompts")), 1)
  })
})
