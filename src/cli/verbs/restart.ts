import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { toFault } from "../report.ts"
import { replace, statusOf } from "../upgrade/upgradeDaemon.ts"
import { printLine } from "../stdio.ts"
import { started } from "./start.ts"
import { stopDaemon } from "./stop.ts"

export interface RestartOptions {
  readonly force: boolean
}

/**
 * `hob restart`: the sessions notice nothing. Starts a daemon where none runs. One that answers stays until the new one
 * is ready to take its place.
 */
export const restart = async (context: Context, options: RestartOptions): Promise<number> => {
  if (!context.mayStart) {
    throw new Fault(
      ExitCode.notRunning,
      "--no-start (or HOB_NO_START) forbids to start a daemon, so nothing was stopped."
    )
  }
  const running = options.force ? null : await statusOf(context).catch(() => null)
  if (running !== null) {
    await replace(context, running, [])
    printLine(started(await statusOf(context)))
    return ExitCode.ok
  }
  try {
    await stopDaemon(context, { all: false, force: options.force })
  } catch (error) {
    if (toFault(error).exitCode !== ExitCode.notRunning) throw error
  }
  printLine(started(await call<DaemonStatus>(context, "daemon.status", {})))
  return ExitCode.ok
}
