/** Claude Code with `--output-format stream-json --verbose`: one JSON object a line. */
import { fields, isFields, json, number, type Reader, type Said, text } from "./event.ts"

type Fields = Readonly<Record<string, unknown>>

const other = (name: string): ReadonlyArray<Said> => [{ type: "other", name }]

/** A message's content: a text, or blocks. */
const blocksOf = (message: Fields): ReadonlyArray<Fields> => {
  const { content } = message
  if (typeof content === "string") return [{ type: "text", text: content }]
  return Array.isArray(content) ? content.filter(isFields) : []
}

/** A tool's result: a text, or blocks of which the texts count. */
const resultText = (content: unknown): string => {
  if (typeof content === "string") return content
  if (!Array.isArray(content)) return ""
  return content
    .flatMap((block) => (isFields(block) && typeof block["text"] === "string" ? [block["text"]] : []))
    .join("\n")
}

const assistantBlock = (block: Fields, parent: string | null): Said => {
  switch (block["type"]) {
    case "text":
      return { type: "text", text: text(block, "text") ?? "", parent }
    case "thinking":
      return { type: "thinking", text: text(block, "thinking") ?? "", parent }
    case "tool_use":
      return {
        type: "tool",
        id: text(block, "id"),
        name: text(block, "name") ?? "",
        input: json(block, "input"),
        parent
      }
    default:
      return { type: "other", name: `assistant/${String(block["type"])}` }
  }
}

const userBlock = (block: Fields, parent: string | null): Said => {
  switch (block["type"]) {
    case "text":
      return { type: "prompt", text: text(block, "text") ?? "", parent }
    case "tool_result": {
      const isError = block["is_error"] === true
      return {
        type: "tool-result",
        id: text(block, "tool_use_id"),
        isError,
        text: resultText(block["content"]),
        parent
      }
    }
    default:
      return { type: "other", name: `user/${String(block["type"])}` }
  }
}

/** Pieces of an answer that comes whole afterwards. */
const partial = (line: Fields, parent: string | null): ReadonlyArray<Said> => {
  const delta = fields(fields(line, "event"), "delta")
  const piece = text(delta, "text")
  return delta["type"] === "text_delta" && piece !== null ? [{ type: "delta", text: piece, parent }] : []
}

export const readClaude: Reader = (line) => {
  const parent = text(line, "parent_tool_use_id")
  switch (line["type"]) {
    case "system":
      return line["subtype"] === "init"
        ? [
            {
              type: "ready",
              agentSession: text(line, "session_id"),
              model: text(line, "model"),
              cwd: text(line, "cwd")
            }
          ]
        : other(`system/${String(line["subtype"])}`)
    case "assistant":
      return blocksOf(fields(line, "message")).map((block) => assistantBlock(block, parent))
    case "user":
      return blocksOf(fields(line, "message")).map((block) => userBlock(block, parent))
    case "stream_event":
      return partial(line, parent)
    case "result": {
      const subtype = text(line, "subtype")
      return [
        {
          type: "turn-ended",
          isError: line["is_error"] === true || (subtype !== null && subtype !== "success"),
          text: text(line, "result"),
          reason: subtype,
          durationMillis: number(line, "duration_ms"),
          costUsd: number(line, "total_cost_usd"),
          usage: json(line, "usage")
        }
      ]
    }
    default:
      return other(String(line["type"] ?? "unnamed"))
  }
}
