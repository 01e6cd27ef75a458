/** The hooks of Gemini CLI, as version 0.61 sends them. */
import { Option, Schema } from "effect"
import { digest, type HookEntry, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

const Event = Schema.Struct({
  session_id: Schema.String,
  hook_event_name: Schema.String,
  cwd: Text,
  timestamp: Schema.optionalKey(Schema.String),
  prompt: Text,
  prompt_response: Text,
  tool_name: Text,
  tool_response: Schema.optionalKey(Schema.Unknown),
  /** What `hob capture hook` and `hob capture import` have read in Gemini's own record: the number of the turn, from 1. */
  turn: Schema.optionalKey(Schema.Int),
  model: Text
})
const decode = Schema.decodeUnknownOption(Event)

/** What the tools that write files show. */
const Shown = Schema.Struct({
  returnDisplay: Schema.Struct({
    filePath: Schema.String,
    originalContent: Text,
    newContent: Schema.String,
    isNewFile: Schema.optionalKey(Schema.Boolean)
  })
})
const decodeShown = Schema.decodeUnknownOption(Shown)

const changed = (response: unknown, turn: string | undefined): ReadonlyArray<HookEntry> =>
  Option.match(decodeShown(response), {
    onNone: () => [],
    onSome: ({ returnDisplay: { filePath: path, isNewFile, newContent: after, originalContent: given } }) => {
      const before = given ?? ""
      return [
        {
          type: "codeChange",
          path,
          // A version that does not say so tells an empty file from none by nothing.
          before: (isNewFile ?? before === "") ? null : before,
          after,
          ...(turn === undefined ? {} : { key: `tool:${turn}:${digest(path, before, after)}` })
        }
      ]
    }
  })

export const fromGemini = (given: unknown): HookEvent | null => {
  const event = Option.getOrUndefined(decode(given))
  if (event === undefined) return null
  const { cwd = null, hook_event_name: name, model, session_id: agentSession, timestamp } = event
  // A turn has no name, but a number in what Gemini writes down.
  const said = (part: string, role: "user" | "assistant", content: string | null | undefined) => {
    const [entry] = message(role, content, timestamp)
    if (entry === undefined) return []
    return [event.turn === undefined ? entry : { ...entry, key: `${part}#${event.turn}` }]
  }
  const base = {
    tool: "gemini-cli",
    agentSession,
    cwd,
    ...(typeof model === "string" ? { metadata: { model } } : {})
  }
  switch (name) {
    case "SessionStart":
      return { ...base, entries: [] }
    case "BeforeAgent":
      return { ...base, entries: said("prompt", "user", event.prompt) }
    case "AfterAgent":
      return { ...base, entries: said("answer", "assistant", event.prompt_response) }
    case "AfterTool":
      return { ...base, entries: changed(event.tool_response, event.turn === undefined ? timestamp : `#${event.turn}`) }
    case "SessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
