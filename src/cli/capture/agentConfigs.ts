/** hob's hooks in the configuration of agents: put in beside what is there, and taken out again. Pure. */

type Json = { [key: string]: unknown }

/** What of an agent's configuration is ours is known by what it runs. */
const isOurs = (command: unknown): boolean =>
  typeof command === "string" && /\bhob['"]? capture hook (?:claude|gemini|cursor|codex)\b/.test(command)

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])

/** Groups of hooks without ours, as Claude Code and Gemini have them: `{matcher?, hooks: […]}`. */
const groupsWithout = (groups: unknown): ReadonlyArray<unknown> =>
  list(groups).flatMap((group) => {
    if (!isObject(group) || !Array.isArray(group["hooks"])) return [group]
    const kept = group["hooks"].filter((hook) => !isObject(hook) || !isOurs(hook["command"]))
    if (kept.length === group["hooks"].length) return [group]
    return kept.length === 0 ? [] : [{ ...group, hooks: kept }]
  })

const entriesWithout = (entries: unknown): ReadonlyArray<unknown> =>
  list(entries).filter((entry) => !isObject(entry) || !isOurs(entry["command"]))

/** `hooks` with other lists for its events; one that has become empty is left out, and `hooks` itself. */
const withHooks = (
  config: Json,
  change: (event: string, given: unknown) => ReadonlyArray<unknown>,
  events: ReadonlyArray<string>
): Json => {
  const before = isObject(config["hooks"]) ? config["hooks"] : {}
  const after: Json = { ...before }
  for (const event of new Set([...Object.keys(before), ...events])) {
    const changed = change(event, before[event])
    if (changed.length > 0) after[event] = changed
    else if (list(before[event]).length > 0 || !(event in before)) delete after[event]
  }
  const { hooks: _, ...rest } = config
  return Object.keys(after).length === 0 ? rest : { ...config, hooks: after }
}

export interface AgentConfig {
  readonly install: (config: Json, command: string) => Json
  readonly uninstall: (config: Json) => Json
}

const grouped = (events: Readonly<Record<string, Json>>, hook: (command: string) => Json): AgentConfig => ({
  install: (config, command) =>
    withHooks(
      config,
      (event, given) => {
        const kept = groupsWithout(given)
        return event in events ? [...kept, { ...events[event], hooks: [hook(command)] }] : kept
      },
      Object.keys(events)
    ),
  uninstall: (config) => withHooks(config, (_, given) => groupsWithout(given), [])
})

/** Seconds. */
const CLAUDE_TIMEOUT = 5
const GEMINI_TIMEOUT_MILLIS = 5000
const EDITORS = "Write|Edit|MultiEdit|NotebookEdit"

export const claudeConfig = grouped(
  { SessionStart: {}, UserPromptSubmit: {}, PostToolUse: { matcher: EDITORS }, Stop: {}, SessionEnd: {} },
  (command) => ({ type: "command", command: `${command} capture hook claude || true`, timeout: CLAUDE_TIMEOUT })
)

export const geminiConfig = grouped({ BeforeAgent: {}, AfterAgent: {}, AfterTool: {}, SessionEnd: {} }, (command) => ({
  type: "command",
  name: "hob-capture",
  command: `${command} capture hook gemini || echo '{}'`,
  timeout: GEMINI_TIMEOUT_MILLIS
}))

const cursorEvents = ["beforeSubmitPrompt", "afterAgentResponse", "afterFileEdit", "sessionEnd"]

export const cursorConfig: AgentConfig = {
  install: (config, command) =>
    withHooks(
      { version: 1, ...config },
      (event, given) => [
        ...entriesWithout(given),
        ...(cursorEvents.includes(event) ? [{ command: `${command} capture hook cursor` }] : [])
      ],
      cursorEvents
    ),
  uninstall: (config) => withHooks(config, (_, given) => entriesWithout(given), [])
}

const CODEX_MARK = "# hob capture"
const ownNotify = new RegExp(`^notify[ \\t]*=.*${CODEX_MARK}[ \\t]*\\r?\\n?`, "m")

/** Before the first table: what stands behind belongs to it. */
const topOfToml = (text: string): string => text.slice(0, /^[ \t]*\[/m.exec(text)?.index ?? text.length)

/** Codex' `config.toml` with hob as the program it notifies; null where it notifies another one. */
export const withNotify = (text: string, words: ReadonlyArray<string>): string | null => {
  const rest = withoutNotify(text)
  if (/^[ \t]*(?:notify|"notify"|'notify')[ \t]*=/m.test(topOfToml(rest))) return null
  return `notify = ${JSON.stringify([...words, "capture", "hook", "codex"])} ${CODEX_MARK}\n${rest}`
}

export const withoutNotify = (text: string): string => text.replace(ownNotify, "")
