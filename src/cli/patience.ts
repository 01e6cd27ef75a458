/** Telling a daemon that hangs from one that is busy: a machine with other things to do gives it its turn late. */
import { readFileSync } from "node:fs"
import { CallTimedOut } from "../client/wire/bare.ts"
import type { Paths } from "../config/paths.ts"
import { readRecord } from "../config/recordedDaemon.ts"
import type { Context } from "./context.ts"
import { call } from "./daemon.ts"

/** How far a process is. */
export interface Progress {
  readonly pid: number
  /** Of `/proc/<pid>/stat`: `R` runs or wants to, `T` is stopped. */
  readonly state: string
  /** Processor time that it has had, in hundredths of a second. */
  readonly ticks: number
}

/** Less than that in some seconds is what a daemon does that waits. */
const WORK_TICKS = 5
/** No single answer is waited for longer, in milliseconds. */
const LONGEST_MILLIS = 30_000

/** Of the daemon that has the home, as it says itself; null where that can't be told. */
export const progressOf = (paths: Paths): Progress | null => {
  const pid = readRecord(paths)?.pid
  if (pid === undefined) return null
  try {
    const words = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)!.split(" ")
    return { pid, state: words[0]!, ticks: Number(words[11]) + Number(words[12]) }
  } catch {
    return null
  }
}

/** Whether a daemon that has not answered between these two looks was at work all the same, or just began. */
export const isAtWork = (before: Progress | null, after: Progress | null): boolean =>
  after !== null &&
  (after.state === "R" ||
    after.state === "D" ||
    (before !== null && (before.pid !== after.pid || after.ticks - before.ticks >= WORK_TICKS)))

/**
 * A call that may be made twice, with so many milliseconds for its answer: again, with twice the time, while the daemon is
 * at work. Rejects with `CallTimedOut` when it isn't.
 */
export const callPatiently = async <T>(
  context: Context,
  method: string,
  params: unknown,
  answerMillis: number
): Promise<T> => {
  for (let within = answerMillis; ; within *= 2) {
    const before = progressOf(context.paths)
    try {
      return await call<T>(context, method, params, within)
    } catch (error) {
      const isLate = error instanceof CallTimedOut && within <= LONGEST_MILLIS / 2
      if (!isLate || !isAtWork(before, progressOf(context.paths))) throw error
    }
  }
}
