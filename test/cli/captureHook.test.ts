import { mkdirSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { Capture, CaptureEntry } from "../../src/protocol/captureEntries.ts"
import { repository } from "../capture/support.ts"
import { type Home, makeHome, until } from "../support/home.ts"

let home: Home
let user: string
let repo: string

beforeAll(async () => {
  home = makeHome()
  user = realpathSync(dirname(home.paths.home))
  repo = repository(join(user, "repo"))
  await home.ok(["start"])
}, 60_000)
afterAll(() => home.destroy(), 60_000)

const write = (name: string, lines: ReadonlyArray<object>): string => {
  const path = join(user, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join("\n"))
  return path
}

const said = async (tool: string) => {
  const { captures } = await home.json<{ captures: ReadonlyArray<Capture> }>(["capture", "ls", "--all"])
  const its = captures.filter((capture) => capture.tool === tool)
  const shown = await Promise.all(
    its.map(({ id }) => home.json<{ entries: ReadonlyArray<CaptureEntry> }>(["capture", "show", id]))
  )
  return shown.map(({ entries }) =>
    entries.map((entry) =>
      entry.type === "message" ? `${entry.role}: ${entry.content}` : `${entry.kind} ${entry.path}`
    )
  )
}

/** Waits until that is what is there: of a hook that did not get its answer in time the daemon hears a little later. */
const heard = async (tool: string, wanted: ReadonlyArray<ReadonlyArray<string>>): Promise<void> => {
  await until(`that is there of ${tool}: ${JSON.stringify(wanted)}`, async () =>
    isDeepStrictEqual(await said(tool), wanted)
  )
}

describe("hob capture hook", () => {
  it("tells of a turn of Codex what Codex has written down of it, and nothing of threads that are not its user's", async () => {
    const [thread, sub, title] = [
      "01a1ff6a-4354-7803-b104-6d5439522d81",
      "01a1ff6a-4354-7803-b104-6d5439522d82",
      "01a1ff6a-4354-7803-b104-6d5439522d83"
    ]
    const record = (id: string, source: string, changes: object) =>
      write(`.codex/sessions/2026/11/21/rollout-2026-11-21T18-41-56-${id}.jsonl`, [
        { type: "session_meta", payload: { id, session_id: id, cwd: repo, thread_source: source } },
        {
          type: "event_msg",
          payload: {
            type: "item_completed",
            turn_id: `t-${id}`,
            item: { type: "FileChange", id: `c-${id}`, status: "completed", changes }
          }
        },
        { type: "event_msg", payload: { type: "task_complete", turn_id: `t-${id}`, last_agent_message: "Done." } }
      ])
    record(thread!, "user", { [join(repo, "hello.txt")]: { type: "add", content: "hi\n" } })
    record(sub!, "subagent", {})
    const notify = (id: string, prompt: string) =>
      home.hob([
        "capture",
        "hook",
        "codex",
        JSON.stringify({
          type: "agent-turn-complete",
          "thread-id": id,
          "turn-id": `t-${id}`,
          cwd: repo,
          client: "codex-tui",
          "input-messages": [prompt],
          "last-assistant-message": "Done."
        })
      ])
    for (const [id, prompt] of [
      [thread!, "create hello.txt"],
      [sub!, "look at it"],
      [title!, "Generate a title"]
    ] as const) {
      assert.deepInclude(await notify(id, prompt), { code: 0, stdout: "", stderr: "" })
    }
    await heard("codex", [["user: create hello.txt", "created hello.txt", "assistant: Done."]])
  }, 120_000)

  it("tells of a turn of Gemini CLI what was really said", async () => {
    const at = "2026-11-21T00:56:52.405Z"
    const transcript_path = write(".gemini/tmp/repo/chats/session-2026-11-21T00-56-g1.jsonl", [
      { sessionId: "g1", kind: "main" },
      { id: "u1", timestamp: at, type: "user", content: [{ text: "hello" }] },
      { id: "m1", timestamp: at, type: "gemini", content: "I look at it." },
      { id: "m2", timestamp: at, type: "gemini", content: "It is done.", model: "gemini-3.8-flash" }
    ])
    writeFileSync(join(user, ".gemini/tmp/repo/.project_root"), repo)
    const event = {
      session_id: "g1",
      transcript_path,
      cwd: repo,
      hook_event_name: "AfterAgent",
      timestamp: at,
      prompt: "hello",
      prompt_response: "I look at it. look  at  it. \nIt is done. is  done. "
    }
    for (let time = 0; time < 2; time++) {
      const told = await home.hob(["capture", "hook", "gemini"], {
        input: JSON.stringify({ ...event, timestamp: `${at}${time}` })
      })
      assert.deepInclude(told, { code: 0, stdout: "{}\n", stderr: "" })
    }
    await heard("gemini-cli", [["assistant: It is done."]])
    await home.ok(["capture", "import", "--agent", "gemini"])
    await heard("gemini-cli", [["assistant: It is done.", "user: hello"]])
  }, 120_000)
})
