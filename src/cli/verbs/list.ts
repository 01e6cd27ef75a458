import type { Context } from "../context.ts"
import { ExitCode } from "../exit.ts"
import { sessionTable } from "../render/session.ts"
import { print, printError, printJson, printLine, terminalWidth } from "../stdio.ts"
import { listTagged } from "../tagged.ts"

export interface ListOptions {
  readonly all: boolean
  readonly json: boolean
  /** Ids only, one a line. */
  readonly quiet: boolean
  /** Only those that have all of these. */
  readonly tags: ReadonlyArray<string>
}

/** `hob ls` */
export const list = async (context: Context, options: ListOptions): Promise<number> => {
  const { hostUnavailable, sessions } = await listTagged(context, options)
  if (options.json) printJson({ sessions, ...(hostUnavailable === undefined ? {} : { hostUnavailable }) })
  else if (options.quiet) print(sessions.map(({ id }) => `${id}\n`).join(""))
  else if (sessions.length > 0) printLine(sessionTable(sessions, Date.now(), terminalWidth()))
  else if (hostUnavailable !== undefined) return problem(hostUnavailable)
  else if (options.tags.length > 0) printLine("No session that runs has these tags.")
  else if (options.all) printLine("No sessions. `hob run -- COMMAND` starts one.")
  else printLine("No session is running. `hob run -- COMMAND` starts one; `hob ls --all` lists those that have ended.")
  return hostUnavailable === undefined ? ExitCode.ok : problem(hostUnavailable)
}

/** Then a list that lacks sessions, or says that they are lost, is not the truth. */
const problem = (detail: string): number => {
  printError(
    `hob: The session-host can't be asked, so what runs is not known: ${detail}\n\`hob status\` and \`hob logs --host\` may tell why.`
  )
  return ExitCode.failure
}
