import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { toFault } from "../report.ts"
import { printLine } from "../stdio.ts"
import { started } from "./start.ts"
import { stopDaemon } from "./stop.ts"

export interface RestartOptions {
  readonly force: boolean
}

/** `hob restart`: the sessions notice nothing. Starts a daemon where none runs. */
export const restart = async (context: Context, options: RestartOptions): Promise<number> => {
  if (!context.mayStart) {
    throw new Fault(
      ExitCode.notRunning,
      "--no-start (or HOB_NO_START) forbids to start a daemon, so nothing was stopped."
    )
  }
  try {
    await stopDaemon(context, { all: false, force: options.force })
  } catch (error) {
    if (toFault(error).exitCode !== ExitCode.notRunning) throw error
  }
  printLine(started(await call<DaemonStatus>(context, "daemon.status", {})))
  return ExitCode.ok
}
