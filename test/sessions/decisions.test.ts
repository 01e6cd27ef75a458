import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { HobConfig } from "../../src/config/HobConfig.ts"
import { SessionId } from "../../src/protocol/index.ts"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { answered, type Entry, stateOf, told, toSession } from "../../src/sessions/entry.ts"
import { sessionEnvironment } from "../../src/config/environment.ts"
import { resolveSession } from "../../src/sessions/resolve.ts"
import { decideStart, type RunOptions } from "../../src/sessions/start.ts"
import { expired } from "../../src/sessions/retention.ts"

const id = (start: string) => SessionId.make(`${start.padEnd(8, "0")}-0000-4000-8000-000000000000`)

const file = (start: string): Entry["file"] => ({
  id: id(start),
  name: null,
  tags: [],
  command: ["sh"],
  cwd: "/",
  kind: "pty",
  cols: 80,
  rows: 24,
  createdAt: "2026-01-01T00:00:00.000Z"
})

const held = (start: string): HostSession => ({
  ...file(start),
  pid: 7,
  exit: null,
  closedAt: null,
  output: { oldest: 0, end: 5 },
  logLostBytes: 0,
  clients: 0
})

describe("a session is found", () => {
  const sessions = [
    { id: id("ab1"), name: "build", open: true, createdAt: "2026-01-01" },
    { id: id("ab2"), name: null, open: true, createdAt: "2026-01-01" },
    { id: id("cd"), name: "ab", open: true, createdAt: "2026-01-01" }
  ]
  const found = (ref: string) => Result.map(resolveSession(sessions, ref), ({ id }) => id)

  it("by its whole id, by its name, by a prefix that only it has", () => {
    assert.deepStrictEqual(found(id("ab1")), Result.succeed(id("ab1")))
    assert.deepStrictEqual(found("build"), Result.succeed(id("ab1")))
    assert.deepStrictEqual(found("ab2"), Result.succeed(id("ab2")))
    assert.deepStrictEqual(found("AB2"), Result.succeed(id("ab2")))
  })

  it("by a name even when ids begin with it", () => {
    assert.deepStrictEqual(found("ab"), Result.succeed(id("cd")))
  })

  it("not by a prefix that several have: the error lists them", () => {
    const result = resolveSession(sessions.slice(0, 2), "ab")
    assert.isTrue(Result.isFailure(result) && result.failure._tag === "SessionAmbiguous")
    if (Result.isFailure(result) && result.failure._tag === "SessionAmbiguous") {
      assert.deepStrictEqual(
        result.failure.candidates.map(({ id }) => id),
        [id("ab1"), id("ab2")]
      )
    }
  })

  it("by a name that was given again: the one that has not ended, else the newest", () => {
    const again = (...rows: ReadonlyArray<readonly [start: string, open: boolean, createdAt: string]>) =>
      Result.map(
        resolveSession(
          rows.map(([start, open, createdAt]) => ({ id: id(start), name: "build", open, createdAt })),
          "build"
        ),
        (session) => session.id
      )
    assert.deepStrictEqual(again(["a1", true, "2026-01-01"], ["a2", false, "2026-01-02"]), Result.succeed(id("a1")))
    assert.deepStrictEqual(again(["a1", false, "2026-01-02"], ["a2", false, "2026-01-01"]), Result.succeed(id("a1")))
  })

  it("not by one letter, and not by what nobody has", () => {
    assert.isTrue(Result.isFailure(found("c")))
    assert.isTrue(Result.isFailure(found("nobody")))
  })
})

describe("a session's environment", () => {
  const base = {
    daemon: { PATH: "/daemon/bin", SECRET: "s", LANG: "C.UTF-8" },
    deny: ["CLAUDECODE", "HOB_*"],
    allow: ["PATH", "LANG"],
    user: { name: "ada", home: "/home/ada", shell: "/bin/sh" },
    kind: "pty" as const,
    session: { HOB_SESSION_ID: "1" }
  }

  it("is the caller's, less what the deny list names", () => {
    const env = sessionEnvironment({
      ...base,
      caller: { A: "1", CLAUDECODE: "1", HOB_SOCKET: "x", CLAUDECODE2: "kept", TERM: "screen" }
    })
    assert.deepStrictEqual(env, { A: "1", CLAUDECODE2: "kept", TERM: "screen", HOB_SESSION_ID: "1" })
  })

  it("without a caller is the user's, with what the allow list picks from the daemon's", () => {
    const env = sessionEnvironment({ ...base, caller: null })
    assert.strictEqual(env["PATH"], "/daemon/bin")
    assert.strictEqual(env["HOME"], "/home/ada")
    assert.strictEqual(env["SHELL"], "/bin/sh")
    assert.notProperty(env, "SECRET")
  })

  it("has a TERM that programs can use under a PTY, and none of ours on pipes", () => {
    assert.strictEqual(sessionEnvironment({ ...base, caller: { TERM: "dumb" } })["TERM"], "xterm-256color")
    assert.notProperty(sessionEnvironment({ ...base, kind: "pipe", caller: {} }), "TERM")
  })
})

describe("a session's state", () => {
  it("is what the host and the exit record say, and lost when neither says anything", () => {
    const entry: Entry = { file: file("aa"), host: null, exit: null, starting: true }
    assert.strictEqual(stateOf(entry), "starting")
    const running = told(entry, held("aa"))
    assert.strictEqual(stateOf(running), "running")
    assert.strictEqual(toSession(running).pid, 7)
    const exit = { code: 3, signal: null, at: "2026-01-01T00:00:01.000Z", reason: null }
    const exited = told(running, { ...held("aa"), pid: null, exit })
    assert.strictEqual(stateOf(exited), "exited")
    assert.strictEqual(toSession(exited).pid, null)
    assert.strictEqual(stateOf({ ...running, host: null }), "lost")
  })

  it("never goes back from ended, and no answer overtakes the event that says so", () => {
    const exit = { code: 0, signal: null, at: "2026-01-01T00:00:01.000Z", reason: null }
    const last = { ...held("aa"), pid: null, exit, closedAt: exit.at }
    const closed = told(undefined, last)
    assert.strictEqual(closed.host, null)
    assert.strictEqual(answered(closed, held("aa")), closed)
    const running = told(undefined, held("aa"))
    assert.strictEqual(stateOf(answered(running, last)), "running")
    const exited = told(running, { ...held("aa"), pid: null, exit })
    assert.strictEqual(stateOf(answered(exited, held("aa"))), "exited")
  })
})

describe("retention", () => {
  const ended = (start: string, closedAt: string): Entry => ({
    file: file(start),
    host: null,
    starting: false,
    exit: {
      exit: { code: 0, signal: null, at: closedAt, reason: null },
      closedAt,
      output: { oldest: 0, end: 0 },
      logLostBytes: 0
    }
  })
  const now = Date.parse("2026-01-10T00:00:00.000Z")
  const day = 24 * 3600 * 1000

  it("forgets the oldest beyond the count and those past the age, and never one that runs", () => {
    const entries = [
      ended("a1", "2026-01-09T00:00:00.000Z"),
      ended("a2", "2026-01-08T00:00:00.000Z"),
      ended("a3", "2026-01-02T00:00:00.000Z"),
      { file: file("a4"), host: held("a4"), exit: null, starting: false }
    ]
    const gone = (retainCount: number, retainMillis: number) =>
      expired(entries, { retainCount, retainMillis }, now).map(({ file }) => file.id)
    assert.deepStrictEqual(gone(2, 100 * day), [id("a3")])
    assert.deepStrictEqual(gone(10, 5 * day), [id("a3")])
    assert.deepStrictEqual(gone(0, 100 * day), [id("a1"), id("a2"), id("a3")])
  })
})

const defaultSettings = Effect.provide(
  Effect.flatMap(HobConfig, ({ get }) => get),
  HobConfig.layerTest()
)

describe("a start", () => {
  const settings = { ...Effect.runSync(defaultSettings).sessions, maxCount: 2 }
  const decide = (options: RunOptions, entries: ReadonlyArray<Entry> = []) =>
    decideStart(entries, options, {
      id: id("e1"),
      createdAt: "2026-01-01T00:00:00.000Z",
      settings,
      user: { home: "/home/ada", shell: "/bin/ash" }
    })
  const reason = (options: RunOptions, entries?: ReadonlyArray<Entry>) => {
    const decided = decide(options, entries)
    return Result.isSuccess(decided)
      ? "allowed"
      : decided.failure._tag === "SpawnFailed"
        ? decided.failure.reason
        : decided.failure._tag
  }
  const running = (start: string, name: string | null = null): Entry => ({
    file: { ...file(start), name },
    host: held(start),
    exit: null,
    starting: false
  })

  it("without a command is the user's shell, at home, in a terminal of the usual size", () => {
    const decided = decide({})
    assert.isTrue(Result.isSuccess(decided))
    if (Result.isSuccess(decided)) {
      const { cols, command, cwd, kind, rows } = decided.success
      assert.deepStrictEqual([command, cwd, kind, cols, rows], [["/bin/ash"], "/home/ada", "pty", 80, 24])
    }
  })

  it("with a command that is empty is refused", () => {
    assert.strictEqual(reason({ command: [] }), "empty-command")
    assert.strictEqual(reason({ command: [""] }), "empty-command")
  })

  it("beyond the limit is refused, and so is a name that a running session has", () => {
    assert.strictEqual(reason({}, [running("a1"), running("a2")]), "too-many-sessions")
    assert.strictEqual(reason({ name: "one" }, [running("a1", "one")]), "SessionNameTaken")
    assert.strictEqual(reason({ name: "one" }, [{ ...running("a1", "one"), host: null }]), "allowed")
  })
})
