import type { Agent, AgentEvent, AgentSession } from "../../protocol/agents.ts"
import { label } from "./session.ts"
import { age, columns, commandLine, cut, oneLine } from "./text.ts"

/** What `hob agent ls` prints. */
export const agentSessionTable = (sessions: ReadonlyArray<AgentSession>, now: number): string =>
  columns([
    ["SESSION", "AGENT", "STATE", "AGE", "TURNS", "COST", "DIRECTORY", ""],
    ...sessions.map(({ agent, costUsd, lastResult, session, state, turns }) => [
      label(session),
      agent ?? "-",
      state,
      age(session.createdAt, now),
      String(turns),
      costUsd === null ? "-" : `$${costUsd.toFixed(4)}`,
      oneLine(session.cwd),
      lastResult === null ? "" : cut(oneLine(`${lastResult.isError ? "error: " : ""}${lastResult.text ?? ""}`), 60)
    ])
  ])

/** What `hob agent known` prints. */
export const agentTable = (agents: ReadonlyArray<Agent>): string =>
  columns([
    ["AGENT", "INPUT", "OUTPUT", "COMMAND"],
    ...agents.map(({ command, input, isDefault, name, output }) => [
      isDefault ? `${name} (default)` : name,
      input,
      output,
      oneLine(commandLine(command))
    ])
  ])

const shown = (text: string): string => text.split("\n").map(oneLine).join("\n")

/** One thing that an agent says, for a person; null for what nobody needs to see. */
export const eventLine = (event: AgentEvent): string | null => {
  switch (event.type) {
    case "text":
      return shown(event.text)
    case "prompt":
      return `> ${shown(event.text)}`
    case "tool":
      return `[${oneLine(event.name)} ${cut(oneLine(JSON.stringify(event.input)), 200)}]`
    case "tool-result":
      return event.isError ? `[failed: ${cut(oneLine(event.text), 200)}]` : null
    case "turn-ended": {
      const cost = event.costUsd === null ? "" : `, $${event.costUsd.toFixed(4)}`
      const seconds = event.durationMillis === null ? "" : `, ${(event.durationMillis / 1000).toFixed(1)} s`
      return `[${event.isError ? `the turn failed: ${oneLine(event.text ?? event.reason ?? "")}` : "done"}${seconds}${cost}]`
    }
    case "notice":
      return `[${oneLine(event.text)}]`
    case "unreadable":
      return `[not JSON: ${oneLine(event.text)}]`
    case "gap":
      return `[${event.to - event.from} bytes of its output are no longer kept]`
    default:
      return null
  }
}
