import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Agent, AgentEvent, AgentSession } from "../../protocol/agents.ts"
import type { Context } from "../context.ts"
import { call, callAgain, open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { agentSessionTable, agentTable, eventLine } from "../render/agent.ts"
import { printError, printJson, printLine } from "../stdio.ts"

export interface AgentStartOptions {
  /** Empty: none; `-` alone: standard input. */
  readonly prompt: ReadonlyArray<string>
  readonly agent: string | null
  readonly cwd: string | null
  readonly env: ReadonlyArray<string>
  readonly name: string | null
  readonly tags: ReadonlyArray<string>
  readonly key: string | null
  readonly mkdir: boolean
  readonly once: boolean
  readonly follow: boolean
  readonly json: boolean
}

const textOf = (words: ReadonlyArray<string>): string =>
  words.length === 1 && words[0] === "-" ? readFileSync(0, "utf8") : words.join(" ")

const variables = (settings: ReadonlyArray<string>): Record<string, string> =>
  Object.fromEntries(
    settings.map((setting) => {
      const at = setting.indexOf("=")
      if (at < 1) throw new Fault(ExitCode.usage, `--env takes KEY=VALUE, and this is "${setting}".`)
      return [setting.slice(0, at), setting.slice(at + 1)]
    })
  )

const given = (env: Context["env"]): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** `hob agent start` */
export const agentStart = async (context: Context, options: AgentStartOptions): Promise<number> => {
  const { agent, cwd, env, follow, json, key, mkdir, name, once, tags } = options
  const prompt = textOf(options.prompt)
  const started = await call<{ readonly session: AgentSession; readonly isNew: boolean }>(context, "agents.start", {
    directory: resolve(cwd ?? "."),
    callerEnv: given(context.env),
    ...(prompt === "" ? {} : { prompt }),
    ...(agent === null ? {} : { agent }),
    ...(env.length === 0 ? {} : { env: variables(env) }),
    ...(name === null ? {} : { name }),
    ...(tags.length === 0 ? {} : { tags }),
    ...(key === null ? {} : { idempotencyKey: key }),
    ...(mkdir ? { createDirectory: true } : {}),
    ...(once ? { endInput: true } : {})
  })
  const { id } = started.session.session
  if (follow) return followTurn(context, id, { json, since: 0, once })
  if (json) printJson(started)
  else printLine(id)
  if (!started.isNew) printError(`hob: A request with the key "${key}" came before: this is what it started.`)
  return ExitCode.ok
}

export interface AgentTurnOptions {
  readonly session: string
  readonly text: ReadonlyArray<string>
  readonly last: boolean
  readonly follow: boolean
  readonly json: boolean
}

/** `hob agent turn` */
export const agentTurn = async (context: Context, options: AgentTurnOptions): Promise<number> => {
  const { follow, json, last, session } = options
  const text = textOf(options.text)
  if (text === "") throw new Fault(ExitCode.usage, "The turn is empty: say what the agent is to do.")
  const { output } = await callAgain<{ readonly output: { readonly end: number } }>(context, "sessions.show", () => ({
    session
  }))
  const sent = await call(context, "agents.turn", { session, text, ...(last ? { endInput: true } : {}) })
  if (follow) return followTurn(context, session, { json, since: output.end, once: last })
  if (json) printJson(sent)
  return ExitCode.ok
}

/** Prints what the agent says until its turn has ended; 1 when that ended with an error. */
const followTurn = async (
  context: Context,
  session: string,
  { json, since, once }: { readonly json: boolean; readonly since: number; readonly once: boolean }
): Promise<number> => {
  let ended: Extract<AgentEvent, { type: "turn-ended" }> | undefined
  await eachEvent(context, { session, since, follow: true }, (event) => {
    show(event, json)
    if (event.type === "turn-ended") ended = event
    return event.type === "turn-ended" && !once
  })
  if (ended === undefined) printError("hob: The agent has ended without an answer. `hob output` shows what it wrote.")
  return ended === undefined || ended.isError ? ExitCode.failure : ExitCode.ok
}

const show = (event: AgentEvent, json: boolean): void => {
  const line = json ? JSON.stringify(event) : eventLine(event)
  if (line !== null) printLine(line)
}

const eachEvent = async (context: Context, params: object, hear: (event: AgentEvent) => boolean): Promise<void> => {
  const client = await open(context)
  try {
    for await (const event of client.subscribe("agents.events", params) as AsyncGenerator<AgentEvent>) {
      if (hear(event)) return
    }
  } finally {
    client.close()
  }
}

export interface AgentEventsOptions {
  readonly session: string
  readonly since: number | null
  readonly follow: boolean
  readonly raw: boolean
  readonly json: boolean
}

/** `hob agent events` */
export const agentEvents = async (context: Context, options: AgentEventsOptions): Promise<number> => {
  const { follow, json, raw, session, since } = options
  await eachEvent(context, { session, follow, raw, ...(since === null ? {} : { since }) }, (event) => {
    show(event, json || raw)
    return false
  })
  return ExitCode.ok
}

/** `hob agent ls` */
export const agentList = async (
  context: Context,
  { all, json }: { readonly all: boolean; readonly json: boolean }
): Promise<number> => {
  const listed = await callAgain<{ readonly sessions: ReadonlyArray<AgentSession> }>(context, "agents.list", () =>
    all ? { all } : {}
  )
  if (json) printJson(listed)
  else if (listed.sessions.length > 0) printLine(agentSessionTable(listed.sessions, Date.now()))
  else printLine('No agent runs. `hob agent start "…"` starts one.')
  return ExitCode.ok
}

/** `hob agent known` */
export const agentKnown = async (context: Context, { json }: { readonly json: boolean }): Promise<number> => {
  const known = await callAgain<{ readonly agents: ReadonlyArray<Agent> }>(context, "agents.known", () => ({}))
  if (json) printJson(known)
  else printLine(agentTable(known.agents))
  return ExitCode.ok
}
