/** The hooks and the notifications of Codex, as version 0.169 sends them. */
import { Option, Schema } from "effect"
import type { CodeChangeKind } from "../../protocol/captureEntries.ts"
import { digest, type HookEntry, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

/** What `notify` is given as its last argument. */
const Notification = Schema.Struct({
  type: Schema.Literal("agent-turn-complete"),
  "thread-id": Schema.String,
  "turn-id": Schema.optionalKey(Schema.String),
  cwd: Text,
  "input-messages": Schema.optionalKey(Schema.Array(Schema.String)),
  "last-assistant-message": Text
})
const decodeNotification = Schema.decodeUnknownOption(Notification)

const Event = Schema.Struct({
  session_id: Schema.String,
  hook_event_name: Schema.String,
  cwd: Text,
  model: Text,
  turn_id: Schema.optionalKey(Schema.String),
  prompt: Text,
  last_assistant_message: Text,
  tool_name: Text,
  tool_use_id: Schema.optionalKey(Schema.String),
  tool_input: Schema.optionalKey(Schema.Unknown)
})
const decode = Schema.decodeUnknownOption(Event)

const kinds: Readonly<Record<string, CodeChangeKind>> = { Add: "created", Update: "modified", Delete: "deleted" }

/** The files that a patch of `apply_patch` changes, each with its part of the patch. */
export const filesOfPatch = (
  patch: string
): ReadonlyArray<{ readonly path: string; readonly kind: CodeChangeKind; readonly diff: string }> =>
  patch.split(/^(?=\*\*\* (?:Add|Update|Delete) File: )/m).flatMap((part) => {
    const [, word, path] = /^\*\*\* (Add|Update|Delete) File: (.+)$/m.exec(part) ?? []
    if (word === undefined || path === undefined) return []
    const target = /^\*\*\* Move to: (.+)$/m.exec(part)?.[1]
    const diff = part
      .split("\n")
      .filter((line) => !line.startsWith("*** "))
      .join("\n")
      .trimEnd()
    return [
      {
        path: (target ?? path).trim(),
        kind: target === undefined ? kinds[word]! : "renamed",
        diff: diff === "" ? "" : `${diff}\n`
      }
    ]
  })

/** Wherever the patch stands: which member of the input has it depends on the model. */
const patchIn = (input: unknown): string => {
  const texts =
    typeof input === "string" ? [input] : typeof input === "object" && input !== null ? Object.values(input).flat() : []
  return texts.find((text): text is string => typeof text === "string" && text.includes("*** Begin Patch")) ?? ""
}

const changes = (input: unknown, id: string | undefined): ReadonlyArray<HookEntry> =>
  filesOfPatch(patchIn(input)).map(({ diff, kind, path }, index) =>
    id === undefined
      ? { type: "codeChange", path, kind, diff }
      : { type: "codeChange", path, kind, diff, key: `tool:${id}:${index}` }
  )

const fromNotification = (given: typeof Notification.Type): HookEvent => {
  const turn = given["turn-id"]
  const said = given["input-messages"] ?? []
  return {
    tool: "codex",
    agentSession: given["thread-id"],
    cwd: given.cwd ?? null,
    entries: [
      ...said.flatMap((text) => message("user", text, turn)),
      ...message("assistant", given["last-assistant-message"], turn ?? digest(...said))
    ]
  }
}

export const fromCodex = (given: unknown): HookEvent | null => {
  const notification = Option.getOrUndefined(decodeNotification(given))
  if (notification !== undefined) return fromNotification(notification)
  const event = Option.getOrUndefined(decode(given))
  if (event === undefined) return null
  const { cwd = null, hook_event_name: name, model, session_id: agentSession, turn_id } = event
  const base = { tool: "codex", agentSession, cwd, ...(typeof model === "string" ? { metadata: { model } } : {}) }
  switch (name) {
    case "SessionStart":
      return { ...base, entries: [] }
    case "UserPromptSubmit":
      return { ...base, entries: message("user", event.prompt, turn_id) }
    case "Stop":
    case "StopFailure":
      return { ...base, entries: message("assistant", event.last_assistant_message, turn_id) }
    case "PostToolUse":
      return { ...base, entries: changes(event.tool_input, event.tool_use_id) }
    case "SessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
