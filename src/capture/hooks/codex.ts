/** The hooks and the notifications of Codex, as version 0.169 sends them. */
import { Option, Schema } from "effect"
import { resolve } from "node:path"
import { digest, type HookEntry, type HookEvent, message } from "./event.ts"

const Text = Schema.optionalKey(Schema.NullOr(Schema.String))

/** What became of a file, in Codex' record of the session (its rollout). */
const Recorded = Schema.Union([
  Schema.Struct({ type: Schema.Literal("add"), content: Schema.String }),
  Schema.Struct({ type: Schema.Literal("delete"), content: Schema.String }),
  Schema.Struct({ type: Schema.Literal("update"), unified_diff: Schema.String, move_path: Text })
])

/** What `hob capture hook` and `hob capture import` have read there, for the events that don't tell it. */
const FileChanges = Schema.Array(Schema.Struct({ id: Schema.String, changes: Schema.Record(Schema.String, Recorded) }))

/** What `notify` is given as its last argument. */
const Notification = Schema.Struct({
  type: Schema.Literal("agent-turn-complete"),
  "thread-id": Schema.String,
  "turn-id": Schema.optionalKey(Schema.String),
  cwd: Text,
  "input-messages": Schema.optionalKey(Schema.Array(Schema.String)),
  "last-assistant-message": Text,
  file_changes: Schema.optionalKey(FileChanges)
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
  tool_input: Schema.optionalKey(Schema.Unknown),
  file_changes: Schema.optionalKey(FileChanges)
})
const decode = Schema.decodeUnknownOption(Event)

/** The content of a file that a patch adds. */
const added = (lines: ReadonlyArray<string>): string =>
  lines.flatMap((line) => (line.startsWith("+") ? [`${line.slice(1)}\n`] : [])).join("")

/** A file as a patch, or the record of one, says that it was changed. */
type Changed = Omit<Extract<HookEntry, { readonly type: "codeChange" }>, "type" | "key">

/** The files that a patch of `apply_patch` changes, each with its part of the patch. */
export const filesOfPatch = (patch: string): ReadonlyArray<Changed> =>
  patch.split(/^(?=\*\*\* (?:Add|Update|Delete) File: )/m).flatMap((part): ReadonlyArray<Changed> => {
    const [, word, path = ""] = /^\*\*\* (Add|Update|Delete) File: (.+)$/m.exec(part) ?? []
    if (word === undefined) return []
    const lines = part.split("\n").filter((line) => !line.startsWith("*** "))
    if (word === "Add") return [{ path: path.trim(), before: null, after: added(lines) }]
    if (word === "Delete") return [{ path: path.trim(), kind: "deleted", diff: "" }]
    const target = /^\*\*\* Move to: (.+)$/m.exec(part)?.[1]
    const diff = lines.join("\n").trimEnd()
    return [
      {
        path: (target ?? path).trim(),
        kind: target === undefined ? "modified" : "renamed",
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

/** As Codex' own record has it: whole files, and diffs with numbers. */
const recorded = (path: string, change: typeof Recorded.Type): Changed => {
  switch (change.type) {
    case "add":
      return { path, before: null, after: change.content }
    case "delete":
      return { path, before: change.content, after: null }
    case "update":
      return typeof change.move_path === "string"
        ? { path: change.move_path, kind: "renamed", diff: change.unified_diff }
        : { path, kind: "modified", diff: change.unified_diff }
  }
}

/** A change is the same one, whoever tells of it: a hook, or Codex' record. */
const entries = (
  changed: ReadonlyArray<Changed>,
  id: string | undefined,
  cwd: string | null | undefined
): ReadonlyArray<HookEntry> =>
  changed.map((change) => {
    const path = typeof cwd === "string" ? resolve(cwd, change.path) : change.path
    return { type: "codeChange", ...change, path, ...(id === undefined ? {} : { key: `tool:${id}:${path}` }) }
  })

const fromRecord = (changes: typeof FileChanges.Type, cwd: string | null | undefined): ReadonlyArray<HookEntry> =>
  changes.flatMap(({ changes, id }) =>
    entries(
      Object.entries(changes).map(([path, change]) => recorded(path, change)),
      id,
      cwd
    )
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
      ...fromRecord(given.file_changes ?? [], given.cwd),
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
      return {
        ...base,
        entries:
          event.file_changes === undefined
            ? entries(filesOfPatch(patchIn(event.tool_input)), event.tool_use_id, cwd)
            : fromRecord(event.file_changes, cwd)
      }
    case "SessionEnd":
      return { ...base, entries: [], ends: true }
    default:
      return null
  }
}
