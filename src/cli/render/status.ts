import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { StorageStatus } from "../../protocol/storage.ts"
import { buildName } from "../../config/versions.ts"
import { dialectText } from "./dialect.ts"
import { age, columns, oneLine, plural } from "./text.ts"

/** What `hob status` prints of a daemon that answers. */
export const statusPage = (status: DaemonStatus, now: number): string => {
  const { running, total } = status.sessions
  const since = (iso: string) => `since ${iso} (${age(iso, now)})`
  const rows: Array<[string, string]> = [
    ["daemon", `pid ${status.pid}, ${since(status.startedAt)}, ${buildName(status)}`],
    ...hostRows(status.sessionHost, now),
    ["sessions", `${running} running, ${total} listed`],
    ["connections", String(status.connections)],
    ["home", status.home],
    ["socket", status.socket],
    ["node", status.node]
  ]
  if (status.storage !== undefined) {
    rows.push(["store", storageText(status.storage, now)])
    for (const { at, detail } of status.storage.damage)
      rows.push(["damage", `${oneLine(detail)} (${age(at, now)} ago)`])
  }
  for (const dialect of status.dialects ?? []) rows.push(["dialect", dialectText(dialect)])
  const previous = status.previousRun
  if (previous !== undefined && previous !== null && previous.endedAt === null) {
    rows.push([
      "before",
      `pid ${previous.pid} was killed or crashed; it had started ${age(previous.startedAt, now)} ago`
    ])
  }
  const lines = [
    `hob ${status.version} is running.`,
    "",
    columns(rows.map(([key, value]) => [key === "" ? "" : `  ${key}:`, value]))
  ]
  const concerns = status.concerns.map(({ lastFailure, name, restarts, state }) => {
    const failure =
      lastFailure === null ? "" : ` (last: ${oneLine(lastFailure.reason)}, ${age(lastFailure.at, now)} ago)`
    return [`  ${name}:`, `${state}${restarts === 0 ? "" : `, ${plural(restarts, "restart")}${failure}`}`]
  })
  if (concerns.length > 0) lines.push("", columns(concerns))
  return lines.join("\n")
}

const hostRows = (host: DaemonStatus["sessionHost"], now: number): Array<[string, string]> => {
  if (host === null) return [["session-host", "not running: the next session starts it"]]
  const { lastUpgrade, pid, relation, screens, startedAt, upgradable, upgrading } = host
  const rows: Array<[string, string]> = [
    ["session-host", `pid ${pid}, since ${startedAt} (${age(startedAt, now)}), ${buildName(host)}`]
  ]
  if (upgrading === true) rows.push(["", "is being replaced in place"])
  else if (relation !== undefined && relation !== "same") {
    const what = relation === "other" ? "of another build than the daemon" : `${relation} than the daemon`
    const command = `hob upgrade${relation === "newer" ? " --downgrade" : ""}`
    const then =
      upgradable === false ? "it goes with its last session" : `\`${command}\` replaces it, under its sessions`
    rows.push(["", `${what}: ${then}`])
  }
  if (lastUpgrade?.failure != null)
    rows.push(["", `was not replaced ${age(lastUpgrade.at, now)} ago: ${oneLine(lastUpgrade.failure.detail)}`])
  if (screens != null) rows.push(["screens", `pid ${screens.pid}, ${buildName(screens)}`])
  return rows
}

const storageText = ({ path, problem, state }: StorageStatus, now: number): string =>
  `${state}${problem === null ? "" : ` for ${age(problem.since, now)}: ${oneLine(problem.reason)}`} (${path})`
