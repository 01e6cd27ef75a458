import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { CaptureAgent } from "../../src/protocol/captureHooks.ts"
import { claudeEnd, claudeTurn, codexHooks, codexNotify, cursorHooks, geminiHooks } from "./agents.ts"
import { directory, git, open, repository } from "./support.ts"

let calls = 0
const call = (agent: CaptureAgent, event: object, more: object = {}) => ({
  agent,
  id: (++calls).toString(16).padStart(16, "0"),
  event: event as Record<string, unknown>,
  ...more
})

const prepared = Effect.gen(function* () {
  const at = yield* directory
  const repo = repository(join(at, "repo"))
  const opened = yield* open(at)
  const { captures } = opened
  /** Tells them, each twice, as a hook that was not sure does. */
  const tell = (agent: CaptureAgent, events: ReadonlyArray<object>) =>
    Effect.forEach(events, (event) => {
      const each = call(agent, event)
      return Effect.andThen(captures.hook(each), captures.hook(each))
    })
  const told = Effect.gen(function* () {
    const all = yield* captures.list({ all: true })
    const shown = yield* Effect.forEach(all, ({ id }) => captures.show({ capture: id }))
    return shown.map(({ capture, entries, metadata }) => ({
      tool: capture.tool,
      state: capture.state,
      repository: capture.repository,
      metadata,
      entries: entries.map((entry) =>
        entry.type === "message" ? `${entry.role}: ${entry.content}` : `${entry.kind} ${entry.path}\n${entry.diff}`
      )
    }))
  })
  return { at, repo, ...opened, tell, told }
})

describe("the hooks of", () => {
  it.effect("Claude Code make a capture of its session: prompts, answers, edits, its model, its end", () =>
    Effect.gen(function* () {
      const { repo, tell, told } = yield* prepared
      yield* tell("claude", [...claudeTurn("s1", repo, { prompt: "Please create hello.txt" }), claudeEnd("s1", repo)])
      assert.deepStrictEqual(yield* told, [
        {
          tool: "claude-code",
          state: "closed",
          repository: repo,
          metadata: { model: "claude-opus-5-5" },
          entries: [
            "user: Please create hello.txt",
            "created hello.txt\n@@ -0,0 +1 @@\n+hello from mock\n",
            "modified hello.txt\n@@ -1 +1 @@\n-hello from mock\n+good$&bye from mock\n",
            "assistant: All done."
          ]
        }
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("Codex and its notification tell the same turn once", () =>
    Effect.gen(function* () {
      const { repo, tell, told } = yield* prepared
      // What `hob capture hook` has read in Codex' own record.
      const file_changes = [
        { id: "call_2", changes: { [join(repo, "src/new.ts")]: { type: "add", content: "export {}\n" } } },
        {
          id: "call_3",
          changes: {
            [join(repo, "gone.ts")]: { type: "delete", content: "x\n" },
            [join(repo, "a.ts")]: {
              type: "update",
              unified_diff: "@@ -1 +1 @@\n-a\n+b\n",
              move_path: join(repo, "b.ts")
            }
          }
        }
      ]
      yield* tell("codex", [...codexHooks(repo), { ...codexNotify(repo), file_changes }])
      const [capture] = yield* told
      assert.deepInclude(capture, { tool: "codex", metadata: { model: "gpt-5-codex" } })
      assert.deepStrictEqual(capture!.entries, [
        "user: create hello.txt",
        "created src/new.ts\n@@ -0,0 +1 @@\n+export {}\n",
        "modified old.ts\n@@\n-one\n+two\n",
        "assistant: Done: hello.txt written.",
        "deleted gone.ts\n@@ -1 +0,0 @@\n-x\n",
        "renamed b.ts\n@@ -1 +1 @@\n-a\n+b\n"
      ])
    }).pipe(Effect.scoped)
  )

  it.effect("Gemini CLI and Cursor are understood as well; of a user's address nothing is kept", () =>
    Effect.gen(function* () {
      const { repo, tell, told } = yield* prepared
      yield* tell("gemini", geminiHooks(repo))
      yield* tell("cursor", cursorHooks(repo))
      const [cursor, gemini] = yield* told
      assert.deepStrictEqual(gemini!.entries, [
        "user: create hello.txt",
        "created hello.txt\n@@ -0,0 +1 @@\n+hi\n",
        "assistant: Done."
      ])
      assert.strictEqual(gemini!.state, "closed")
      assert.deepStrictEqual(cursor!.entries, [
        "user: rename it",
        "modified a.ts\n@@ -1 +1 @@\n-a\n+b\n",
        "assistant: Renamed."
      ])
      assert.notInclude(JSON.stringify([cursor, gemini]), "ada@example.com")
    }).pipe(Effect.scoped)
  )

  it.effect("a turn of Gemini that has a number is the same one, whoever tells of it", () =>
    Effect.gen(function* () {
      const { repo, tell, told } = yield* prepared
      const numbered = (turn: number) => geminiHooks(repo).map((event) => Object.assign({}, event, { turn }))
      yield* tell("gemini", numbered(1))
      yield* tell(
        "gemini",
        numbered(1).map((event) =>
          Object.assign({}, event, { timestamp: "2026-11-22T00:00:00.000Z", model: "gemini-3.8-flash" })
        )
      )
      const before = (yield* told)[0]!
      assert.lengthOf(before.entries, 3)
      assert.deepStrictEqual(before.metadata, { model: "gemini-3.8-flash" })
      yield* tell("gemini", numbered(2))
      assert.lengthOf((yield* told)[0]!.entries, 6)
    }).pipe(Effect.scoped)
  )

  it.effect("an agent that goes on in another work tree are two captures; one that said nothing is none", () =>
    Effect.gen(function* () {
      const { at, captures, repo, tell, told } = yield* prepared
      git(repo, "worktree", "add", "-q", join(at, "side"), "-b", "side")
      mkdirSync(join(repo, "below"))
      yield* tell("claude", claudeTurn("s1", join(repo, "below"), { prompt: "in the first", path: "x" }))
      yield* tell("claude", claudeTurn("s1", join(at, "side"), { prompt: "in the second one", path: "x" }))
      assert.deepStrictEqual(
        (yield* told).map((each) => each.repository),
        [join(at, "side"), repo]
      )
      assert.include((yield* told)[1]!.entries[1]!, "created below/x")
      yield* tell("claude", [claudeTurn("s2", repo, { prompt: "x" })[0]!])
      assert.lengthOf(yield* captures.list(), 3)
      yield* tell("claude", [claudeEnd("s2", repo), claudeEnd("never seen", repo)])
      assert.lengthOf(yield* captures.list({ all: true }), 2)
    }).pipe(Effect.scoped)
  )

  it.effect("a later version, or of nobody, are taken and forgotten", () =>
    Effect.gen(function* () {
      const { captures, repo, tell } = yield* prepared
      yield* tell("claude", [
        {},
        { session_id: "s", hook_event_name: "SomethingNew", cwd: repo },
        { session_id: 5, hook_event_name: "Stop" },
        { session_id: "s", hook_event_name: "PostToolUse", cwd: repo, tool_name: "Write", tool_response: { ok: true } },
        {
          session_id: "s",
          hook_event_name: "UserPromptSubmit",
          cwd: "not absolute",
          prompt: "hi",
          added: { deep: [1] }
        }
      ])
      const all = yield* captures.list({ all: true })
      assert.deepStrictEqual(
        all.map(({ messages, repository }) => [repository, messages]),
        [
          [null, 1],
          [repo, 0]
        ]
      )
      yield* tell("gemini", [{ hook_event_name: "AfterAgent" }])
      yield* tell("cursor", [{ conversation_id: "c", hook_event_name: "afterFileEdit" }])
      yield* tell("codex", [{ type: "another-one", "thread-id": "t" }])
      assert.lengthOf(yield* captures.list({ all: true }), 2)
    }).pipe(Effect.scoped)
  )

  it.effect("files outside of the repository and excluded ones leave nothing but a number", () =>
    Effect.gen(function* () {
      const { captures, repo, tell } = yield* prepared
      yield* tell("claude", claudeTurn("s1", repo, { prompt: "a", path: "../outside.txt" }))
      yield* tell("claude", claudeTurn("s2", repo, { prompt: "b", path: ".env" }))
      for (const { codeChanges, excluded, messages } of yield* captures.list()) {
        assert.deepStrictEqual(
          { codeChanges, excluded: excluded > 0, messages },
          { codeChanges: 0, excluded: true, messages: 2 }
        )
      }
    }).pipe(Effect.scoped)
  )
})

describe("a call that comes again", () => {
  it.effect("is taken again where what it told was discarded: a transcript can be imported anew", () =>
    Effect.gen(function* () {
      const { captures, repo, told } = yield* prepared
      const [, prompt] = claudeTurn("s1", repo, { prompt: "Please" })
      const each = call("claude", prompt!)
      const { capture } = yield* captures.hook(each)
      yield* captures.discard(capture!)
      assert.deepStrictEqual(yield* told, [])
      yield* captures.hook(each)
      assert.deepStrictEqual((yield* told)[0]!.entries, ["user: Please"])
    }).pipe(Effect.scoped)
  )
})

describe("the spool", () => {
  it.effect("of a hook whose call was taken all the same adds nothing, though it has no secrets in it", () =>
    Effect.gen(function* () {
      const { captures, paths, repo, told } = yield* prepared
      const secret = `gh${"p_"}${"a1B2".repeat(9)}`
      const [, prompt] = claudeTurn("s1", repo, { prompt: `use ${secret}, please` })
      const each = call("claude", prompt!)
      const left = { type: "hook", ...each, event: { ...each.event, prompt: "use [masked: github], please" } }
      const leave = (name: string) => {
        mkdirSync(paths.captureSpool, { recursive: true })
        writeFileSync(join(paths.captureSpool, name), JSON.stringify(left))
      }
      // While the call is being taken, and behind it.
      leave("1.json")
      yield* Effect.all([captures.hook(each), captures.save({ repository: repo })], { concurrency: "unbounded" })
      leave("2.json")
      yield* captures.save({ repository: repo })
      assert.deepStrictEqual(readdirSync(paths.captureSpool), [])
      assert.deepStrictEqual((yield* told)[0]!.entries, ["user: use [masked: github], please"])
    }).pipe(Effect.scoped)
  )

  it.effect("of a running daemon is taken when somebody looks: a hook that was too slow leaves something too", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const { captures, paths } = yield* open(at)
      mkdirSync(paths.captureSpool, { recursive: true })
      const [, prompt] = claudeTurn("s1", at, { prompt: "in between" })
      writeFileSync(join(paths.captureSpool, "1.json"), JSON.stringify({ type: "hook", ...call("claude", prompt!) }))
      yield* TestClock.adjust("6 seconds")
      yield* captures.list()
      yield* Effect.promise(async () => {
        while (readdirSync(paths.captureSpool).length > 0) await new Promise((resolve) => setImmediate(resolve))
      })
      assert.lengthOf(yield* captures.list(), 1)
    }).pipe(Effect.scoped)
  )

  it.effect("is taken at the start, in order, each once, also when it is left by a daemon that died over it", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const repo = repository(join(at, "repo"))
      const first = yield* open(at)
      const told = claudeTurn("s1", repo, { prompt: "before" }).map((event) => call("claude", event))
      yield* Effect.forEach(told.slice(0, 3), (each) => first.captures.hook(each))
      yield* first.stop
      const spool = first.paths.captureSpool
      mkdirSync(spool, { recursive: true })
      const leave = (name: string, record: object | string) =>
        writeFileSync(join(spool, name), typeof record === "string" ? record : JSON.stringify(record))
      for (const [index, each] of told.entries())
        leave(`1-${index}.json`, { type: "hook", at: "2026-01-01T00:00:00.000Z", ...each })
      leave("2-0.json", { type: "commit", repository: repo, commit: "a".repeat(40) })
      leave("2-1.json", { type: "rewrite", repository: repo, commits: [{ from: "a".repeat(40), to: "b".repeat(40) }] })
      leave("0-0.json", "no JSON")
      leave("0-1.json", { type: "from the future" })
      leave("3-0.tmp", "being written")
      const { captures } = yield* open(at)
      assert.deepStrictEqual(readdirSync(spool), ["3-0.tmp"])
      const [capture] = yield* captures.list()
      assert.deepInclude(capture!, { messages: 2, codeChanges: 2, unsaved: 0 })
      const { entries } = yield* captures.show({ capture: capture!.id })
      assert.strictEqual(entries.at(-1)!.at, "2026-01-01T00:00:00.000Z")
      assert.lengthOf(yield* captures.saves({ commit: "b".repeat(40) }), 1)
    }).pipe(Effect.scoped)
  )
})
