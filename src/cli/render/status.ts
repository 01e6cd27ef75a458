import type { DaemonStatus } from "../../protocol/daemon.ts"
import { age, columns, oneLine, plural } from "./text.ts"

const storeLine = ({ damage, problem, state }: NonNullable<DaemonStatus["storage"]>): string =>
  [
    problem === null ? state : `${state}: ${oneLine(problem.reason)}`,
    ...(damage.length === 0 ? [] : [`${plural(damage.length, "damage")} met, see \`hob logs\``])
  ].join("; ")

/** What `hob status` prints of a daemon that answers. */
export const statusPage = (status: DaemonStatus, now: number): string => {
  const { running, total } = status.sessions
  const rows: Array<[string, string]> = [
    ["daemon", `pid ${status.pid}, since ${status.startedAt} (${age(status.startedAt, now)})`],
    [
      "session-host",
      status.sessionHost === null
        ? "not running: the next session starts it"
        : `pid ${status.sessionHost.pid}, since ${status.sessionHost.startedAt} (${age(status.sessionHost.startedAt, now)})`
    ],
    ["sessions", `${running} running, ${total} listed`],
    ["connections", String(status.connections)],
    ["home", status.home],
    ["socket", status.socket],
    ["node", status.node]
  ]
  if (status.storage !== undefined) rows.push(["store", storeLine(status.storage)])
  if (status.previousRun?.endedAt === null) {
    const { pid, startedAt } = status.previousRun
    rows.push(["before", `daemon ${pid}, started ${startedAt}, was killed or crashed`])
  }
  const lines = [`hob ${status.version} is running.`, "", columns(rows.map(([key, value]) => [`  ${key}:`, value]))]
  const concerns = status.concerns.map(({ lastFailure, name, restarts, state }) => {
    const failure =
      lastFailure === null ? "" : ` (last: ${oneLine(lastFailure.reason)}, ${age(lastFailure.at, now)} ago)`
    return [`  ${name}:`, `${state}${restarts === 0 ? "" : `, ${plural(restarts, "restart")}${failure}`}`]
  })
  if (concerns.length > 0) lines.push("", columns(concerns))
  return lines.join("\n")
}
