import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { recordOfTurn } from "../../src/cli/capture/rollout.ts"

/** Begun on 2026-11-21 at 18:41:56 UTC. */
const thread = "01a1ff6a-4354-7803-b104-6d5439522d81"
const changes = { "/r/hello.txt": { type: "add", content: "hi\n" } }
const item = (turn: string, id: string, status = "completed") => ({
  type: "event_msg",
  payload: { type: "item_completed", turn_id: turn, item: { type: "FileChange", id, status, changes } }
})
const end = (turn: string) => ({ type: "event_msg", payload: { type: "task_complete", turn_id: turn } })

const written = (day: string, lines: ReadonlyArray<unknown>): { readonly CODEX_HOME: string } => {
  const CODEX_HOME = mkdtempSync(join(tmpdir(), "codex-"))
  const directory = join(CODEX_HOME, "sessions", day)
  mkdirSync(directory, { recursive: true })
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n")
  writeFileSync(join(directory, `rollout-2026-11-21T18-41-56-${thread}.jsonl`), text)
  return { CODEX_HOME }
}

describe("what Codex writes down of a turn", () => {
  it("are the files that it changed, wherever on earth that day was", async () => {
    for (const day of ["2026/11/20", "2026/11/21", "2026/11/22"]) {
      const env = written(day, [
        item("t0", "c0"),
        item("t1", "c1"),
        item("t1", "c2", "failed"),
        '{"t1 "FileChange"',
        end("t1")
      ])
      assert.deepStrictEqual(await recordOfTurn(thread, "t1", env), {
        changes: [{ id: "c1", changes }],
        isOfUser: true
      })
    }
  })

  it("is waited for a little, says whose thread it is, and is null where nobody knows of it", async () => {
    const told = { changes: [{ id: "c1", changes }], isOfUser: false }
    const meta = { type: "session_meta", payload: { id: thread, thread_source: "subagent" } }
    assert.deepStrictEqual(await recordOfTurn(thread, "t1", written("2026/11/21", [meta, item("t1", "c1")])), told)
    for (const odd of [thread, undefined, "", "../../etc", "x".repeat(500), 5]) {
      assert.isNull(await recordOfTurn(odd, "t1", { CODEX_HOME: "/nowhere" }))
    }
  })
})
