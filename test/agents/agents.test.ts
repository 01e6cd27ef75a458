import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as bare from "../../src/client/wire/bare.ts"
import type { AgentEvent, AgentSession } from "../../src/protocol/agents.ts"
import { type Home, makeHome, until } from "../support/home.ts"

/** Agents in their sessions, with a stand-in for Claude Code. One daemon for all. */
describe("agent sessions", { timeout: 120_000 }, () => {
  let home: Home
  let root: string
  let client: bare.BareClient
  beforeAll(async () => {
    home = makeHome()
    root = join(home.paths.home, "..")
    const bin = join(root, "bin")
    mkdirSync(bin)
    mkdirSync(join(root, "here"))
    symlinkSync(join(import.meta.dirname, "children/standIn.mjs"), join(bin, "claude"))
    mkdirSync(home.paths.home, { mode: 0o700 })
    writeFileSync(
      home.paths.config,
      JSON.stringify({
        agents: { commands: { echo: { command: ["echo", "told:"] }, count: { command: ["wc", "-c"], input: "text" } } }
      })
    )
    Object.assign(home.env, { PATH: `${bin}:${process.env["PATH"]}` })
    await home.ok(["start"])
    client = await bare.open(home.paths.socket)
  })
  afterAll(async () => {
    client?.close()
    await home.destroy()
  })

  const directory = () => join(root, "here")
  const start = async (params: object) =>
    (await client.call("agents.start", { directory: directory(), ...params })) as {
      readonly session: AgentSession
      readonly isNew: boolean
    }
  const failure = async (method: string, params: object): Promise<Record<string, unknown>> => {
    try {
      await client.call(method, params)
    } catch (error) {
      if (error instanceof bare.CallError && error.data !== undefined) return error.data as Record<string, unknown>
      throw error
    }
    throw new Error(`${method} did not fail`)
  }
  const refused = (params: object) => failure("agents.start", { directory: directory(), ...params })
  const listed = async () =>
    ((await client.call("agents.list", { all: true })) as { sessions: ReadonlyArray<AgentSession> }).sessions
  const one = async (id: string) => (await listed()).find(({ session }) => session.id === id)!
  const turned = (id: string, turns: number) =>
    until(`${turns} turns have ended`, async () => (await one(id)).turns === turns)
  /** Events up to the end of so many turns. */
  const events = async (params: object, turns = 1): Promise<ReadonlyArray<AgentEvent>> => {
    const all: Array<AgentEvent> = []
    const stream = client.subscribe("agents.events", { follow: true, ...params }) as AsyncGenerator<AgentEvent>
    for await (const event of stream) {
      all.push(event)
      if (event.type === "turn-ended" && --turns === 0) break
    }
    return all
  }

  it("run in their directory, take turns in one process, and are known by what they say", async () => {
    const { isNew, session } = await start({ prompt: "write hello.txt", name: "first", tags: ["x"], env: { A: "b" } })
    assert.isTrue(isNew)
    const { id } = session.session
    assert.include(session, { agent: "claude", state: "working", takesTurns: true })
    assert.include(session.session, { kind: "pipe", cwd: directory(), name: "first" })
    const first = await events({ session: "first" })
    assert.deepStrictEqual(
      first.map(({ type }) => type),
      ["ready", "tool", "tool-result", "text", "turn-ended"]
    )
    assert.isTrue(existsSync(join(directory(), "hello.txt")))
    await turned(id, 1)
    assert.strictEqual((await one(id)).state, "idle")
    await client.call("agents.turn", { session: id, text: "and now\nthis" })
    const second = await events({ session: id, since: first.at(-1)!.offset })
    assert.include(second.at(-1)!, { type: "turn-ended", text: "done: and now\nthis" })
    assert.deepStrictEqual(await events({ session: id }, 2), [...first, ...second])
    await turned(id, 2)
    const now = await one(id)
    assert.include(now, { turns: 2, costUsd: 0.0048, agentSession: "11111111-2222-4333-8444-555555555555" })
    assert.include(now.lastResult, { isError: false, text: "done: and now\nthis" })
    // As it came, too.
    const raw = await home.ok(["output", "first"])
    assert.include(raw, '"type":"result"')
  })

  it("say what they say on their channel", async () => {
    const { session } = await start({})
    const { id } = session.session
    const heard: Array<any> = []
    const stream = client.subscribe("channels.subscribe", { patterns: [`agents:${id}`] }) as AsyncGenerator<any>
    for await (const item of stream) {
      if (item.type === "subscribed") await client.call("agents.turn", { session: id, text: "fail" })
      if (item.type === "event") heard.push(item.message)
      if (item.message?.event === "turn-ended") break
    }
    assert.deepStrictEqual(
      heard.map(({ event }) => event),
      ["ready", "text", "turn-ended"]
    )
    assert.include(heard[2], { id, isError: true, text: "done: fail" })
    assert.isAbove(heard[2].offset, 0)
  })

  it("of one that ends by itself, or is told that no turn follows, the session ends", async () => {
    const { session } = await start({ prompt: "bye", endInput: true })
    await until("it has ended", async () => (await one(session.session.id)).state === "ended")
    await turned(session.session.id, 1)
    const died = await start({ prompt: "die" })
    await until("it has died", async () => (await one(died.session.session.id)).state === "ended")
    assert.strictEqual((await one(died.session.session.id)).session.exit?.code, 3)
    assert.include(await failure("agents.turn", { session: died.session.session.id, text: "x" }), {
      _tag: "SessionEnded"
    })
  })

  it("others than Claude Code are told what to do as their last argument, or on their standard input", async () => {
    const echo = await start({ agent: "echo", prompt: "this and that" })
    const count = await start({ agent: "count", prompt: "12345" })
    for (const { session } of [echo, count]) {
      await until("it has ended", async () => (await one(session.session.id)).state === "ended")
    }
    assert.strictEqual(await home.ok(["output", echo.session.session.id]), "told: this and that\n")
    assert.strictEqual((await home.ok(["output", count.session.session.id])).trim(), "6")
    assert.include(await failure("agents.turn", { session: echo.session.session.id, text: "x" }), {
      _tag: "AgentTakesNoTurns"
    })
    assert.include(await refused({ agent: "echo" }), { _tag: "AgentNeedsPrompt" })
    const any = await start({ command: ["cat"], prompt: "typed", endInput: true })
    await until("it has ended", async () => (await one(any.session.session.id)).state === "ended")
    assert.strictEqual(await home.ok(["output", any.session.session.id]), "typed\n")
    assert.isNull(any.session.agent)
  })

  it("a key that came before starts nothing, from many callers at once, and after the daemon's death", async () => {
    const request = { prompt: "once", idempotencyKey: "task-1", createDirectory: true }
    const many = await Promise.all(Array.from({ length: 20 }, () => start(request)))
    const ids = new Set(many.map(({ session }) => session.session.id))
    assert.strictEqual(ids.size, 1)
    assert.strictEqual(many.filter(({ isNew }) => isNew).length, 1)
    assert.include(await refused({ ...request, prompt: "other" }), {
      _tag: "IdempotencyConflict",
      session: [...ids][0]
    })
    const [id] = [...ids]
    await turned(id!, 1)
    client.close()
    await home.killDaemon()
    await home.ok(["start"])
    client = await bare.open(home.paths.socket)
    const again = await start(request)
    assert.isFalse(again.isNew)
    assert.strictEqual(again.session.session.id, id)
    // And it is heard again: the same process takes its next turn.
    await client.call("agents.turn", { session: id!, text: "after all" })
    await turned(id!, 2)
    // Once what it started is removed, the key is free.
    await client.call("sessions.remove", { session: id!, force: true })
    await until("the key is free", async () => (await start(request)).isNew)
  })

  it("are refused with what is wrong, and nothing is started or made", async () => {
    const file = join(root, "file")
    writeFileSync(file, "")
    const closed = join(root, "closed")
    mkdirSync(closed)
    const before = (await listed()).length
    const directories: ReadonlyArray<readonly [string, string, boolean?]> = [
      ["here", "relative"],
      [join(root, "missing"), "missing"],
      [file, "not-a-directory"],
      [join(file, "below"), "not-a-directory"],
      [join(file, "below"), "cannot-be-made", true],
      ["/proc/self", "system"],
      ["/proc/hob-was-here", "system", true],
      ["/sys/x", "system", true],
      [`${root}/here/../../../../../../../proc/1`, "system"]
    ]
    symlinkSync("/proc/self", join(root, "link"))
    for (const [path, reason, create] of [...directories, [join(root, "link"), "system"] as const]) {
      const error = await refused({ directory: path, ...(create === true ? { createDirectory: true } : {}) })
      assert.include(error, { _tag: "AgentDirectoryUnusable", reason }, path)
    }
    if (process.getuid?.() !== 0) {
      chmodSync(closed, 0o500)
      const error = await refused({ directory: join(closed, "x"), createDirectory: true })
      assert.include(error, { _tag: "AgentDirectoryUnusable", reason: "cannot-be-made" })
    }
    assert.include(await refused({ agent: "nobody" }), { _tag: "UnknownAgent", agent: "nobody" })
    assert.include(await refused({ command: ["/no/such/program"] }), {
      _tag: "SpawnFailed",
      reason: "command-not-found"
    })
    assert.include(await refused({ agent: "codex", prompt: "x", command: ["no-such-agent"] }), { _tag: "SpawnFailed" })
    assert.include(await refused({ name: "first" }), { _tag: "SessionNameTaken" })
    assert.include(await failure("agents.events", { session: (await sleeper()).id }), {
      _tag: "AgentTakesNoTurns",
      agent: null
    })
    assert.strictEqual((await listed()).length, before)
    assert.isFalse(existsSync(join(root, "missing")))
    // A start that failed takes no key.
    await refused({ directory: join(root, "missing"), idempotencyKey: "free" })
    assert.isTrue(
      (await start({ directory: join(root, "made/deep"), createDirectory: true, idempotencyKey: "free" })).isNew
    )
  })

  const sleeper = async () =>
    (await client.call("sessions.run", { command: ["sleep", "600"], cwd: root })) as { readonly id: string }

  it("the command line starts, talks and listens", async () => {
    const env = { PWD: directory() }
    const said = await home.ok(["agent", "start", "--follow", "--cwd", directory(), "-n", "cli", "write", "b.txt"], {
      env
    })
    assert.match(said, /^\[Write .*\]\ndone: write b\.txt\n\[done, 0\.0 s, \$0\.0024\]\n$/)
    assert.strictEqual(readFileSync(join(directory(), "b.txt"), "utf8"), "hello\n")
    const turn = await home.ok(["agent", "turn", "cli", "-f", "-"], { input: "from a pipe" })
    assert.include(turn, "done: from a pipe")
    const lines = (await home.ok(["agent", "events", "cli", "--json"])).trim().split("\n")
    assert.strictEqual(lines.length, 8)
    const { agents } = await home.json<{ agents: ReadonlyArray<{ name: string }> }>(["agent", "known"])
    assert.includeMembers(
      agents.map(({ name }) => name),
      ["claude", "codex", "gemini", "echo"]
    )
    const failed = await home.hob(["agent", "turn", "cli", "-f", "fail"])
    assert.strictEqual(failed.code, 1)
    assert.include(failed.stdout, "the turn failed: done: fail")
  })
})
