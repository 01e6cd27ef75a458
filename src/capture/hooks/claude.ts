/** The hooks of Claude Code, as version 2.1 sends them. What it may send one day is left alone. */
import { Option, Schema } from "effect"
import { type HookEntry, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Event = Schema.Struct({
  session_id: Schema.String,
  hook_event_name: Schema.String,
  cwd: Text,
  model: Text,
  prompt_id: Schema.optionalKey(Schema.String),
  /** There within a subagent. */
  agent_id: Text,
  prompt: Text,
  last_assistant_message: Text,
  tool_name: Text,
  tool_use_id: Schema.optionalKey(Schema.String),
  tool_input: Schema.optionalKey(Schema.Unknown),
  tool_response: Schema.optionalKey(Schema.Unknown)
})
const decode = Schema.decodeUnknownOption(Event)

/** What Write, Edit and NotebookEdit answer. */
const Response = Schema.Struct({
  filePath: Schema.String,
  originalFile: Text,
  content: Text,
  oldString: Text,
  newString: Text,
  replaceAll: Schema.optionalKey(Schema.Boolean),
  /** It was not written. */
  staged: Schema.optionalKey(Schema.Boolean)
})
const decodeResponse = Schema.decodeUnknownOption(Response)

const NotebookInput = Schema.Struct({ notebook_path: Schema.String, new_source: Text, old_source: Text })
const decodeNotebook = Schema.decodeUnknownOption(NotebookInput)

/** The tools that change files. */
export const CLAUDE_EDITORS = "Write|Edit|MultiEdit|NotebookEdit"

const changed = (tool: string, input: unknown, response: unknown, id: string | undefined): ReadonlyArray<HookEntry> => {
  const key = id === undefined ? {} : { key: `tool:${id}` }
  if (tool === "NotebookEdit") {
    return Option.match(decodeNotebook(input), {
      onNone: () => [],
      onSome: ({ new_source, notebook_path, old_source }) => [
        {
          type: "codeChange",
          path: notebook_path,
          kind: "modified",
          before: old_source ?? "",
          after: new_source ?? "",
          ...key
        }
      ]
    })
  }
  const found = Option.getOrUndefined(decodeResponse(response))
  if (found === undefined || found.staged === true) return []
  const { content, filePath: path, newString, oldString, originalFile, replaceAll } = found
  if (typeof content === "string") {
    return [{ type: "codeChange", path, before: originalFile ?? null, after: content, ...key }]
  }
  if (typeof oldString !== "string" || typeof newString !== "string") return []
  // Null for a file that is too large: then the part is all that is known.
  if (typeof originalFile !== "string") {
    return [{ type: "codeChange", path, kind: "modified", before: oldString, after: newString, ...key }]
  }
  const after =
    oldString === ""
      ? newString
      : replaceAll === true
        ? originalFile.replaceAll(oldString, () => newString)
        : originalFile.replace(oldString, () => newString)
  return [{ type: "codeChange", path, before: originalFile, after, ...key }]
}

export const fromClaude = (given: unknown): HookEvent | null => {
  const event = Option.getOrUndefined(decode(given))
  if (event === undefined) return null
  const { agent_id, cwd = null, hook_event_name: name, model, prompt_id, session_id: agentSession } = event
  const isSubagent = typeof agent_id === "string"
  const base = { tool: "claude-code", agentSession, cwd }
  switch (name) {
    case "SessionStart":
      return { ...base, entries: [], ...(typeof model === "string" ? { metadata: { model } } : {}) }
    case "UserPromptSubmit":
      return { ...base, entries: isSubagent ? [] : message("user", event.prompt, prompt_id) }
    case "Stop":
    case "StopFailure":
      return { ...base, entries: isSubagent ? [] : message("assistant", event.last_assistant_message, prompt_id) }
    case "PostToolUse":
      return {
        ...base,
        entries: changed(event.tool_name ?? "", event.tool_input, event.tool_response, event.tool_use_id)
      }
    case "SessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
