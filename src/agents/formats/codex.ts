/** `codex exec --json`: threads, turns and their items. */
import { fields, json, number, type Reader, type Said, text } from "./event.ts"

type Fields = Readonly<Record<string, unknown>>

const tool = (item: Fields, name: string, input: unknown): Said => ({
  type: "tool",
  id: text(item, "id"),
  name,
  input: (input ?? null) as never,
  parent: null
})

const started = (item: Fields): ReadonlyArray<Said> => {
  switch (item["type"]) {
    case "command_execution":
      return [tool(item, "command_execution", { command: item["command"] ?? null })]
    case "mcp_tool_call":
      return [tool(item, text(item, "tool") ?? "mcp_tool_call", item["arguments"])]
    default:
      return []
  }
}

const completed = (item: Fields): ReadonlyArray<Said> => {
  const id = text(item, "id")
  switch (item["type"]) {
    case "agent_message":
      return [{ type: "text", text: text(item, "text") ?? "", parent: null }]
    case "reasoning":
      return [{ type: "thinking", text: text(item, "text") ?? "", parent: null }]
    case "error":
      return [{ type: "notice", text: text(item, "message") ?? "" }]
    case "command_execution": {
      const isError = (number(item, "exit_code") ?? 0) !== 0
      return [{ type: "tool-result", id, isError, text: text(item, "aggregated_output") ?? "", parent: null }]
    }
    case "mcp_tool_call":
      return [{ type: "tool-result", id, isError: item["status"] === "failed", text: "", parent: null }]
    case "file_change":
      return [tool(item, "file_change", item["changes"])]
    default:
      return [{ type: "other", name: `item/${String(item["type"])}` }]
  }
}

const ended = (line: Fields, error: string | null): Said => ({
  type: "turn-ended",
  isError: error !== null,
  text: error,
  reason: null,
  durationMillis: null,
  costUsd: null,
  usage: json(line, "usage")
})

export const readCodex: Reader = (line) => {
  switch (line["type"]) {
    case "thread.started":
      return [{ type: "ready", agentSession: text(line, "thread_id"), model: null, cwd: null }]
    case "item.started":
      return started(fields(line, "item"))
    case "item.completed":
      return completed(fields(line, "item"))
    case "turn.completed":
      return [ended(line, null)]
    case "turn.failed":
      return [ended(line, text(fields(line, "error"), "message") ?? "")]
    case "error":
      return [{ type: "notice", text: text(line, "message") ?? "" }]
    default:
      return [{ type: "other", name: String(line["type"] ?? "unnamed") }]
  }
}
