/** The hooks of Cursor, as its documentation describes them. */
import { Option, Schema } from "effect"
import { unifiedDiff } from "../diff.ts"
import { digest, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Event = Schema.Struct({
  conversation_id: Schema.String,
  hook_event_name: Schema.String,
  generation_id: Schema.optionalKey(Schema.String),
  workspace_roots: Schema.optionalKey(Schema.Array(Schema.String)),
  model: Text,
  prompt: Text,
  text: Text,
  file_path: Text,
  edits: Schema.optionalKey(Schema.Array(Schema.Struct({ old_string: Schema.String, new_string: Schema.String })))
})
const decode = Schema.decodeUnknownOption(Event)

export const fromCursor = (given: unknown): HookEvent | null => {
  const event = Option.getOrUndefined(decode(given))
  if (event === undefined) return null
  const {
    conversation_id: agentSession,
    edits = [],
    file_path,
    generation_id: turn,
    hook_event_name: name,
    model
  } = event
  const cwd = event.workspace_roots?.[0] ?? null
  const base = { tool: "cursor", agentSession, cwd, ...(typeof model === "string" ? { metadata: { model } } : {}) }
  switch (name) {
    case "sessionStart":
      return { ...base, entries: [] }
    case "beforeSubmitPrompt":
      return { ...base, entries: message("user", event.prompt, turn) }
    case "afterAgentResponse":
      return { ...base, entries: message("assistant", event.text, turn) }
    case "afterFileEdit": {
      if (typeof file_path !== "string") return null
      const diff = edits.map(({ new_string, old_string }) => unifiedDiff(old_string, new_string)).join("")
      const kind = edits.length > 0 && edits.every(({ old_string }) => old_string === "") ? "created" : "modified"
      const key = turn === undefined ? {} : { key: `edit:${turn}:${digest(file_path, diff)}` }
      return { ...base, entries: [{ type: "codeChange", path: file_path, kind, diff, ...key }] }
    }
    case "sessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
