import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
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
  if (options.json) printJson(session)
  else printLine(sessionPage(session, Date.now()))
  return ExitCode.ok
}
