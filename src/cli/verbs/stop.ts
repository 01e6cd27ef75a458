import { CallError } from "../../client/wire/bare.ts"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { probeSocket } from "../doctor/probeDaemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { caller } from "../inside.ts"
import { isGone, readRecord, recordedProcess } from "../../config/recordedDaemon.ts"
import { callPatiently } from "../patience.ts"
import { plural } from "../render/text.ts"
import { toFault } from "../report.ts"
import { printLine } from "../stdio.ts"

export interface StopOptions {
  /** End the sessions too. */
  readonly all: boolean
  /** End a daemon that does not answer by signals. */
  readonly force: boolean
  /** With `all`, also the session in which this runs. */
  readonly self?: boolean
}

interface Stopped {
  readonly pid: number
  readonly sessionsLeft: number
  readonly sessionsEnded: number
}

/** An orderly stop is bounded by `daemon.shutdownMillis`; ending sessions by their grace. */
const ANSWER_MILLIS = 60_000
const HANGING_ANSWER_MILLIS = 3000
const GONE_MILLIS = 30_000
const TERM_MILLIS = 5000

/** `hob stop`. Resolves once the process is gone. */
export const stop = async (context: Context, options: StopOptions): Promise<number> => {
  const stopped = await stopDaemon(context, options)
  if (stopped === "nothing") {
    printLine("Nothing is running.")
    return ExitCode.ok
  }
  if (stopped === "killed") {
    printLine("hob did not answer and was killed. Its sessions run on in the session-host.")
    return ExitCode.ok
  }
  const ended = stopped.sessionsEnded === 0 ? "" : ` ${plural(stopped.sessionsEnded, "session")} ended.`
  printLine(`hob stopped.${ended}${runningOn(stopped.sessionsLeft)}`)
  return ExitCode.ok
}

/** What becomes of the sessions, after a sentence; empty when there are none. */
export const runningOn = (sessions: number): string => {
  if (sessions === 0) return ""
  const [run, them] = sessions === 1 ? ["runs", "it"] : ["run", "them"]
  return ` ${plural(sessions, "session")} ${run} on: \`hob ls\` finds ${them} again, \`hob stop --all\` would have ended ${them}.`
}

/** `again`: a daemon was started for it. `nothing`: with `all`, when neither a daemon nor a session-host is there. */
export const stopDaemon = async (
  context: Context,
  options: StopOptions,
  again = false
): Promise<Stopped | "killed" | "nothing"> => {
  const quiet = { ...context, mayStart: false }
  try {
    const answerMillis = options.force ? HANGING_ANSWER_MILLIS : ANSWER_MILLIS
    // A daemon that hangs is found out before it is asked for something that may take long.
    await (options.force ? call : callPatiently)(quiet, "daemon.ping", {}, HANGING_ANSWER_MILLIS)
    const stopped = await call<Stopped>(
      quiet,
      "daemon.stop",
      options.all ? { sessions: true, ...caller(context, options.self === true) } : {},
      options.all ? ANSWER_MILLIS : answerMillis
    )
    if (!(await isGoneWithin(stopped.pid, GONE_MILLIS))) {
      if (options.force) return killDaemon(stopped.pid)
      throw new Fault(
        ExitCode.failure,
        `hob (pid ${stopped.pid}) was asked to stop and still runs.`,
        "`hob stop --force` ends it."
      )
    }
    return stopped
  } catch (error) {
    if (error instanceof CallError || error instanceof Fault) throw error
    const record = readRecord(context.paths)
    if (record === null || recordedProcess(record) === "gone") {
      if (!options.all) throw error
      const { state } = await probeSocket(context.paths.hostSocket, "the session-host's", false)
      if (state === "missing" || state === "refused") return "nothing"
      // Its session-host may be there, and sessions in it: only a daemon can end those.
      if (context.mayStart && !again) {
        await call(context, "daemon.ping", {})
        return stopDaemon(context, options, true)
      }
      throw new Fault(
        ExitCode.notRunning,
        "hob is not running, but its session-host may be, and sessions in it.",
        "Without --no-start (or HOB_NO_START), `hob stop --all` starts it to end them."
      )
    }
    if (options.force) return killDaemon(record.pid)
    throw new Fault(
      ExitCode.failure,
      `hob runs as pid ${record.pid} but does not answer: ${toFault(error).message}`,
      "`hob stop --force` ends it; its sessions run on."
    )
  }
}

const killDaemon = async (pid: number): Promise<"killed"> => {
  for (const [signal, millis] of [
    ["SIGTERM", TERM_MILLIS],
    ["SIGKILL", GONE_MILLIS]
  ] as const) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return "killed"
      throw new Fault(ExitCode.failure, `Process ${pid} can't be ended: ${(error as Error).message}.`)
    }
    if (await isGoneWithin(pid, millis)) return "killed"
  }
  throw new Fault(ExitCode.failure, `Process ${pid} can't be ended.`)
}

const isGoneWithin = async (pid: number, millis: number): Promise<boolean> => {
  const deadline = Date.now() + millis
  for (let pause = 5; !isGone(pid); pause = Math.min(pause * 2, 100)) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
  return true
}
