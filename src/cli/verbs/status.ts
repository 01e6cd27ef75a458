import type { DaemonStatus } from "../../protocol/daemon.ts"
import type { Context } from "../context.ts"
import { ExitCode, Fault } from "../exit.ts"
import { readRecord, recordedProcess } from "../../config/recordedDaemon.ts"
import { callPatiently } from "../patience.ts"
import { statusPage } from "../render/status.ts"
import { toFault } from "../report.ts"
import { printJson, printLine } from "../stdio.ts"

export interface StatusOptions {
  readonly json: boolean
}

const ANSWER_MILLIS = 3000

/** `hob status`. Never starts the daemon; what its record says is shown when it does not answer. */
export const status = async (context: Context, options: StatusOptions): Promise<number> => {
  const { paths } = context
  try {
    const answer = await callPatiently<DaemonStatus>(
      { ...context, mayStart: false },
      "daemon.status",
      {},
      ANSWER_MILLIS
    )
    if (options.json) printJson({ running: true, ...answer })
    else printLine(statusPage(answer, Date.now()))
    return ExitCode.ok
  } catch (error) {
    const fault = toFault(error)
    const record = readRecord(paths)
    const alive = record !== null && recordedProcess(record) === "alive"
    if (options.json) {
      printJson({
        running: alive,
        answering: false,
        reason: fault.message,
        home: paths.home,
        socket: paths.socket,
        ...(alive ? record : {})
      })
    }
    if (!alive) {
      if (fault.exitCode !== ExitCode.notRunning) throw fault
      if (!options.json) printLine(`hob is not running (home ${paths.home}). \`hob start\` starts it.`)
      return ExitCode.notRunning
    }
    throw new Fault(
      ExitCode.failure,
      `hob runs as pid ${record.pid}${record.owner === null ? "" : `, owned by ${record.owner}`}, since ${record.startedAt ?? "an unknown time"}, but does not answer: ${fault.message}`,
      "`hob logs` may tell why; `hob stop --force` ends it. Its sessions run on."
    )
  }
}
