import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { fromClaudeTranscript, fromCodexRollout } from "../../src/cli/capture/transcripts.ts"
import type { Capture, CaptureEntry } from "../../src/protocol/captureEntries.ts"
import { claudeTurn } from "../capture/agents.ts"
import { repository } from "../capture/support.ts"
import { type Home, makeHome } from "../support/home.ts"

/** What Claude Code 2.1.329 writes of the turn that its hooks tell. */
const transcript = (session: string, cwd: string, prompt: string) => {
  const base = { isSidechain: false, sessionId: session, cwd, timestamp: "2026-11-21T00:52:51.223Z", gitBranch: "main" }
  const promptId = `p-${session}-${prompt.length}`
  const edits = claudeTurn(session, cwd, { prompt }).flatMap((event: any) =>
    event.tool_response === undefined ? [] : [event]
  )
  return [
    { type: "queue-operation", operation: "enqueue", sessionId: session, content: prompt },
    { ...base, type: "user", uuid: "u1", promptId, message: { role: "user", content: prompt } },
    { ...base, type: "user", uuid: "u2", isMeta: true, message: { role: "user", content: "caveat" } },
    { ...base, type: "user", uuid: "u3", isSidechain: true, message: { role: "user", content: "to a subagent" } },
    {
      ...base,
      type: "assistant",
      uuid: "a1",
      message: { role: "assistant", stop_reason: "tool_use", content: [{ type: "text", text: "I will." }] }
    },
    ...edits.map((event: any, index) =>
      Object.assign({}, base, {
        type: "user",
        uuid: `t${index}`,
        promptId,
        message: { role: "user", content: [{ type: "tool_result", tool_use_id: event.tool_use_id, content: "ok" }] },
        toolUseResult: event.tool_response
      })
    ),
    {
      ...base,
      type: "assistant",
      uuid: "a2",
      message: {
        role: "assistant",
        model: "claude-opus-5-5",
        stop_reason: "end_turn",
        content: [{ type: "text", text: "All done." }]
      }
    }
  ]
}

const rollout = (cwd: string) =>
  [
    ["session_meta", { id: "01a1", session_id: "01a1", cwd }],
    ["event_msg", { type: "task_started", turn_id: "t1" }],
    [
      "event_msg",
      {
        type: "item_completed",
        turn_id: "t1",
        item: { type: "UserMessage", content: [{ type: "text", text: "create hello.txt" }] }
      }
    ],
    [
      "event_msg",
      {
        type: "item_completed",
        turn_id: "t1",
        item: { type: "AgentMessage", content: [{ type: "Text", text: "Done." }] }
      }
    ],
    ["event_msg", { type: "task_complete", turn_id: "t1", last_agent_message: "Done." }]
  ].map(([type, payload]) => ({ timestamp: "2026-11-21T00:56:05.894Z", type, payload }))

const lines = (values: ReadonlyArray<object>) => values.map((value) => JSON.stringify(value))

let home: Home
beforeEach(() => void (home = makeHome()))
afterEach(() => home.destroy(), 60_000)

describe("a transcript", () => {
  it("is what the hooks told; what is damaged or unknown is left out", () => {
    const told = fromClaudeTranscript([
      "",
      "{",
      "5",
      ...lines(transcript("s", "/r", "hi")),
      '{"type":"user","message":'
    ])
    assert.deepStrictEqual(
      told.map(({ event }) => event["hook_event_name"]),
      ["UserPromptSubmit", "PostToolUse", "PostToolUse", "SessionStart", "Stop"]
    )
    const codex = fromCodexRollout(lines(rollout("/r")))
    assert.deepStrictEqual(
      codex.map(({ event }) => [event["hook_event_name"], event["turn_id"]]),
      [
        ["UserPromptSubmit", "t1"],
        ["Stop", "t1"]
      ]
    )
    assert.deepStrictEqual(fromCodexRollout(lines(transcript("s", "/r", "hi"))), [])
  })

  it("is imported once, and adds nothing to what hooks have told already", async () => {
    const user = dirname(home.paths.home)
    const repo = repository(join(user, "repo"))
    const projects = join(user, ".claude/projects/-repo")
    const sessions = join(user, ".codex/sessions/2026/11/21")
    mkdirSync(projects, { recursive: true })
    mkdirSync(sessions, { recursive: true })
    writeFileSync(join(projects, "s1.jsonl"), lines(transcript("s1", repo, "Please create hello.txt")).join("\n"))
    writeFileSync(join(sessions, "rollout-1.jsonl"), lines(rollout(repo)).join("\n"))
    await home.ok(["start"])
    for (const event of claudeTurn("s1", repo, { prompt: "Please create hello.txt" }).slice(0, 3)) {
      await home.hob(["capture", "hook", "claude"], { input: JSON.stringify(event) })
    }
    assert.include(await home.ok(["capture", "import"]), "2 captures from 2 files")
    await home.ok(["capture", "import", "--agent", "claude", join(projects, "s1.jsonl")])
    const { captures } = await home.json<{ captures: ReadonlyArray<Capture> }>(["capture", "ls", "--all"])
    assert.deepStrictEqual(
      captures.map(({ codeChanges, messages, tool }) => [tool, messages, codeChanges]).toSorted(),
      [
        ["claude-code", 2, 2],
        ["codex", 2, 0]
      ]
    )
    const claude = captures.find(({ tool }) => tool === "claude-code")!
    const { entries } = await home.json<{ entries: ReadonlyArray<CaptureEntry> }>(["capture", "show", claude.id])
    assert.strictEqual(entries.at(-1)!.at, "2026-11-21T00:52:51.223Z")
    assert.isNotEmpty(readFileSync(join(projects, "s1.jsonl"), "utf8"))
    assert.strictEqual((await home.hob(["capture", "import", join(user, "nowhere.jsonl")])).code, 2)
  }, 120_000)
})
