/** Gemini CLI with `--output-format stream-json`. */
import { fields, json, number, type Reader, text } from "./event.ts"

export const readGemini: Reader = (line) => {
  switch (line["type"]) {
    case "init":
      return [{ type: "ready", agentSession: text(line, "session_id"), model: text(line, "model"), cwd: null }]
    case "message": {
      const said = { text: text(line, "content") ?? "", parent: null }
      // Its pieces are all there is: no whole answer follows.
      return [line["role"] === "user" ? { type: "prompt", ...said } : { type: "text", ...said }]
    }
    case "tool_use": {
      const name = text(line, "tool_name") ?? ""
      return [{ type: "tool", id: text(line, "tool_id"), name, input: json(line, "parameters"), parent: null }]
    }
    case "tool_result": {
      const isError = line["status"] !== "success"
      const said = text(line, "output") ?? text(fields(line, "error"), "message") ?? ""
      return [{ type: "tool-result", id: text(line, "tool_id"), isError, text: said, parent: null }]
    }
    case "error":
      return [{ type: "notice", text: text(line, "message") ?? "" }]
    case "result": {
      const stats = fields(line, "stats")
      return [
        {
          type: "turn-ended",
          isError: line["status"] !== "success",
          text: text(fields(line, "error"), "message"),
          reason: text(line, "status"),
          durationMillis: number(stats, "duration_ms"),
          costUsd: null,
          usage: json(line, "stats")
        }
      ]
    }
    default:
      return [{ type: "other", name: String(line["type"] ?? "unnamed") }]
  }
}
