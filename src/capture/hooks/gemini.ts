/** The hooks of Gemini CLI, as version 0.61 sends them. */
import { Option, Schema } from "effect"
import { type HookEntry, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Event = Schema.Struct({
  session_id: Schema.String,
  hook_event_name: Schema.String,
  cwd: Text,
  timestamp: Schema.optionalKey(Schema.String),
  prompt: Text,
  prompt_response: Text,
  tool_name: Text,
  tool_response: Schema.optionalKey(Schema.Unknown)
})
const decode = Schema.decodeUnknownOption(Event)

/** What the tools that write files show. */
const Shown = Schema.Struct({
  returnDisplay: Schema.Struct({
    filePath: Schema.String,
    originalContent: Text,
    newContent: Schema.String
  })
})
const decodeShown = Schema.decodeUnknownOption(Shown)

const changed = (response: unknown, at: string | undefined): ReadonlyArray<HookEntry> =>
  Option.match(decodeShown(response), {
    onNone: () => [],
    onSome: ({ returnDisplay: { filePath: path, newContent: after, originalContent } }) => [
      {
        type: "codeChange",
        path,
        // It does not tell an empty file from one that was not there.
        before: originalContent === undefined || originalContent === "" ? null : originalContent,
        after,
        ...(at === undefined ? {} : { key: `tool:${at}:${path}` })
      }
    ]
  })

export const fromGemini = (given: unknown): HookEvent | null => {
  const event = Option.getOrUndefined(decode(given))
  if (event === undefined) return null
  const { cwd = null, hook_event_name: name, session_id: agentSession, timestamp } = event
  const base = { tool: "gemini-cli", agentSession, cwd }
  switch (name) {
    case "SessionStart":
      return { ...base, entries: [] }
    case "BeforeAgent":
      return { ...base, entries: message("user", event.prompt, timestamp) }
    case "AfterAgent":
      return { ...base, entries: message("assistant", event.prompt_response, timestamp) }
    case "AfterTool":
      return { ...base, entries: changed(event.tool_response, timestamp) }
    case "SessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
