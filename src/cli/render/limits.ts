import type { LimitsInForce, SessionLimits } from "../../protocol/limits.ts"
import type { Session } from "../../protocol/sessions.ts"
import { age, oneLine } from "./text.ts"

/** `512M`, `1.5G`: as `--max-memory` takes it. */
export const size = (bytes: number): string => {
  const units = ["", "K", "M", "G", "T"]
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(value < 10 ? 2 : 1))}${units[unit]}`
}

/** `90s`, `2h`, `1.5h`, `250ms`: as `--ttl` takes it. */
export const duration = (millis: number): string => {
  for (const [unit, length] of [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1000]
  ] as const) {
    if (millis >= length && Number.isInteger((millis * 10) / length)) return `${millis / length}${unit}`
  }
  return `${millis}ms`
}

/** Limits that are wanted, one word or two for each. */
export const limitWords = (limits: SessionLimits): ReadonlyArray<string> => [
  ...(limits.memoryBytes === undefined ? [] : [`memory ${size(limits.memoryBytes)}`]),
  ...(limits.cpuPercent === undefined ? [] : [`cpu ${limits.cpuPercent}%`]),
  ...(limits.processes === undefined ? [] : [`processes ${limits.processes}`]),
  ...(limits.ttlMillis === undefined ? [] : [`ttl ${duration(limits.ttlMillis)}`]),
  ...(limits.idleStopMillis === undefined ? [] : [`idle-stop ${duration(limits.idleStopMillis)}`])
]

/** Limits that hold a session, with what holds each. */
export const limitRows = ({
  cpu,
  idleStop,
  memory,
  processes,
  ttl
}: LimitsInForce): ReadonlyArray<[string, string]> => [
  ...(memory === undefined
    ? []
    : [["max memory", `${size(memory.bytes)}, held by ${oneLine(memory.by)}`] as [string, string]]),
  ...(cpu === undefined ? [] : [["max cpu", `${cpu.percent}%, held by ${oneLine(cpu.by)}`] as [string, string]]),
  ...(processes === undefined
    ? []
    : [["max processes", `${processes.count}, held by ${oneLine(processes.by)}`] as [string, string]]),
  ...(ttl === undefined ? [] : [["ttl", `${duration(ttl.millis)}, until ${ttl.endsAt}`] as [string, string]]),
  ...(idleStop === undefined ? [] : [["idle-stop", duration(idleStop.millis)] as [string, string]])
]

const causes: Readonly<Record<string, string>> = {
  exit: "which had ended",
  lost: "which was lost with the session-host",
  reboot: "which was lost when the machine was started anew"
}

/** What a session succeeds, and what succeeds it. */
export const restartRows = (
  { restart, restartedAs, restartedFrom }: Session,
  now: number
): ReadonlyArray<[string, string]> => {
  const rows: Array<[string, string]> = []
  if (restart !== null) {
    const limit = restart.max === 0 ? "" : ` of ${restart.max}`
    const waits = restart.at === null ? "" : `, again in ${age(new Date(now).toISOString(), Date.parse(restart.at))}`
    const stopped = restart.stopped === null ? "" : `, not any more: ${oneLine(restart.stopped)}`
    rows.push(["restart", `${restart.policy}, ${restart.count}${limit} in a row${waits}${stopped}`])
  }
  if (restartedFrom !== null) {
    const { because, id } = restartedFrom
    rows.push(["new", `in the place of ${id}, ${causes[because] ?? oneLine(because)}`])
  }
  if (restartedAs !== null) rows.push(["continued", `as ${restartedAs}`])
  return rows
}
