import { afterAll, assert, describe, it } from "vitest"
import { makeHome } from "../support/home.ts"

interface Session {
  readonly id: string
  readonly name: string | null
  readonly tags: ReadonlyArray<string>
  readonly state: string
  readonly cwd: string
  readonly command: ReadonlyArray<string>
  readonly createdAt: string
  readonly exit: { readonly code: number | null; readonly signal: string | null } | null
}

interface LogLine {
  readonly timestamp: string
  readonly session_id: string
  readonly direction: string
  readonly data: string
  readonly size: number
}

/** What the README shows, through the binary, as a reader would do it. */
describe("the tour", () => {
  const home = makeHome()
  afterAll(() => home.destroy())

  it("runs a command in the background, waits for it and tells how it ended", async () => {
    const id = (
      await home.ok(["run", "--detach", "--tag", "ci", "--cwd", "/", "--", "sh", "-c", "echo built; exit 3"])
    ).trim()
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.strictEqual((await home.ok(["wait", id, "--timeout", "10m"])).trim(), "3")
    const session = await home.json<Session>(["show", id.slice(0, 8)])
    assert.deepInclude(session, { id, name: null, tags: ["ci"], state: "exited", cwd: "/" })
    assert.deepStrictEqual(session.command, ["sh", "-c", "echo built; exit 3"])
    assert.deepInclude(session.exit, { code: 3, signal: null })
    assert.closeTo(Date.parse(session.createdAt), Date.now(), 600_000)
    assert.match(await home.ok(["output", id, "--tail", "20"]), /^built\r?\n$/)
  })

  it("lists what runs, and with --all what has ended", async () => {
    await home.ok(["run", "--detach", "--name", "sleeper", "--", "sleep", "1000"])
    const running = await home.json<{ readonly sessions: ReadonlyArray<Session> }>(["ls"])
    assert.deepStrictEqual(
      running.sessions.map(({ name }) => name),
      ["sleeper"]
    )
    const all = await home.json<{ readonly sessions: ReadonlyArray<Session> }>(["ls", "--all"])
    assert.deepStrictEqual(
      all.sessions.map(({ name }) => name),
      ["sleeper", null]
    )
    assert.match(await home.ok(["ls"]), /sleeper +running/)
  })

  it("types into a session and is told what it prints, by its name", async () => {
    await home.ok(["run", "--detach", "--name", "repl", "--", "sh", "-c", 'read line; echo "got $line"'])
    await home.ok(["send", "repl", "hello", "there", "--key", "Enter"])
    assert.include(await home.ok(["output", "-f", "repl"]), "got hello there")
  })

  it("exports a log of pipes with the direction of each piece", async () => {
    await home.ok(["run", "--detach", "--pipe", "--name", "agent", "--", "sh", "-c", "read x; echo $x; echo oh >&2"])
    await home.ok(["send", "agent", "-"], { input: "request\n" })
    await home.ok(["wait", "agent"])
    const lines = (await home.ok(["export", "agent", "--format", "jsonl"])).trim().split("\n")
    const log = lines.map((line) => JSON.parse(line) as LogLine)
    const of = (direction: string): string =>
      log
        .filter((line) => line.direction === direction)
        .map((line) => Buffer.from(line.data, "base64").toString())
        .join("")
    assert.deepStrictEqual([of("stdin"), of("stdout"), of("stderr")], ["request\n", "request\n", "oh\n"])
    for (const line of log) {
      assert.hasAllKeys(line, ["timestamp", "session_id", "direction", "data", "size"])
      assert.strictEqual(line.size, Buffer.from(line.data, "base64").length)
    }
  })

  it("ends a session with a signal, and forgets it", async () => {
    await home.ok(["kill", "sleeper", "--grace", "60s"])
    assert.deepInclude((await home.json<Session>(["show", "sleeper"])).exit, { code: null, signal: "SIGTERM" })
    await home.ok(["rm", "sleeper"])
    assert.strictEqual((await home.hob(["show", "sleeper"])).code, 4)
  })

  it("says what is in force and where it came from", async () => {
    assert.match(await home.ok(["config", "show"]), /^sessions\.maxCount +1000 +default$/m)
  })

  it("leaves nothing behind when it is told to end it all", async () => {
    await home.ok(["run", "--detach", "--", "sleep", "1000"])
    await home.ok(["stop", "--all"])
    assert.strictEqual((await home.hob(["status"])).code, 3)
  })
})
