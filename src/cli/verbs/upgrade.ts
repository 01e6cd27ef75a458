import { buildName, ownBuild, relationOf } from "../../config/versions.ts"
import type { DaemonStatus, Upgrade } from "../../protocol/daemon.ts"
import { CallError } from "../../client/wire/bare.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { hostLines, type HostReport, upgradePage } from "../render/upgrade.ts"
import { printError, printJson, printLine } from "../stdio.ts"
import { type DaemonUpgrade, runningDaemon, statusOf, upgradeDaemon } from "../upgrade/upgradeDaemon.ts"

export interface UpgradeOptions {
  /** Look and say; change nothing. */
  readonly check: boolean
  readonly downgrade: boolean
  readonly json: boolean
}

type Upgraded = (typeof Upgrade)["successSchema"]["Type"]

/** The host asks its successor, waits for what is being started, and may be doing that already for somebody else. */
const HOST_MILLIS = 120_000

/** `hob upgrade`: what runs becomes what is installed, under the sessions. Exit code 1 when something stays as it was. */
export const upgrade = async (context: Context, options: UpgradeOptions): Promise<number> => {
  const before = await runningDaemon(context)
  if (before !== null && relationOf(before) === "newer" && !options.downgrade) {
    throw new Fault(
      ExitCode.failure,
      `The daemon is ${buildName(before)}, newer than this command, ${buildName(ownBuild)}.`,
      "Use the `hob` that belongs to it, or `hob upgrade --downgrade` to go back to this one."
    )
  }
  if (options.check) return check(context, before, options)
  const progress = (line: string) => printError(`hob: ${line}`)
  const began = Date.now()
  const daemon = await upgradeDaemon(context, before, progress)
  const host = await upgradeHost(context, options, began, progress)
  return tell({ daemon, host }, await statusOf(context), options)
}

const check = async (context: Context, before: DaemonStatus | null, options: UpgradeOptions): Promise<number> => {
  const isCurrent = before !== null && relationOf(before) === "same"
  const host: HostReport = isCurrent
    ? await askHost(context, { check: true, downgrade: options.downgrade })
    : { outcome: "unknown", from: before?.sessionHost ?? null, reason: null, detail: null, sessions: [] }
  const outcome = before === null ? "not-running" : isCurrent ? "current" : "possible"
  if (options.json) {
    printJson({
      installed: ownBuild,
      daemon: { outcome, pid: before?.pid ?? null, from: versionOf(before) },
      sessionHost: host,
      screens: before?.sessionHost?.screens ?? null
    })
  } else {
    printLine(`hob ${ownBuild.version} is installed, ${buildName(ownBuild)}.`)
    const daemon =
      before === null
        ? "does not run; the next command starts it"
        : `pid ${before.pid}, ${buildName(before)}: ${isCurrent ? "nothing to do" : "`hob upgrade` replaces it"}`
    printLine(`  daemon:       ${daemon}`)
    for (const line of hostLines(host)) printLine(line)
  }
  return host.outcome === "failed" ? ExitCode.failure : ExitCode.ok
}

const upgradeHost = async (
  context: Context,
  { downgrade }: UpgradeOptions,
  began: number,
  progress: (line: string) => void
): Promise<HostReport> => {
  const { sessionHost } = await statusOf(context)
  if (sessionHost !== null && sessionHost.relation !== "same") {
    progress(
      `the session-host ${sessionHost.pid} is ${buildName(sessionHost)}: ${buildName(ownBuild)} takes its place, in place`
    )
  }
  const report = await askHost(context, { downgrade })
  const last = (await statusOf(context)).sessionHost?.lastUpgrade ?? null
  // The new daemon does it by itself.
  const justDone =
    report.outcome === "current" && last !== null && last.failure === null && Date.parse(last.at) >= began
  return justDone ? { ...report, outcome: "replaced", from: last.from } : report
}

const askHost = async (
  context: Context,
  params: { readonly check?: boolean; readonly downgrade: boolean }
): Promise<HostReport> => {
  try {
    const { from, outcome, pid, sessions } = await call<Upgraded>(
      { ...context, mayStart: false },
      "daemon.upgrade",
      params,
      HOST_MILLIS
    )
    return { outcome, pid, from, reason: null, detail: null, sessions }
  } catch (error) {
    if (!(error instanceof CallError) || error.data?._tag !== "HostNotUpgraded") throw error
    const { detail, host, reason } = error.data as unknown as { detail: string; host: object; reason: string }
    return { outcome: "failed", from: host, reason, detail, sessions: [] }
  }
}

const tell = (
  { daemon, host }: { readonly daemon: DaemonUpgrade; readonly host: HostReport },
  now: DaemonStatus,
  { json }: UpgradeOptions
): number => {
  if (json) {
    printJson({
      installed: ownBuild,
      daemon: {
        outcome: daemon.outcome,
        pid: now.pid,
        from: versionOf(daemon.before),
        previousPid: daemon.before?.pid ?? null
      },
      sessionHost: host,
      screens: now.sessionHost?.screens ?? null
    })
  } else printLine(upgradePage(daemon, host, now))
  return host.outcome === "failed" ? ExitCode.failure : ExitCode.ok
}

const versionOf = (status: DaemonStatus | null) =>
  status === null ? null : { version: status.version, build: status.build ?? null }
