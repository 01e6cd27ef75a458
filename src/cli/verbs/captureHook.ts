import { read, writeSync } from "node:fs"
import { isatty } from "node:tty"
import { captureVariable } from "../../config/variables.ts"
import type { CaptureAgent, HookCall } from "../../protocol/captureHooks.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode } from "../exit.ts"

type Event = Readonly<Record<string, unknown>>

export interface CaptureHookOptions {
  readonly agent: string
  /** What Codex' `notify` gives as an argument; null: it stands on standard input. */
  readonly event: string | null
}

/** The agent waits. What is not taken by then is left for later. */
const ANSWER_WITHIN_MILLIS = 300
/** An agent that never ends its hook's input is not waited for. */
const INPUT_WITHIN_MILLIS = 1000
const MOST_BYTES = 256 * 1024 * 1024
/** A longer text is cut here: the daemon would cut it anyhow, and a request has a limit. */
const MOST_UNITS = 2 * 1024 * 1024
/** All texts of an event together. */
const MOST_EVENT_UNITS = 12 * 1024 * 1024

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const agents: ReadonlySet<string> = new Set<CaptureAgent>(["claude", "codex", "gemini", "cursor"])

/**
 * `hob capture hook`: never in an agent's way. It ends with 0 whatever happens, says nothing on standard output but what
 * the agent wants to read there, and one line at most on standard error.
 */
export const captureHook = async (context: Context, { agent, event }: CaptureHookOptions): Promise<number> => {
  let given: Event = {}
  // Its agent may end meanwhile, and the terminal with it.
  process.on("SIGHUP", () => undefined)
  try {
    if (!agents.has(agent)) throw new Error(`"${agent}" is none of ${[...agents].join(", ")}`)
    given = parse(event ?? (await standardInput()))
    const told = await completed(context, agent, given)
    if (told !== null && context.env[captureVariable] !== "false") await tell(context, agent as CaptureAgent, told)
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split("\n")
    say(2, `hob capture: ${line}`.slice(0, 300))
  }
  reply(agent, given)
  return ExitCode.ok
}

/**
 * A notification of Codex does not say which files it changed; what it has written down does. Codex 0.169 notifies of
 * threads too that nobody but itself has begun: one in its terminal that leaves no record (a title for the session) is
 * null, and of one with a record only the changes count. It does not wait for it.
 */
const withChanges = async ({ env }: Context, given: Event): Promise<Event | null> => {
  const { recordOfTurn } = await import("../capture/rollout.ts")
  const record = await recordOfTurn(given["thread-id"], given["turn-id"], env)
  if (record === null) return given["client"] === "codex-tui" ? null : given
  const { changes: file_changes, isOfUser } = record
  if (isOfUser) return { ...given, file_changes }
  return file_changes.length === 0
    ? null
    : { ...given, "input-messages": [], "last-assistant-message": null, file_changes }
}

/**
 * Gemini CLI 0.61 says twice over, and with spaces between, what was streamed to it (`prompt_response`), and gives its
 * turns no name. What it has written down by then is right. It waits for its hooks: a long record is not read.
 */
const withTurn = async (given: Event): Promise<Event> => {
  const { hook_event_name: name, transcript_path: path } = given
  if (typeof path !== "string" || name === "SessionEnd") return given
  const { geminiTurnOf } = await import("../capture/geminiTurn.ts")
  return { ...given, ...geminiTurnOf(String(name), path) }
}

/** With what the agent has written down elsewhere; null of what is not its user's. */
const completed = async (context: Context, agent: string, given: Event): Promise<Event | null> => {
  if (agent === "gemini") return withTurn(given)
  return agent === "codex" && given["type"] === "agent-turn-complete" ? withChanges(context, given) : given
}

/** What an agent waits to read: Gemini any JSON, Cursor whether the prompt may go on. */
const reply = (agent: string, event: Event): void => {
  if (agent === "gemini") say(1, "{}")
  else if (agent === "cursor" && event["hook_event_name"] === "beforeSubmitPrompt") say(1, '{"continue":true}')
}

/** Whoever does not listen, or can't, is not hurt either. */
const say = (fd: number, line: string): void => {
  try {
    writeSync(fd, `${line}\n`)
  } catch {
    // The pipe is closed, or the disk is full.
  }
}

/** Of this call: when, by which process, and by chance. To load `node:crypto` for it would take longer than all the rest. */
const newId = (): string =>
  [Date.now(), process.pid, Math.random() * 2 ** 32]
    .map((part) => Math.floor(part).toString(16).padStart(8, "0"))
    .join("")

const tell = async (context: Context, agent: CaptureAgent, event: Event): Promise<void> => {
  const session = context.env["HOB_SESSION_ID"]
  const params: HookCall = {
    agent,
    id: newId(),
    event: shortened(event) as HookCall["event"],
    at: new Date().toISOString(),
    ...(session === undefined || !UUID.test(session) ? {} : { session: session as NonNullable<HookCall["session"]> })
  }
  try {
    await call({ ...context, mayStart: false }, "capture.hook", params, ANSWER_WITHIN_MILLIS)
  } catch (error) {
    // A daemon that refuses says why; that is in its log, and it would say so again.
    if (error instanceof Error && error.name === "CallError" && !isPassing(error)) throw error
    const { leave } = await import("../spool.ts")
    await leave(context.paths, { type: "hook", ...params })
  }
}

/** Of a daemon that is on its way out, or whose disk is full. */
const isPassing = (error: Error): boolean => {
  const { code, data } = error as Error & { readonly code?: number; readonly data?: { readonly _tag?: string } }
  return code === -32001 || ["StorageFull", "StorageBusy", "StorageFailed"].includes(data?._tag ?? "")
}

const parse = (text: string): Event => {
  if (text.trim() === "") throw new Error("the hook was given nothing")
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new Error("what the hook was given is no JSON object")
}

/** All of standard input, without the machinery of streams. */
const standardInput = (): Promise<string> =>
  new Promise((resolve, reject) => {
    if (isatty(0)) return reject(new Error("the hook was given nothing: it is the agent that calls this"))
    const chunks: Array<Buffer> = []
    let total = 0
    const late = setTimeout(() => reject(new Error("the hook's input did not end")), INPUT_WITHIN_MILLIS)
    const more = () => {
      const buffer = Buffer.allocUnsafe(64 * 1024)
      read(0, buffer, 0, buffer.length, null, (error, bytes) => {
        if (error?.code === "EAGAIN") return void setTimeout(more, 5)
        if (error !== null && error.code !== "EOF") return reject(error)
        total += bytes
        if (total > MOST_BYTES) return reject(new Error("the hook was given more than 256 MiB"))
        if (bytes > 0 && error === null) {
          chunks.push(buffer.subarray(0, bytes))
          return more()
        }
        clearTimeout(late)
        resolve(Buffer.concat(chunks).toString("utf8"))
      })
    }
    more()
  })

/** The same with its longest texts cut, so that it fits into a request. */
const shortened = (event: unknown): unknown => {
  let left = MOST_EVENT_UNITS
  const cut = (value: unknown): unknown => {
    if (typeof value === "string") {
      const most = Math.min(MOST_UNITS, Math.max(0, left))
      left -= Math.min(value.length, most)
      if (value.length <= most) return value.isWellFormed() ? value : value.toWellFormed()
      return `${value.slice(0, most).toWellFormed()}\n[cut: ${Buffer.byteLength(value.slice(most))} more bytes]`
    }
    if (Array.isArray(value)) return value.map(cut)
    if (typeof value !== "object" || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, cut(each)]))
  }
  return cut(event)
}
