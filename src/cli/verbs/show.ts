import type { Capture } from "../../protocol/captureEntries.ts"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { sessionPage } from "../render/session.ts"
import { printJson, printLine } from "../stdio.ts"

export interface ShowOptions {
  readonly session: string
  readonly json: boolean
}

/** `hob show` */
export const show = async (context: Context, options: ShowOptions): Promise<number> => {
  const session = await callAgain<Session>(context, "sessions.show", () => ({ session: options.session }))
  const captures = await capturesOf(context, session.id)
  if (options.json) printJson({ ...session, captures })
  else printLine(sessionPage(session, Date.now(), captures))
  return ExitCode.ok
}

/** What was captured in a session, closed ones too, newest first; none where the daemon does not say. */
const capturesOf = async (context: Context, session: string): Promise<ReadonlyArray<Capture>> => {
  try {
    const { captures } = await call<{ readonly captures: ReadonlyArray<Capture> }>(context, "capture.list", {
      all: true,
      session
    })
    return captures
  } catch {
    return []
  }
}
