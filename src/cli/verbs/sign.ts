import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import type { Context } from "../context.ts"
import { call, isPassing } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { isTagged } from "../report.ts"

export interface SignOptions {
  /** Whose hook it is, such as `claude`. */
  readonly agent: string
  /** The hook's name, or the JSON that the agent gives to it; null: that JSON stands on standard input. */
  readonly event: string | null
  readonly detail: string | null
  /** Null: the one in which this runs. */
  readonly session: string | null
}

interface Said {
  readonly event: string
  readonly detail?: string
}

const ANSWER_WITHIN_MILLIS = 5_000
const EVENT_CHARACTERS = 64
const DETAIL_CHARACTERS = 1024

/**
 * `hob session sign`: an agent's hook tells what it is about. An agent's configuration is in force everywhere, so where
 * there is nobody to tell (outside a session, on pipes, without a daemon) this is done at once and says nothing.
 */
export const sign = async (context: Context, { agent, detail, event, session }: SignOptions): Promise<number> => {
  const enclosing = context.env["HOB_SESSION_ID"] ?? ""
  if (session === null && enclosing === "") return ExitCode.ok
  const said = event === null || event.startsWith("{") ? fromJson(event ?? standardInput()) : { event }
  const params = { session: session ?? enclosing, agent, ...said, ...(detail === null ? {} : { detail }) }
  try {
    await call({ ...context, mayStart: false }, "sessions.sign", params, ANSWER_WITHIN_MILLIS)
  } catch (error) {
    if (session !== null || !isNobody(error)) throw error
  }
  return ExitCode.ok
}

const isNobody = (error: unknown): boolean =>
  isPassing(error) || ["NoTerminal", "SessionNotFound", "SessionEnded"].some((tag) => isTagged(error, tag))

const standardInput = (): string => {
  if (!isatty(0)) return readFileSync(0, "utf8")
  throw new Fault(
    ExitCode.usage,
    "Which event?",
    "Name it, or pass what the agent gives to its hook on standard input."
  )
}

/** What Claude Code, Codex and Gemini CLI give to a hook; Codex' `notify` has `type` instead. */
const fromJson = (text: string): Said => {
  const given = parse(text)
  const event = given["hook_event_name"] ?? given["type"]
  if (typeof event !== "string" || event === "" || event.length > EVENT_CHARACTERS) {
    throw new Fault(ExitCode.failure, "This is not what an agent gives to a hook: it has no `hook_event_name`.")
  }
  const detail = given["notification_type"]
  return typeof detail === "string" ? { event, detail: detail.slice(0, DETAIL_CHARACTERS) } : { event }
}

const parse = (text: string): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new Fault(ExitCode.failure, "This is not what an agent gives to a hook: it is no JSON object.")
}
