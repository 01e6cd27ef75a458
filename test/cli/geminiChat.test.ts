import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { readGeminiChat } from "../../src/cli/capture/geminiChat.ts"
import { geminiTurnOf, projectOf } from "../../src/cli/capture/geminiTurn.ts"
import { fromGeminiChat } from "../../src/cli/capture/transcripts.ts"

const at = "2026-11-21T00:56:52.405Z"
const display = { filePath: "/r/hello.txt", originalContent: "", newContent: "hi\n", isNewFile: true }
const user = (id: string, content: unknown, more: object = {}) => ({
  id,
  timestamp: at,
  type: "user",
  content,
  ...more
})
const model = (id: string, content: string, more: object = {}) => ({
  id,
  timestamp: at,
  type: "gemini",
  content,
  model: "gemini-3.8-flash",
  ...more
})

/** What Gemini CLI 0.61.0 writes of two turns: each message once it is there, and again with what has become of its tools. */
const lines: ReadonlyArray<object> = [
  { sessionId: "g1", projectHash: "b5", startTime: at, lastUpdated: at, kind: "main" },
  { $set: { messages: [user("c", [{ text: "<session_context>\nThis is the Gemini CLI." }])], lastUpdated: at } },
  user("u1", [{ text: "create hello.txt" }]),
  { $set: { lastUpdated: at } },
  model("m1", "I will."),
  model("m1", "I will.", {
    toolCalls: [
      { id: "t1", name: "write_file", status: "success", timestamp: at, resultDisplay: display },
      {
        id: "t2",
        name: "write_file",
        status: "error",
        timestamp: at,
        resultDisplay: { ...display, filePath: "/r/no" }
      },
      { id: "t3", name: "run_shell_command", status: "success", timestamp: at, resultDisplay: "ok" }
    ]
  }),
  user("u2", [{ functionResponse: { id: "t1", name: "write_file", response: { output: "ok" } } }]),
  model("m2", "Done."),
  user("u3", [{ text: "read @notes and the whole of them" }], { displayContent: [{ text: "read @notes" }] }),
  { id: "i1", timestamp: at, type: "info", content: "something" }
]
const chat = lines.map((line) => JSON.stringify(line)).join("\n")

describe("what Gemini CLI writes down", () => {
  it("is its turns: what was asked, what was done, the last that was said", () => {
    const told = fromGeminiChat(`${chat}\n{"id":"cut`, "/r").map(({ event }) => event)
    assert.deepStrictEqual(
      told.map((event) => [event["hook_event_name"], event["turn"], event["prompt"] ?? event["prompt_response"]]),
      [
        ["BeforeAgent", 1, "create hello.txt"],
        ["AfterTool", 1, undefined],
        ["AfterAgent", 1, "Done."],
        ["BeforeAgent", 2, "read @notes"]
      ]
    )
    assert.deepInclude(told[1], { session_id: "g1", cwd: "/r", tool_response: { returnDisplay: display } })
  })

  it("is read of earlier versions too, which wrote one object; of subagents, and what is none, nothing is", () => {
    const messages = lines.slice(2).filter((line) => "id" in line)
    const old = JSON.stringify({ sessionId: "g1", projectHash: "b5", messages }, null, 2)
    assert.deepStrictEqual(readGeminiChat(old), readGeminiChat(chat))
    assert.isNull(readGeminiChat(chat.replace('"main"', '"subagent"')))
    for (const text of ["", "no", "[]", '{"id":"x"}', "\u0000"]) assert.isNull(readGeminiChat(text), text)
  })

  it("tells its hooks which turn it is, and what was really said", () => {
    const directory = mkdtempSync(join(tmpdir(), "gemini-"))
    mkdirSync(join(directory, "chats"))
    const path = join(directory, "chats/session-1.jsonl")
    assert.deepStrictEqual(geminiTurnOf("BeforeAgent", path), { turn: 1 })
    assert.deepStrictEqual(geminiTurnOf("AfterAgent", path), {})
    writeFileSync(
      path,
      lines
        .slice(0, 8)
        .map((line) => JSON.stringify(line))
        .join("\n")
    )
    assert.deepInclude(geminiTurnOf("BeforeAgent", path), { turn: 2 })
    assert.deepStrictEqual(geminiTurnOf("AfterTool", path), { turn: 1, model: "gemini-3.8-flash" })
    assert.deepStrictEqual(geminiTurnOf("AfterAgent", path), {
      turn: 1,
      prompt_response: "Done.",
      model: "gemini-3.8-flash"
    })
    assert.deepStrictEqual(geminiTurnOf("AfterAgent", directory), {})
    assert.isNull(projectOf(path))
    writeFileSync(join(directory, ".project_root"), "/srv/project\n")
    assert.strictEqual(projectOf(path), "/srv/project")
  })
})
