import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { translate } from "../../src/capture/hooks/translate.ts"
import { leave } from "../../src/cli/spool.ts"
import { makePaths, type Paths } from "../../src/config/paths.ts"
import type { CaptureAgent, SpoolRecord } from "../../src/protocol/captureHooks.ts"
import { repository } from "../capture/support.ts"

type Event = Readonly<Record<string, unknown>>

describe("what a hook leaves where no daemon answers", () => {
  let root: string
  let repo: string
  let paths: Paths
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "hob-spool-")))
    repo = repository(join(root, "repo"))
    paths = makePaths({ HOB_HOME: join(root, "not there", "home") })
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  /** What stands in the spool then, and what a daemon will read there. */
  const left = async (agent: CaptureAgent, event: Event) => {
    rmSync(paths.captureSpool, { recursive: true, force: true })
    await leave(paths, { type: "hook", agent, id: "1", event: event as never, at: new Date(0).toISOString() })
    const [name = ""] = readdirSync(paths.captureSpool)
    const text = readFileSync(join(paths.captureSpool, name), "utf8")
    const record = JSON.parse(text) as Extract<SpoolRecord, { readonly type: "hook" }>
    return { text, told: translate(agent, record.event) }
  }
  const claude = (more: Event): Event => ({ session_id: "s", cwd: repo, hook_event_name: "PostToolUse", ...more })

  it("holds no value of the work tree's .env files", async () => {
    writeFileSync(join(repo, ".env"), "A='s3cret of ours!'\nDB_PASSWORD=hunter2horse9\n")
    const { text, told } = await left("claude", {
      ...claude({ hook_event_name: "UserPromptSubmit", prompt: "use s3cret of ours! and hunter2horse9, please" })
    })
    assert.notInclude(text, "s3cret of ours!")
    assert.notInclude(text, "hunter2horse9")
    assert.match((told!.entries[0] as { content: string }).content, /^use \[masked.*please$/)
    assert.strictEqual(statSync(paths.captureSpool).mode & 0o777, 0o700)
  })

  it("holds nothing of files that are excluded but that they were changed, by whatever agent", async () => {
    const [hidden, other] = ["PLAIN WORDS", "other words"]
    const recorded = [
      { id: "1", changes: { ".env": { type: "add", content: hidden }, "b.ts": { type: "add", content: other } } }
    ]
    const patch = `*** Begin Patch\n*** Update File: .env\n@@\n-a\n+${hidden}\n*** Add File: b.ts\n+${other}\n*** End Patch`
    const display = { filePath: `${repo}/.env`, originalContent: "a", newContent: hidden, fileDiff: hidden }
    const events: ReadonlyArray<readonly [CaptureAgent, Event, number]> = [
      [
        "claude",
        claude({
          tool_name: "Write",
          tool_input: { file_path: `${repo}/.env`, content: hidden },
          tool_response: { type: "update", filePath: `${repo}/.env`, content: hidden, originalFile: hidden }
        }),
        1
      ],
      [
        "claude",
        claude({
          tool_name: "Edit",
          tool_input: { file_path: ".env", old_string: hidden, new_string: "" },
          tool_response: {
            filePath: ".env",
            oldString: hidden,
            newString: "",
            originalFile: hidden,
            structuredPatch: [{ lines: [hidden] }]
          }
        }),
        1
      ],
      [
        "claude",
        claude({
          tool_name: "NotebookEdit",
          tool_input: { notebook_path: `${repo}/secrets/a.ipynb`, new_source: hidden, old_source: "" }
        }),
        1
      ],
      [
        "gemini",
        {
          session_id: "s",
          cwd: repo,
          hook_event_name: "AfterTool",
          tool_input: { file_path: `${repo}/.env`, content: hidden },
          tool_response: { llmContent: hidden, returnDisplay: display }
        },
        1
      ],
      [
        "cursor",
        {
          conversation_id: "s",
          workspace_roots: [repo],
          hook_event_name: "afterFileEdit",
          file_path: `${repo}/.env`,
          edits: [{ old_string: "a", new_string: hidden }]
        },
        1
      ],
      ["codex", claude({ tool_name: "apply_patch", tool_use_id: "t", tool_input: { command: patch } }), 2],
      ["codex", { type: "agent-turn-complete", "thread-id": "s", "turn-id": "t", cwd: repo, file_changes: recorded }, 2]
    ]
    for (const [agent, event, files] of events) {
      const { text, told } = await left(agent, event)
      assert.notInclude(text, hidden, agent)
      const changes = told!.entries.filter(({ type }) => type === "codeChange")
      assert.strictEqual(changes.length, files, `${agent} ${text}`)
      if (files === 2) assert.include(text, other)
    }
  })

  it("is what the configuration says, and everything where it excludes nothing", async () => {
    const write = claude({
      tool_name: "Write",
      tool_response: { type: "create", filePath: `${repo}/a.ts`, content: "PLAIN WORDS", originalFile: null }
    })
    assert.include((await left("claude", write)).text, "PLAIN WORDS")
    writeFileSync(join(dirname(paths.captureSpool), "config.json"), '{"capture":{"excludePatterns":["a.*"]}}')
    assert.strictEqual(paths.config, join(dirname(paths.captureSpool), "config.json"))
    assert.notInclude((await left("claude", write)).text, "PLAIN WORDS")
    // Outside of the work tree nothing is captured at all.
    const outside = claude({ tool_name: "Write", tool_response: { filePath: `${root}/a.js`, content: "PLAIN WORDS" } })
    assert.notInclude((await left("claude", outside)).text, "PLAIN WORDS")
  })
})
