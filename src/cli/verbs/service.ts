import { existsSync, rmSync } from "node:fs"
import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { plural } from "../render/text.ts"
import { lingerText, servicePage, type ServiceStatus } from "../render/service.ts"
import { toFault } from "../report.ts"
import { differences, refuseForeign, removeFiles, writeFiles } from "../service/files.ts"
import { launchd } from "../service/launchd.ts"
import type { ServiceManager } from "../service/manager.ts"
import { systemd } from "../service/systemd.ts"
import { printJson, printLine } from "../stdio.ts"
import { stopDaemon } from "./stop.ts"

export interface ServiceOptions {
  readonly json: boolean
}

const ANSWER_MILLIS = 30_000

const managerOf = (context: Context, platform: NodeJS.Platform): ServiceManager => {
  if (platform === "linux") return systemd(context)
  if (platform === "darwin") return launchd(context)
  throw new Fault(ExitCode.failure, `hob knows no service manager on ${platform}.`, "Any command starts the daemon.")
}

/** The daemon that runs now, without starting one; null when none does, or it does not answer. */
const running = (context: Context): Promise<DaemonStatus | null> =>
  call<DaemonStatus>({ ...context, mayStart: false }, "daemon.status", {}, ANSWER_MILLIS).catch(() => null)

/** How the service is, as its manager sees it. */
export const statusOf = async (context: Context, manager: ServiceManager): Promise<ServiceStatus> => {
  const files = await manager.files()
  const installed = files.every(({ found }) => found !== null)
  return {
    manager: manager.kind,
    home: context.paths.home,
    installed,
    units: await manager.states(),
    linger: await manager.linger(),
    files: files.map((file) => ({ path: file.path, present: file.found !== null, differences: differences(file) }))
  }
}

/** `hob service install` */
export const serviceInstall = async (
  context: Context,
  options: ServiceOptions,
  platform: NodeJS.Platform = process.platform
): Promise<number> => {
  const manager = managerOf(context, platform)
  await usable(manager)
  const files = await manager.files()
  refuseForeign(files)
  const before = await running(context)
  const outside = before?.sessionHost ?? null
  writeFiles(files)
  await manager.load()
  await stopDaemon(context, { all: false, force: false }).catch((error: unknown) => {
    if (toFault(error).exitCode !== ExitCode.notRunning) throw error
  })
  await manager.start()
  const daemon = await call<DaemonStatus>(context, "daemon.status", {}, ANSWER_MILLIS)
  const status = await statusOf(context, manager)
  if (options.json) {
    printJson({ ...status, daemonPid: daemon.pid })
    return ExitCode.ok
  }
  printLine(`hob is a service of ${manager.kind} now: the daemon runs (pid ${daemon.pid}), and will after each login.`)
  for (const { path } of files) printLine(`  ${path}`)
  if (outside !== null && before!.sessions.running > 0) {
    printLine(
      `The ${plural(before!.sessions.running, "session")} of before ${before!.sessions.running === 1 ? "stays" : "stay"} in the session-host of before (pid ${outside.pid}), which is not part of the service; the next one will be.`
    )
  }
  const linger = lingerText(status.linger)
  if (linger !== null) printLine(linger)
  return ExitCode.ok
}

/** `hob service uninstall`: removes what it has installed, and nothing else. */
export const serviceUninstall = async (
  context: Context,
  options: ServiceOptions,
  platform: NodeJS.Platform = process.platform
): Promise<number> => {
  const manager = managerOf(context, platform)
  const files = await manager.files()
  if (files.every(({ found }) => found === null)) {
    throw new Fault(ExitCode.notRunning, "hob is not installed as a service.", "`hob service install` installs it.")
  }
  refuseForeign(files)
  const before = await running(context)
  await manager.unload()
  const removed = removeFiles(files)
  await manager.forget()
  removeStaleSocket(context, await running(context))
  if (options.json) {
    printJson({ removed, sessionsLeft: before?.sessions.running ?? null, sessionHost: before?.sessionHost ?? null })
    return ExitCode.ok
  }
  printLine("hob is no service any more. Removed:")
  for (const path of removed) printLine(`  ${path}`)
  printLine(whatGoesOn(before))
  return ExitCode.ok
}

const whatGoesOn = (before: DaemonStatus | null): string => {
  const next = "The next command starts a daemon by itself."
  if (before === null || before.sessionHost === null) return next
  const { pid } = before.sessionHost
  const { running } = before.sessions
  return running === 0
    ? `The session-host (pid ${pid}) holds nothing and ends by itself. ${next}`
    : `${plural(running, "session")} ${running === 1 ? "goes" : "go"} on in the session-host (pid ${pid}). ${next}`
}

/** What systemd leaves of a socket that it made. */
const removeStaleSocket = ({ paths }: Context, daemon: DaemonStatus | null): void => {
  if (daemon === null && existsSync(paths.socket)) rmSync(paths.socket, { force: true })
}

/** `hob service status`. Exit code 0 when it is installed and up, 1 when a part has failed, 3 otherwise. */
export const serviceStatus = async (
  context: Context,
  options: ServiceOptions,
  platform: NodeJS.Platform = process.platform
): Promise<number> => {
  const manager = managerOf(context, platform)
  const status = await statusOf(context, manager)
  const problem = await manager.problem()
  const daemonPid = (await running(context))?.pid ?? null
  if (options.json) printJson({ ...status, daemonPid, problem: problem?.message ?? null })
  else printLine(servicePage(status, problem, daemonPid))
  if (status.units.some(({ failed }) => failed)) return ExitCode.failure
  return status.installed && status.units.some(({ active }) => active) ? ExitCode.ok : ExitCode.notRunning
}

const usable = async (manager: ServiceManager): Promise<void> => {
  const problem = await manager.problem()
  if (problem !== null) throw new Fault(ExitCode.failure, problem.message, problem.hint)
}
