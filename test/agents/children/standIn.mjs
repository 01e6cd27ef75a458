#!/usr/bin/env node
// A stand-in for Claude Code with --print, --output-format stream-json and --input-format stream-json: one turn for each
// line that it reads. A turn "write NAME" writes that file; "fail" ends with an error; "die" ends the program; "hang" never ends.
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline"

const session_id = "11111111-2222-4333-8444-555555555555"
const say = (line) => process.stdout.write(`${JSON.stringify({ ...line, session_id })}\n`)
let turns = 0

for await (const line of createInterface({ input: process.stdin })) {
  const { message, type } = JSON.parse(line)
  if (type !== "user") throw new Error(`unexpected ${type}`)
  const text = typeof message.content === "string" ? message.content : message.content[0].text
  say({ type: "system", subtype: "init", cwd: process.cwd(), model: "claude-opus-5-5", tools: [] })
  if (text === "die") process.exit(3)
  if (text === "hang") continue
  if (text === "noise") process.stdout.write("this is no JSON\n")
  const assistant = (block) => ({
    type: "assistant",
    message: { role: "assistant", content: [block] },
    parent_tool_use_id: null
  })
  const [, name] = /^write (.*)$/.exec(text) ?? []
  if (name !== undefined) {
    say(assistant({ type: "tool_use", id: "toolu_1", name: "Write", input: { file_path: name } }))
    writeFileSync(name, "hello\n")
    say({
      type: "user",
      message: { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "written" }] }
    })
  }
  process.stderr.write("a word on standard error\n")
  say(assistant({ type: "text", text: `done: ${text}` }))
  turns++
  say({
    type: "result",
    subtype: text === "fail" ? "error_during_execution" : "success",
    is_error: text === "fail",
    result: `done: ${text}`,
    num_turns: turns,
    duration_ms: 12,
    total_cost_usd: 0.0024 * turns,
    usage: { input_tokens: 300, output_tokens: 60 }
  })
}
