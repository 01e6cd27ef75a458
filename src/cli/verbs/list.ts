import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { sessionTable } from "../render/session.ts"
import { print, printJson, printLine, terminalWidth } from "../stdio.ts"

export interface ListOptions {
  readonly all: boolean
  readonly json: boolean
  /** Ids only, one a line. */
  readonly quiet: boolean
}

/** `hob ls` */
export const list = async (context: Context, options: ListOptions): Promise<number> => {
  const { sessions } = await callAgain<{ sessions: ReadonlyArray<Session> }>(context, "sessions.list", () =>
    options.all ? { all: true } : {}
  )
  if (options.json) printJson({ sessions })
  else if (options.quiet) print(sessions.map(({ id }) => `${id}\n`).join(""))
  else if (sessions.length > 0) printLine(sessionTable(sessions, Date.now(), terminalWidth()))
  else if (options.all) printLine("No sessions. `hob run -- COMMAND` starts one.")
  else printLine("No session is running. `hob run -- COMMAND` starts one; `hob ls --all` lists those that have ended.")
  return ExitCode.ok
}
