import type { WaitFor, WaitMet } from "../../protocol/screens.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { requireFeatures } from "../features.ts"
import { exitCodeOf } from "../outcome.ts"
import { label } from "../render/session.ts"
import { oneLine } from "../render/text.ts"
import { printJson, printLine } from "../stdio.ts"
import { neverWas } from "../waitFor.ts"

export interface WaitOptions {
  readonly session: string
  /** What to wait for; null: the end. */
  readonly for: WaitFor | null
  /** Milliseconds; null waits for ever. */
  readonly timeout: number | null
  readonly json: boolean
}

interface Waited {
  readonly session: Session
  readonly timedOut: boolean
  readonly met: WaitMet | null
}

/** `hob wait`: on and on while the daemon is restarted. */
export const wait = async (context: Context, options: WaitOptions): Promise<number> => {
  if (options.for !== null) await requireFeatures(context, [["wait-for", "to wait for anything but the end"]])
  const deadline = options.timeout === null ? null : Date.now() + options.timeout
  const waited = await callAgain<Waited>(context, "sessions.wait", () => ({
    session: options.session,
    ...(options.for === null ? {} : { for: options.for }),
    ...(deadline === null ? {} : { timeoutMillis: Math.max(0, deadline - Date.now()) })
  }))
  return options.for === null ? end(waited, options) : condition(waited, options.for, options)
}

/** Prints the exit code as a shell would see it. */
const end = ({ session, timedOut }: Waited, { json }: WaitOptions): number => {
  if (json) printJson(session)
  if (timedOut) throw new Fault(ExitCode.timedOut, `${label(session)} is still running.`)
  const code = exitCodeOf(session)
  if (code === null) {
    throw new Fault(
      ExitCode.failure,
      `${label(session)} was lost: the session-host ended before it did, so its exit code is not known.`
    )
  }
  if (!json) printLine(String(code))
  return ExitCode.ok
}

/** Prints the line that matched, or what came first. */
const condition = ({ met, session, timedOut }: Waited, wanted: WaitFor, { json }: WaitOptions): number => {
  if (json) printJson({ met, timedOut, session })
  if (timedOut) {
    throw new Fault(ExitCode.timedOut, `${label(session)}: time is up, and there was ${neverWas(wanted)}.`)
  }
  if (met === null || met.met === "ended") {
    throw new Fault(ExitCode.failure, `${label(session)} has ended, and there was ${neverWas(wanted)}.`)
  }
  if (!json) printLine(met.line === undefined ? (met.activity?.state ?? met.met) : oneLine(met.line))
  return ExitCode.ok
}
