import { buildName, ownBuild } from "../../config/versions.ts"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { ProcessVersion } from "../../protocol/upgrade.ts"
import type { DaemonUpgrade } from "../upgrade/upgradeDaemon.ts"
import { oneLine, plural } from "./text.ts"

/** The session-host's part of an upgrade. */
export interface HostReport {
  /** `unknown`: only a daemon of this build can tell. */
  readonly outcome: "replaced" | "current" | "possible" | "failed" | "unknown"
  readonly pid?: number
  readonly from: ProcessVersion | null
  /** Why it stays as it was. */
  readonly reason: string | null
  readonly detail: string | null
  /** Those that run on. */
  readonly sessions: ReadonlyArray<{ readonly id: string; readonly name: string | null; readonly pid: number | null }>
}

/** What `hob upgrade` did, for people. */
export const upgradePage = ({ before, outcome }: DaemonUpgrade, host: HostReport, now: DaemonStatus): string => {
  const daemon = {
    current: `pid ${now.pid} is it already`,
    started: `pid ${now.pid}, started`,
    replaced: `pid ${now.pid}, in the place of ${before?.pid} (${buildName(before ?? {})}); clients connect again`
  }[outcome]
  const screens = now.sessionHost?.screens
  return [
    `${buildName(ownBuild)}${host.outcome === "failed" ? ", but for the session-host." : " is what runs."}`,
    `  daemon:       ${daemon}`,
    ...hostLines(host),
    ...(screens == null ? [] : [`  screens:      pid ${screens.pid}, ${buildName(screens)}`])
  ].join("\n")
}

export const hostLines = ({ detail, from, outcome, pid, reason, sessions }: HostReport): ReadonlyArray<string> => {
  const was = buildName(from ?? {})
  const runOn =
    sessions.length === 0 ? "it holds no session" : `${plural(sessions.length, "session")} ran on in it, none noticed`
  const line = {
    current: `pid ${pid} is it already`,
    replaced: `pid ${pid}, replaced in place (was ${was}); ${runOn}`,
    possible: `pid ${pid}, ${was}: \`hob upgrade\` replaces it in place, under ${plural(sessions.length, "session")}`,
    failed: `stays ${was}: ${oneLine(detail ?? "")}`,
    unknown: from === null ? "looked at once the daemon runs" : `${was}: looked at once the daemon is replaced`
  }[outcome]
  const hint = reason === "unsupported" || reason === "newer" ? "" : " Try again with `hob upgrade`."
  const rest = outcome === "failed" ? [`                Its sessions run on.${hint}`] : []
  return [`  session-host: ${line}`, ...rest]
}
