import { mkdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isAlive, until } from "../../support/home.ts"
import { screensPid } from "../../screens/support.ts"
import { bytesOf, readLog } from "./client.ts"
import { type DialectHome, makeDialectHome } from "./home.ts"

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00$/

let home: DialectHome
beforeAll(async () => {
  home = await makeDialectHome()
}, 120_000)
afterAll(() => home.destroy())

const only = async (id: string) => (await home.client.list()).find((info) => info.id === id)

const submitted = (log: string) => home.printed(log, "submitted").map((text) => JSON.parse(text) as string)

describe("claude-sessions, to its clients", () => {
  it("starts a session where it is told, lists it, stops it, and keeps its log", async () => {
    const { client, project } = home
    await client.ping()
    const { id, log } = await client.start(project)
    assert.match(id, UUID_V4)
    assert.strictEqual(log, join(home.env["HOME"]!, `.claude-sessions/logs/${id}.jsonl`))
    await home.untilPrinted(log, `ready in ${project}`)
    const info = await only(id)
    assert.deepInclude(info, { id, working_dir: project, status: "running", log_path: log })
    assert.match(info!.created_at, RFC_3339)
    assert.deepStrictEqual(Object.keys(info!), ["id", "working_dir", "created_at", "status", "log_path"])
    assert.strictEqual(await client.stop(id), id)
    assert.isUndefined(await only(id))
    assert.include(bytesOf(log, "output").toString(), "ready in")
    // To hob it is a session like any other.
    const session = await home.json<{ tags: ReadonlyArray<string>; state: string }>(["show", id])
    assert.strictEqual(session.state, "exited")
  })

  it("runs it at 80 columns and 24 rows, with the home that its clients have", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.client.send(id, "/size")
    await home.untilPrinted(log, "size 80x24")
    await home.client.send(id, "/home")
    await until("it is said", () => home.printed(log, "home").length === 1)
    assert.deepStrictEqual(home.printed(log, "home"), [home.env["HOME"]!])
    await home.client.stop(id)
  })

  it("submits what is sent, each time, as one message", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    const messages = ["hello", "again", "two\nlines", "ünï ✓ 😀", "with its own end\n", ""]
    for (const [index, message] of messages.entries()) {
      await home.client.send(id, message)
      await until("it is submitted", () => home.printed(log, "submitted").length === index + 1)
    }
    const expected = ["hello", "again", "two\nlines", "ünï ✓ 😀", "with its own end", ""]
    assert.deepStrictEqual(
      home.printed(log, "submitted").map((text) => JSON.parse(text) as string),
      expected
    )
    // What was typed is in the log too, as bytes.
    assert.include(bytesOf(log, "input").toString(), "ünï ✓ 😀")
    for (const line of readLog(log)) {
      assert.strictEqual(line.session_id, id)
      assert.match(line.timestamp, RFC_3339)
      assert.isAtMost(line.size, 8192)
    }
    await home.client.stop(id)
  })

  it("submits a message also to a program that is busy, or slow with a long one: nothing of it becomes a new line", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.client.send(id, "/busy 1500")
    await home.client.send(id, "meanwhile")
    const long = Array.from({ length: 1500 }, (_, line) => `line ${line} of a long message, ünï`).join("\n")
    await home.client.send(id, long)
    await until("all are submitted", () => home.printed(log, "submitted").length === 3)
    assert.deepStrictEqual(submitted(log), ["/busy 1500", "meanwhile", long])
    await home.client.stop(id)
  })

  it("keeps messages apart that several clients send at once, whoever they are", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    const messages = Array.from({ length: 6 }, (_, each) => `message ${each} ${"x".repeat(each * 200)}`)
    const others = ["by hob", "by hob too"]
    await Promise.all([
      ...messages.map((message) => home.client.send(id, message)),
      ...others.map((message) => home.ok(["send", "--submit", id, message]))
    ])
    await until("all are submitted", () => home.printed(log, "submitted").length === messages.length + others.length)
    assert.sameMembers([...submitted(log)], [...messages, ...others])
    await home.client.stop(id)
  })

  it("makes no message an answer to what is asked, but a key; what are keys is typed as it is", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.client.send(id, "/ask")
    await until("it waits", async () => {
      const { activity } = await home.json<{ activity: { state: string } }>(["show", id])
      return activity.state === "waiting"
    })
    const before = bytesOf(log, "input").toString()
    const refused = await home.client.ask({ type: "send_input", session_id: id, text: "go on with the next one" })
    assert.match(String(refused["message"]), /^Failed to send input: It asks its user something .*Nothing was typed/)
    await home.client.send(id, "2")
    await until("it is chosen", () => home.printed(log, "chosen").length === 1)
    assert.deepStrictEqual(home.printed(log, "chosen"), ['"2"'])
    await until("it asks no more", async () => {
      const { activity } = await home.json<{ activity: { state: string } }>(["show", id])
      return activity.state !== "waiting"
    })
    await home.client.send(id, "a\u0001b")
    await until("it is typed", () => bytesOf(log, "input").toString().endsWith("\r"))
    assert.strictEqual(bytesOf(log, "input").toString().slice(before.length), "2a\u0001b\r")
    await home.client.stop(id)
  })

  it("submits without the screens process too", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    const screens = await screensPid(home.paths.home)
    process.kill(screens, "SIGSTOP")
    try {
      await home.client.send(id, "without")
      await until("it is submitted", () => home.printed(log, "submitted").length === 1)
      assert.deepStrictEqual(submitted(log), ["without"])
    } finally {
      process.kill(screens, "SIGCONT")
    }
    await home.client.stop(id)
  })

  it("ends all of a session's processes, those that ignore it too", async () => {
    const { id, log } = await home.client.start(home.project)
    await home.untilPrinted(log, "ready in")
    await home.client.send(id, "/fork")
    await until("it has a child", () => home.printed(log, "child").length === 1)
    const child = Number(home.printed(log, "child")[0])
    const { pid } = await home.json<{ pid: number }>(["show", id])
    assert.isTrue(isAlive(child))
    await home.client.stop(id)
    await until("both are gone", () => !isAlive(child) && !isAlive(pid))
  })

  it("says how a session ended by itself, until it is stopped: then it is gone from the list", async () => {
    for (const [code, status] of [
      [0, "stopped"],
      [3, "crashed"]
    ] as const) {
      const { id, log } = await home.client.start(home.project)
      await home.untilPrinted(log, "ready in")
      await home.client.send(id, `/exit ${code}`)
      await until("it has ended", async () => (await only(id))?.status === status)
      assert.strictEqual(
        (await home.client.ask({ type: "send_input", session_id: id, text: "x" }))["message"],
        "Failed to send input: Session not found or not active (no PTY handle)"
      )
      await home.client.stop(id)
      assert.isUndefined(await only(id))
    }
  })

  it("knows its own sessions and no other of hob's", async () => {
    const other = (await home.ok(["run", "--detach", "--", "sleep", "1000"])).trim()
    assert.isUndefined(await only(other))
    assert.deepStrictEqual(await home.client.ask({ type: "stop_session", session_id: other }), {
      type: "error",
      message: `Failed to stop session: Session not found: ${other}`
    })
    assert.deepInclude(await home.client.ask({ type: "send_input", session_id: other, text: "x" }), { type: "error" })
    assert.strictEqual((await home.json<{ state: string }>(["show", other])).state, "running")
    await home.ok(["kill", other])
  })

  it("takes a session of hob's that is given its tag, on pipes too", async () => {
    const other = (await home.ok(["run", "--detach", "--pipe", "--tag", "claude-sessions", "--", "cat"])).trim()
    const info = await only(other)
    assert.strictEqual(info?.status, "running")
    await home.client.send(other, "a line")
    await home.client.send(other, "another\n")
    await until("they are printed", async () => (await home.ok(["output", other])) === "a line\nanother\n")
    await until("they are in its log", () => bytesOf(info!.log_path, "output").toString() === "a line\nanother\n")
    await home.client.stop(other)
  })

  it("says what is wrong in its own words", async () => {
    const message = async (request: object) => {
      const answer = await home.client.ask(request)
      assert.deepStrictEqual(Object.keys(answer), ["type", "message"])
      assert.strictEqual(answer.type, "error")
      return answer["message"]
    }
    const none = "00000000-0000-4000-8000-000000000000"
    const start = (working_dir: string) => message({ type: "start_session", working_dir })
    assert.strictEqual(
      await start('/no/"such"\ndirectory'),
      'Failed to start session: Working directory does not exist: "/no/\\"such\\"\\ndirectory"'
    )
    assert.strictEqual(await start(""), 'Failed to start session: Working directory does not exist: ""')
    assert.match(String(await start("relative")), /^Failed to start session: .*not absolute: "relative"/)
    assert.match(
      String(await start(join(home.project, "../bin/claude"))),
      /^Failed to start session: .*not a directory/
    )
    assert.strictEqual(await message({ type: "stop_session", session_id: "x" }), "Invalid session ID format")
    assert.strictEqual(await message({ type: "send_input", session_id: "x", text: "" }), "Invalid session ID format")
    for (const form of [none, none.toUpperCase(), none.replaceAll("-", ""), `{${none}}`, `urn:uuid:${none}`]) {
      assert.strictEqual(
        await message({ type: "stop_session", session_id: form }),
        `Failed to stop session: Session not found: ${none}`
      )
    }
    assert.strictEqual(
      await message({ type: "send_input", session_id: none, text: "x" }),
      "Failed to send input: Session not found or not active (no PTY handle)"
    )
    assert.strictEqual(await home.client.attach("anything"), "Attach not implemented yet")
  })

  it("takes an id in any form that its program takes, and gives it back as it was said", async () => {
    const { id } = await home.client.start(home.project)
    const form = `{${id.toUpperCase()}}`
    assert.strictEqual(await home.client.stop(form), form)
    assert.isUndefined(await only(id))
  })

  it("keeps directories and files to their owner", async () => {
    const { id, log } = await home.client.start(home.project)
    const mode = (path: string) => statSync(path).mode & 0o777
    assert.strictEqual(mode(join(log, "../..")), 0o700)
    assert.strictEqual(mode(join(log, "..")), 0o700)
    assert.strictEqual(mode(log), 0o600)
    assert.strictEqual(mode(home.client.socket), 0o600)
    await home.client.stop(id)
  })

  it("runs what the configuration says", async () => {
    const other = await makeDialectHome({
      HOB_DIALECTS_CLAUDE_SESSIONS_COMMAND: '["sh", "-c", "echo instead; exec cat"]'
    })
    try {
      mkdirSync(join(other.project, "a b"))
      const { id, log } = await other.client.start(join(other.project, "a b"))
      await other.untilPrinted(log, "instead")
      await other.client.stop(id)
      // Said when it is enabled, it goes before the setting; and is left out, it does not any more.
      await other.ok(["dialect", "enable", "claude-sessions", "--", "sh", "-c", "echo${IFS}again;exec${IFS}cat"])
      const next = await other.client.start(other.project)
      await other.untilPrinted(next.log, "again")
      assert.strictEqual((await other.client.list()).length, 1)
      await other.ok(["dialect", "enable", "claude-sessions"])
      assert.strictEqual((await other.client.list()).length, 1)
      await other.client.stop(next.id)
    } finally {
      await other.destroy()
    }
  })

  it("says so in its own words when there is no such program", async () => {
    const other = await makeDialectHome({ HOB_DIALECTS_CLAUDE_SESSIONS_COMMAND: '["no-such-program"]' })
    try {
      assert.deepStrictEqual(await other.client.ask({ type: "start_session", working_dir: other.project }), {
        type: "error",
        message: "Failed to start session: Failed to spawn Claude Code PTY"
      })
    } finally {
      await other.destroy()
    }
  })
})
