import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { EventReader } from "../../src/agents/EventReader.ts"
import { announceEvents } from "../../src/agents/Following.ts"
import { Pieces } from "../../src/agents/Pieces.ts"
import { decideProgress, initial } from "../../src/agents/progress.ts"
import { readers } from "../../src/agents/readers.ts"
import type { AgentEvent } from "../../src/protocol/agents.ts"
import { Direction } from "../../src/protocol/sessionHost.ts"

const recording = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, "../corpus/agentStreams", `${name}.jsonl`))

/** Reads bytes as they come in pieces of this size, from an offset on. */
const read = (
  format: keyof typeof readers,
  bytes: Buffer,
  size = bytes.length,
  from = 0
): ReadonlyArray<AgentEvent> => {
  const reader = new EventReader({ read: readers[format]! })
  const events: Array<AgentEvent> = []
  for (let at = 0; at < bytes.length; at += size) {
    const data = bytes.subarray(at, at + size)
    events.push(...reader.push({ type: "record", offset: from + at, time: 0, direction: Direction.stdout, data }))
  }
  return events
}

const types = (events: ReadonlyArray<AgentEvent>) => events.map(({ type }) => type)

describe("what agents say", () => {
  it("Claude Code: its answers, its tools and their results, and how its turn ended", () => {
    const events = read("claude", recording("claude"))
    assert.deepStrictEqual(types(events), [
      "other",
      "other",
      "ready",
      "text",
      "tool",
      "tool-result",
      "tool",
      "tool-result",
      "text",
      "turn-ended"
    ])
    const [ready, tool, result, ended] = [events[2]!, events[4]!, events[5]!, events[9]!]
    assert.include(ready, { agentSession: "086877a9-0107-4ce5-ae3d-f580c188cbdb", model: "claude-opus-5-5" })
    assert.include(tool, { id: "toolu_mock1", name: "Write", parent: null })
    assert.include(result, { id: "toolu_mock1", isError: false })
    assert.include(ended, { isError: false, reason: "success", costUsd: 0.0024000000000000002 })
    assert.strictEqual(ended.offset, recording("claude").length)
  })

  it("Claude Code over two turns with partial messages: pieces are told apart from answers, prompts are heard", () => {
    const events = read("claude", recording("claude-two-turns"))
    const of = (type: AgentEvent["type"]) =>
      events.flatMap((event) => (event.type === type && "text" in event ? [event.text] : []))
    assert.strictEqual(of("turn-ended").length, 2)
    assert.deepStrictEqual(of("prompt"), ["Please create hello.txt", "second turn please"])
    assert.strictEqual(of("delta").join(""), of("text").join(""))
    const progress = events.reduce((progress, event) => decideProgress(progress, event, "now"), initial)
    assert.strictEqual(progress.turns, 2)
    assert.strictEqual(progress.agentSession, "11111111-2222-4333-8444-555555555555")
    assert.strictEqual(progress.lastResult?.isError, false)
  })

  it("Codex and Gemini CLI in the same words", () => {
    const codex = read("codex", recording("codex"))
    assert.deepStrictEqual(types(codex), [
      "ready",
      "notice",
      "notice",
      "other",
      "tool",
      "tool-result",
      "text",
      "turn-ended"
    ])
    assert.include(codex[5]!, { text: "hi\n", isError: false })
    const gemini = read("gemini", recording("gemini"))
    assert.deepStrictEqual(types(gemini), ["ready", "prompt", "tool", "tool-result", "text", "turn-ended"])
    assert.include(gemini[5]!, { isError: false, durationMillis: 580 })
  })

  it("is the same in whatever pieces it comes, and from any event's offset on", () => {
    for (const name of ["claude", "claude-two-turns"] as const) {
      const bytes = recording(name)
      const whole = read("claude", bytes)
      for (const size of [1, 7, 4096]) assert.deepStrictEqual(read("claude", bytes, size), whole)
      for (const { offset } of whole) {
        const rest = read("claude", bytes.subarray(offset), 1000, offset)
        assert.deepStrictEqual(
          rest,
          whole.filter((event) => event.offset > offset)
        )
      }
    }
  })

  it("goes on behind a line that is no JSON, a JSON that is no object, and one that is far too long", () => {
    const long = Buffer.concat([Buffer.alloc(33 * 1024 * 1024, "x"), Buffer.from("\n")])
    const bytes = Buffer.concat([
      Buffer.from('not json\n[1]\n\n"text"\n'),
      long,
      Buffer.from('{"type":"result","subtype":"error_max_turns","is_error":true}\n')
    ])
    const events = read("claude", bytes, 64 * 1024)
    assert.deepStrictEqual(types(events), ["unreadable", "unreadable", "unreadable", "unreadable", "turn-ended"])
    assert.include(events[4]!, { isError: true, reason: "error_max_turns", text: null, offset: bytes.length })
  })

  it("a line that comes byte by byte is held in few parts, and one that is too long in none", () => {
    const pieces = new Pieces(1_000_000)
    const text = Array.from({ length: 1_000_000 }, (_, at) => String(at % 10)).join("")
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at++) pieces.add(bytes.subarray(at, at + 1))
    assert.isBelow(pieces.blocks, 40)
    assert.strictEqual(pieces.end(Buffer.alloc(0)).line?.toString(), text)
    for (let at = 0; at < 20; at++) pieces.add(Buffer.alloc(100_000))
    assert.strictEqual(pieces.blocks, 0)
    assert.deepStrictEqual(pieces.end(Buffer.from("x")), { line: undefined, bytes: 2_000_001 })
    assert.strictEqual(pieces.end(Buffer.from("next")).line?.toString(), "next")
  })

  it("what is announced and kept of it is bounded, whatever it says", () => {
    const announced: Array<Record<string, unknown>> = []
    const announcer = {
      announce: ({ message }: { readonly message: unknown }) => void announced.push(message as Record<string, unknown>)
    }
    const huge = "x".repeat(1_000_000)
    const lines = [
      { type: "system", subtype: "init", session_id: huge, model: huge, cwd: "/srv" },
      { type: "assistant", message: { content: [{ type: "tool_use", name: huge, id: huge, input: { huge } }] } },
      { type: "result", subtype: huge, result: huge, usage: { huge } }
    ]
    const events = read("claude", Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join("")))
    announceEvents(announcer as never, { id: "0f1e", name: null, tags: [] } as never, events)
    assert.strictEqual(announced.length, 3)
    for (const message of announced) {
      assert.isBelow(JSON.stringify(message).length, 100_000)
      assert.strictEqual(message["cut"], true)
    }
    assert.strictEqual(announced[0]!["cwd"], "/srv")
    assert.isNull(announced[2]!["usage"])
    const progress = events.reduce((progress, event) => decideProgress(progress, event, "now"), initial)
    assert.include(progress, { agentSession: null, model: null, turns: 1 })
  })

  it("of whatever shape its lines are, nothing throws", () => {
    const values = [null, 1, "x", [], {}, [null], { type: "text" }, [{ type: "text", text: 5 }]]
    for (const format of ["claude", "codex", "gemini"] as const) {
      for (const type of ["system", "assistant", "user", "stream_event", "result", "item.completed", "tool_use", 7]) {
        for (const value of values) {
          const line = { type, message: { content: value }, event: value, item: value, content: value, result: value }
          assert.isArray(readers[format]!(line))
          assert.isArray(readers[format]!({ type, message: value, parameters: value, stats: value, usage: value }))
        }
      }
    }
  })

  it("says where output is missing, and forgets the half of a line before it", () => {
    const reader = new EventReader({ read: readers.claude! })
    const record = (offset: number, text: string) =>
      reader.push({ type: "record", offset, time: 0, direction: Direction.stdout, data: Buffer.from(text) })
    assert.deepStrictEqual(record(0, '{"type":"res'), [])
    const gap = reader.push({ type: "gap", from: 12, to: 100, reason: "removed" as never })
    assert.deepStrictEqual(gap, [{ type: "gap", offset: 100, from: 12, to: 100 }])
    assert.deepStrictEqual(types(record(100, '{"type":"result"}\n')), ["turn-ended"])
  })

  it("what it writes to standard error is no event, and does not part its lines", () => {
    const reader = new EventReader({ read: readers.claude! })
    const push = (direction: Direction, offset: number, text: string) =>
      reader.push({ type: "record", offset, time: 0, direction, data: Buffer.from(text) })
    push(Direction.stdout, 0, '{"type":')
    assert.deepStrictEqual(push(Direction.stderr, 8, "warning\n"), [])
    assert.deepStrictEqual(types(push(Direction.stdout, 16, '"result"}\n')), ["turn-ended"])
  })
})
