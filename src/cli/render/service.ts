import type { UnitState } from "../service/manager.ts"
import { columns } from "./text.ts"

/** What `hob service status --json` prints. */
export interface ServiceStatus {
  readonly manager: "systemd" | "launchd"
  readonly home: string
  readonly installed: boolean
  readonly units: ReadonlyArray<UnitState>
  readonly linger: boolean | null
  readonly files: ReadonlyArray<{
    readonly path: string
    readonly present: boolean
    /** Lines that this version of hob would write otherwise; empty when there are none. */
    readonly differences: ReadonlyArray<string>
  }>
}

/** What lingering means for sessions, in a sentence or two; null where nobody can say. */
export const lingerText = (linger: boolean | null): string | null => {
  if (linger === null) return null
  return linger
    ? "Lingering is on: sessions run on when you have logged out, and the daemon is there after a reboot without a login."
    : "Lingering is off: at your last logout systemd ends all that you run, sessions too. `loginctl enable-linger` keeps them."
}

/** That the daemon which runs, if one does, is not the service's; null when it is, or nobody can say. */
export const outsideText = ({ installed, units }: ServiceStatus, daemonPid: number | null): string | null => {
  const unit = units.find(({ name }) => !name.endsWith(".socket"))
  if (!installed || daemonPid === null || unit === undefined || unit.pid === daemonPid) return null
  return `The daemon that runs (pid ${daemonPid}) is not the service's: a command or an upgrade started it. \`hob service install\` puts the service's in its place, under the sessions.`
}

export const servicePage = (
  status: ServiceStatus,
  problem: { readonly message: string; readonly hint: string } | null,
  daemonPid: number | null = null
): string => {
  const lines = [
    status.installed
      ? `hob is installed as a service of ${status.manager} (home ${status.home}).`
      : "hob is not installed as a service. `hob service install` installs it; it works without."
  ]
  if (problem !== null) lines.push(problem.message, problem.hint)
  if (status.installed) {
    const rows = status.units.map(({ enabled, name, pid, state }) => [
      `  ${name}:`,
      `${state}, ${enabled ? "enabled" : "not enabled"}${pid === null ? "" : `, pid ${pid}`}`
    ])
    lines.push("", columns([...rows, ...status.files.map(({ path }) => ["  file:", path])]), "")
    const differing = status.files.filter(({ differences }) => differences.length > 0)
    for (const { differences, path } of differing) {
      lines.push(`${path} is not what this version of hob writes:`, ...differences.map((line) => `  ${line}`))
    }
    if (differing.length > 0) lines.push("`hob service install` writes it anew.")
    if (!status.units.every(({ active }) => active)) {
      lines.push("Not all of it is up: `hob logs` may say why, `hob service install` starts it.")
    }
    const outside = problem === null ? outsideText(status, daemonPid) : null
    if (outside !== null) lines.push(outside)
    const linger = lingerText(status.linger)
    if (linger !== null) lines.push(linger)
  }
  return lines.join("\n")
}
