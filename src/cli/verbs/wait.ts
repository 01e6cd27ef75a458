import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { label } from "../render/session.ts"
import { printJson, printLine } from "../stdio.ts"
import { exitCodeOf } from "../outcome.ts"

export interface WaitOptions {
  readonly session: string
  /** Milliseconds; null waits for ever. */
  readonly timeout: number | null
  readonly json: boolean
}

/** `hob wait --exit`: prints the exit code as a shell would see it. Waits on while the daemon is restarted. */
export const wait = async (context: Context, options: WaitOptions): Promise<number> => {
  const deadline = options.timeout === null ? null : Date.now() + options.timeout
  const { session, timedOut } = await callAgain<{ session: Session; timedOut: boolean }>(
    context,
    "sessions.wait",
    () => ({
      session: options.session,
      ...(deadline === null ? {} : { timeoutMillis: Math.max(0, deadline - Date.now()) })
    })
  )
  if (options.json) printJson(session)
  if (timedOut) {
    throw new Fault(ExitCode.timedOut, `${label(session)} is still running.`)
  }
  const code = exitCodeOf(session)
  if (code === null) {
    throw new Fault(
      ExitCode.failure,
      `${label(session)} was lost: the session-host ended before it did, so its exit code is not known.`
    )
  }
  if (!options.json) printLine(String(code))
  return ExitCode.ok
}
