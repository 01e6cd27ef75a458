/**
 * What agents have written down of their sessions, as the calls of their hooks that it came from: told to hob twice, by a
 * hook and from here, it counts once. Pure. Their formats are their own and change: what is not understood is left out.
 */
import { readGeminiChat } from "./geminiChat.ts"

type Line = Readonly<Record<string, unknown>>

/** A call of a hook, and what tells it from others. */
export interface Told {
  readonly event: Line
  readonly at: string | undefined
  readonly name: string
}

const isObject = (value: unknown): value is Line => typeof value === "object" && value !== null && !Array.isArray(value)
const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)
const objects = (value: unknown): ReadonlyArray<Line> => (Array.isArray(value) ? value.filter(isObject) : [])

/** The objects that stand one on a line; what is cut off or damaged is left out. */
const parsed = (lines: ReadonlyArray<string>): ReadonlyArray<Line> =>
  lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line)
      return isObject(value) ? [value] : []
    } catch {
      return []
    }
  })

const blocks = (content: unknown, type: string): ReadonlyArray<Line> =>
  objects(content).filter((block) => block["type"] === type)
const textOf = (content: unknown): string | undefined =>
  text(content) ??
  text(
    blocks(content, "text")
      .map((block) => text(block["text"]) ?? "")
      .join("\n")
  )

/** `~/.claude/projects/…/<session>.jsonl` of Claude Code 2.1. */
export const fromClaudeTranscript = (lines: ReadonlyArray<string>): ReadonlyArray<Told> => {
  const told: Array<Told> = []
  let prompt: string | undefined
  for (const line of parsed(lines)) {
    const { cwd, isMeta, isSidechain, message, sessionId: session_id, timestamp, type, uuid } = line
    // What subagents say among themselves is not what the user was told.
    if (isSidechain === true || isMeta === true || !isObject(message) || text(session_id) === undefined) continue
    const content = message["content"]
    const tell = (name: string, more: Line): void => {
      told.push({
        event: { session_id, cwd, hook_event_name: name, ...more },
        at: text(timestamp),
        name: `${text(uuid) ?? told.length} ${name}`
      })
    }
    if (type === "user") {
      const result = blocks(content, "tool_result")[0]
      if (result !== undefined) {
        tell("PostToolUse", {
          tool_name: "Edit",
          tool_use_id: result["tool_use_id"],
          tool_response: line["toolUseResult"]
        })
        continue
      }
      const said = textOf(content)
      prompt = text(line["promptId"])
      if (said !== undefined)
        tell("UserPromptSubmit", { prompt: said, ...(prompt === undefined ? {} : { prompt_id: prompt }) })
    } else if (type === "assistant" && message["stop_reason"] === "end_turn") {
      const said = textOf(content)
      const model = text(message["model"])
      if (model !== undefined) tell("SessionStart", { model })
      if (said !== undefined)
        tell("Stop", { last_assistant_message: said, ...(prompt === undefined ? {} : { prompt_id: prompt }) })
    }
  }
  return told
}

/** `~/.codex/sessions/…/rollout-….jsonl` of Codex 0.169, and of versions before it. */
export const fromCodexRollout = (lines: ReadonlyArray<string>): ReadonlyArray<Told> => {
  const told: Array<Told> = []
  // What subagents say among themselves is not what the user was told; what they change is.
  let isOfUser = true
  let session: { readonly session_id: unknown; readonly cwd: unknown } | undefined
  for (const { payload, timestamp, type } of parsed(lines)) {
    if (!isObject(payload)) continue
    if (type === "session_meta") {
      session = { session_id: payload["session_id"] ?? payload["id"], cwd: payload["cwd"] }
      isOfUser = (payload["thread_source"] ?? "user") === "user"
    }
    if (type !== "event_msg" || text(session?.session_id) === undefined) continue
    const turn = text(payload["turn_id"])
    const tell = (name: string, more: Line): void => {
      const event = { ...session, hook_event_name: name, ...(turn === undefined ? {} : { turn_id: turn }), ...more }
      told.push({ event, at: text(timestamp), name: `${String(session?.session_id)} ${told.length}` })
    }
    const item = isObject(payload["item"]) ? payload["item"] : {}
    const said = objects(item["content"])
      .map((part) => text(part["text"]) ?? "")
      .join("\n")
    if (payload["type"] === "item_completed" && item["type"] === "FileChange" && item["status"] === "completed")
      tell("PostToolUse", { tool_name: "apply_patch", file_changes: [{ id: item["id"], changes: item["changes"] }] })
    else if (!isOfUser) continue
    else if (payload["type"] === "item_completed" && item["type"] === "UserMessage" && said !== "")
      tell("UserPromptSubmit", { prompt: said })
    else if (payload["type"] === "task_complete")
      tell("Stop", { last_assistant_message: payload["last_agent_message"] })
    else if (payload["type"] === "user_message") tell("UserPromptSubmit", { prompt: payload["message"] })
    else if (payload["type"] === "agent_message") tell("Stop", { last_assistant_message: payload["message"] })
  }
  return told
}

/** `~/.gemini/tmp/<project>/chats/session-….jsonl` of Gemini CLI 0.61. Where it was is not in it: `cwd`. */
export const fromGeminiChat = (source: string, cwd: string | null): ReadonlyArray<Told> => {
  const chat = readGeminiChat(source)
  if (chat === null) return []
  const all: Array<Told> = []
  for (const [index, { answer, answeredAt, at, edits, model, prompt }] of chat.turns.entries()) {
    const tell = (name: string, at: string | undefined, more: Line): void => {
      const event = { session_id: chat.session, cwd, hook_event_name: name, turn: index + 1, ...more }
      all.push({ event, at, name: `${chat.session} ${index + 1} ${name} ${at}` })
    }
    tell("BeforeAgent", at, { prompt })
    for (const { at, display, tool } of edits)
      tell("AfterTool", at, { tool_name: tool, tool_response: { returnDisplay: display } })
    if (answer !== "")
      tell("AfterAgent", answeredAt, { prompt_response: answer, ...(model === undefined ? {} : { model }) })
  }
  return all
}
