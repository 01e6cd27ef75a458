/** hob's hooks in the configuration of agents: put in beside what is there, and taken out again. Pure. */
import { isDeepStrictEqual } from "node:util"
import {
  type ArrayNode,
  memberOf,
  type Node,
  type ObjectNode,
  parseJsonc,
  valueOf,
  withLast,
  withoutPart
} from "./jsonc.ts"

export type Json = { readonly [key: string]: unknown }

export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What of an agent's configuration is ours is known by what it runs. */
const isOurs = (command: unknown): boolean =>
  typeof command === "string" && /\bhob['"]? capture hook (?:claude|gemini|cursor|codex)\b/.test(command)

/** How the file of an agent is made up that says what it runs. */
interface Shape {
  /** What runs, and of an event's groups (`{matcher?, hooks: […]}`) what stands beside; null: there are no groups. */
  readonly events: Readonly<Record<string, Json | null>>
  readonly hook: (command: string) => Json
  /** What a file needs that hob begins. */
  readonly head?: Json
}

export interface AgentConfig {
  /** The file's text with hob's hooks in it, every other character as it is; null where it can't be understood. */
  readonly install: (text: string, command: string) => string | null
  /** The text without them; null where it can't be understood. */
  readonly uninstall: (text: string) => string | null
  /** Nothing is left in it that anybody would miss. */
  readonly isEmpty: (text: string) => boolean
}

type Container = ObjectNode | ArrayNode

/** One of ours, or what only they were in: the container it is in, and its place there. */
const findOurs = (hooks: ObjectNode): { readonly container: Container; readonly index: number } | null => {
  for (const [at, { value: entries }] of hooks.members.entries()) {
    if (entries.type !== "array") continue
    for (const [index, entry] of entries.items.entries()) {
      if (isOurs(commandOf(entry))) {
        return entries.items.length === 1 ? { container: hooks, index: at } : { container: entries, index }
      }
      const inner = memberOf(entry, "hooks")?.value
      if (inner?.type !== "array") continue
      const ours = inner.items.findIndex((hook) => isOurs(commandOf(hook)))
      if (ours < 0) continue
      if (inner.items.length > 1) return { container: inner, index: ours }
      return entries.items.length === 1 ? { container: hooks, index: at } : { container: entries, index }
    }
  }
  return null
}

const commandOf = (node: Node): unknown => {
  const value = memberOf(node, "command")?.value
  return value?.type === "scalar" ? value.value : undefined
}

const uninstall = (given: string): string | null => {
  let text = given
  for (;;) {
    const root = parseJsonc(text)
    if (root?.type !== "object") return null
    const member = memberOf(root, "hooks")
    if (member?.value.type !== "object") return text
    const found = findOurs(member.value)
    if (found === null) return text
    const { container, index } = found
    const isAll = container === member.value && container.members.length === 1
    text = isAll ? withoutPart(text, root, root.members.indexOf(member)) : withoutPart(text, container, index)
  }
}

/** Every one of ours stands there as it should, and no other one. */
const isInstalled = (shape: Shape, text: string, entries: ReadonlyArray<readonly [string, Json]>): boolean => {
  const root = parseJsonc(text)
  const hooks = memberOf(root ?? undefined, "hooks")?.value
  if (root === null || hooks?.type !== "object") return false
  const ours = hooks.members.flatMap(({ key }) => ownCommands(text, key))
  return (
    ours.length === entries.length &&
    Object.keys(shape.head ?? {}).every((key) => memberOf(root, key) !== undefined) &&
    entries.every(([event, entry]) => {
      const all = memberOf(hooks, event)?.value
      return all?.type === "array" && all.items.some((item) => isDeepStrictEqual(valueOf(item), entry))
    })
  )
}

const install = (shape: Shape, given: string, command: string): string | null => {
  const hook = shape.hook(command)
  const entries = Object.entries(shape.events).map(
    ([event, beside]) => [event, beside === null ? hook : { ...beside, hooks: [hook] }] as const
  )
  if (isInstalled(shape, given, entries)) return given
  let text: string | null = given.trim() === "" ? "{}\n" : uninstall(given)
  for (const [key, value] of Object.entries(shape.head ?? {})) text = text === null ? null : withHead(text, key, value)
  for (const [event, entry] of entries) text = text === null ? null : withEntry(text, event, entry)
  return text === null || parseJsonc(text) === null ? null : text
}

const withHead = (text: string, key: string, value: unknown): string | null => {
  const root = parseJsonc(text)
  if (root?.type !== "object") return null
  return memberOf(root, key) === undefined ? withLast(text, root, value, key) : text
}

const withEntry = (text: string, event: string, entry: Json): string | null => {
  const root = parseJsonc(text)
  if (root?.type !== "object") return null
  const hooks = memberOf(root, "hooks")?.value
  if (hooks === undefined) return withLast(text, root, { [event]: [entry] }, "hooks")
  if (hooks.type !== "object") return null
  const entries = memberOf(hooks, event)?.value
  if (entries === undefined) return withLast(text, hooks, [entry], event)
  return entries.type === "array" ? withLast(text, entries, entry) : null
}

const config = (shape: Shape): AgentConfig => ({
  install: (text, command) => install(shape, text, command),
  uninstall: (text) => (text.trim() === "" ? text : uninstall(text)),
  isEmpty: (text) => {
    const root = parseJsonc(text)
    const rest = root?.type === "object" ? valueOf(root) : null
    return isObject(rest) && isNoMore(rest, shape.head ?? {}) && !/\/[/*]/.test(text)
  }
})

const isNoMore = (rest: Json, head: Json): boolean =>
  Object.entries(rest).every(([key, value]) => JSON.stringify(value) === JSON.stringify(head[key]))

/** The commands of an event's hooks that are hob's, in the configuration that a text holds. */
export const ownCommands = (text: string, event: string): ReadonlyArray<string> => {
  const root = parseJsonc(text)
  const entries = memberOf(memberOf(root ?? undefined, "hooks")?.value, event)?.value
  if (entries === undefined) return []
  const commands = (value: unknown): ReadonlyArray<string> =>
    Array.isArray(value)
      ? value.flatMap(commands)
      : !isObject(value)
        ? []
        : typeof value["command"] === "string" && isOurs(value["command"])
          ? [value["command"]]
          : commands(value["hooks"])
  return commands(valueOf(entries))
}

/** Seconds. */
const TIMEOUT = 5
const GEMINI_TIMEOUT_MILLIS = 5000
/** Codex allows the hook of an end no more. */
const CODEX_TIMEOUT = 3

const claudeShape: Shape = {
  events: {
    SessionStart: {},
    UserPromptSubmit: {},
    PostToolUse: { matcher: "Write|Edit|MultiEdit|NotebookEdit" },
    Stop: {},
    SessionEnd: {}
  },
  hook: (command) => ({ type: "command", command: `${command} capture hook claude || true`, timeout: TIMEOUT })
}

/** The events of Claude Code that hob listens to. */
export const claudeEvents: ReadonlyArray<string> = Object.keys(claudeShape.events)

export const claudeConfig = config(claudeShape)

export const geminiConfig = config({
  events: { BeforeAgent: {}, AfterAgent: {}, AfterTool: {}, SessionEnd: {} },
  hook: (command) => ({
    type: "command",
    name: "hob-capture",
    command: `${command} capture hook gemini || echo '{}'`,
    timeout: GEMINI_TIMEOUT_MILLIS
  })
})

export const codexConfig = config({
  events: { UserPromptSubmit: {}, PostToolUse: { matcher: "apply_patch" }, Stop: {}, SessionEnd: {} },
  hook: (command) => ({ type: "command", command: `${command} capture hook codex || true`, timeout: CODEX_TIMEOUT })
})

export const cursorConfig = config({
  head: { version: 1 },
  events: { beforeSubmitPrompt: null, afterAgentResponse: null, afterFileEdit: null, sessionEnd: null },
  hook: (command) => ({ command: `${command} capture hook cursor` })
})

/**
 * `codex exec` does not wait for what it notifies: where it was all that its terminal ran, the terminal is hung up a
 * moment later. Node does not inherit that this is to be ignored; once it has happened it does not happen again.
 */
const AGAIN_AFTER_HANGUP = `trap '' HUP; "$@" || [ $? -ne 129 ] || "$@"`

const CODEX_MARK = "# hob capture"
const ownNotify = new RegExp(`^notify[ \\t]*=.*${CODEX_MARK}[ \\t]*\\r?\\n?`, "m")

/** Before the first table: what stands behind belongs to it. */
const topOfToml = (text: string): string => text.slice(0, /^[ \t]*\[/m.exec(text)?.index ?? text.length)

/** Codex' `config.toml` with hob as the program it notifies; null where it notifies another one. */
export const withNotify = (text: string, words: ReadonlyArray<string>): string | null => {
  const rest = withoutNotify(text)
  if (/^[ \t]*(?:notify|"notify"|'notify')[ \t]*=/m.test(topOfToml(rest))) return null
  const notify = ["/bin/sh", "-c", AGAIN_AFTER_HANGUP, "hob", ...words, "capture", "hook", "codex"]
  return `notify = ${JSON.stringify(notify)} ${CODEX_MARK}\n${rest}`
}

export const withoutNotify = (text: string): string => text.replace(ownNotify, "")
