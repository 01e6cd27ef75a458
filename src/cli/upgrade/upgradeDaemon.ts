import { existsSync } from "node:fs"
import { servicePaths } from "../../config/servicePaths.ts"
import { ownBuild, buildName, relationOf } from "../../config/versions.ts"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { toFault } from "../report.ts"
import { stopDaemon } from "../verbs/stop.ts"
import { startedAs } from "./runningDaemon.ts"

/** How often a client of another version may start its own daemon in between, before that is given up. */
const ATTEMPTS = 3
const ANSWER_MILLIS = 10_000
/** Clients of systemd's socket wait while the daemon starts. */
const SERVICE_MILLIS = 60_000

/** The daemon's part of `hob upgrade`. */
export interface DaemonUpgrade {
  readonly outcome: "replaced" | "started" | "current"
  readonly before: DaemonStatus | null
  readonly after: DaemonStatus
}

export const statusOf = (context: Context): Promise<DaemonStatus> =>
  call<DaemonStatus>({ ...context, mayStart: false }, "daemon.status", {}, ANSWER_MILLIS)

/** The daemon that answers; null when none runs. Throws a {@link Fault} when one runs and does not answer. */
export const runningDaemon = async (context: Context): Promise<DaemonStatus | null> => {
  try {
    return await statusOf(context)
  } catch (error) {
    const fault = toFault(error)
    if (fault.exitCode === ExitCode.notRunning) return null
    throw new Fault(
      ExitCode.failure,
      `The daemon runs and does not answer: ${fault.message}`,
      "`hob restart --force` replaces it; its sessions run on."
    )
  }
}

/**
 * Puts a daemon of this build in the place of the one that runs, or starts one. That one runs until the new one is there;
 * if that fails it goes on, or is started again.
 */
export const upgradeDaemon = async (
  context: Context,
  before: DaemonStatus | null,
  progress: (line: string) => void
): Promise<DaemonUpgrade> => {
  if (before !== null && relationOf(before) === "same") return { outcome: "current", before, after: before }
  if (!context.mayStart) {
    throw new Fault(
      ExitCode.notRunning,
      "--no-start (or HOB_NO_START) forbids to start a daemon, so nothing was changed."
    )
  }
  const { ensureDaemon } = await import("../../client/start.ts")
  if (before === null) {
    const flags = context.settings.flatMap((setting) => ["-c", setting])
    progress(`starting the daemon, ${buildName(ownBuild)}`)
    await ensureDaemon({ paths: context.paths, start: true, flags })
    const after = await statusOf(context)
    if (relationOf(after) === "same") return { outcome: "started", before, after }
    // Somebody else was faster, with a hob of their own.
    return upgradeDaemon(context, after, progress)
  }
  for (let running = before, attempt = 1; ; attempt++) {
    progress(`the daemon ${running.pid} is ${buildName(running)}: ${buildName(ownBuild)} takes its place`)
    await replace(context, running)
    running = await statusOf(context)
    if (relationOf(running) === "same") return { outcome: "replaced", before, after: running }
    if (attempt === ATTEMPTS) throw someoneElses(running)
  }
}

/**
 * Puts a new daemon in the place of this one, with these settings beside those of the command; default: those it has.
 * Throws a {@link Fault} when it stays, or comes back.
 */
export const replace = async (
  context: Context,
  running: DaemonStatus,
  flags?: ReadonlyArray<string>
): Promise<void> => {
  if (existsSync(servicePaths(context.paths, context.env).systemdSocket)) return replaceService(context)
  const { ensureDaemon, replaceDaemon } = await import("../../client/start.ts")
  const { paths } = context
  const old = startedAs(running.pid)
  const given = context.settings.flatMap((setting) => ["-c", setting])
  let why: string
  try {
    if (await replaceDaemon({ paths, flags: [...(flags ?? old?.flags ?? []), ...given] })) return
    why = "The daemon that runs did not leave."
  } catch (error) {
    why = (error as Error).message
  }
  const goesOn = async () => {
    try {
      return await statusOf(context)
    } catch {
      return null
    }
  }
  let status = await goesOn()
  if (status === null && old !== null) {
    // It has left already: it comes back.
    status = await replaceDaemon({ paths, flags: old.flags, program: old.program }).then(goesOn, () => null)
  }
  if (status === null && (await ensureDaemon({ paths, start: false }).catch(() => null)) !== null)
    status = await goesOn()
  throw status === null
    ? new Fault(
        ExitCode.failure,
        `The new daemon did not start, and the old one is gone: ${why}`,
        `The sessions run on. ${paths.daemonLog} tells more; \`hob start\` tries again.`
      )
    : new Fault(
        ExitCode.failure,
        `The new daemon did not start: ${why}`,
        `${buildName(status)} goes on as before (pid ${status.pid}), and so do the sessions.`
      )
}

/** systemd holds the socket, and starts the daemon of its unit for the first that comes. */
const replaceService = async (context: Context): Promise<void> => {
  await stopDaemon(context, { all: false, force: false })
  await call(context, "daemon.ping", {}, SERVICE_MILLIS)
}

const someoneElses = (running: DaemonStatus): Fault => {
  const entry = running.entry ?? startedAs(running.pid)?.program.entry
  return new Fault(
    ExitCode.failure,
    `The daemon that came up is ${buildName(running)}${entry === undefined ? "" : ` (${entry})`}, and not ${buildName(ownBuild)}.`,
    "Who starts it uses another installation: a service (`hob service install` with this one), or a program with a `hob` of its own."
  )
}
