import type { Explanation } from "../../protocol/screens.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { explanationPage } from "../render/explain.ts"
import { isTagged, toFault } from "../report.ts"
import { printJson, printLine } from "../stdio.ts"

export interface ExplainOptions {
  readonly session: string
  readonly json: boolean
}

/** `hob session explain`: why hob thinks that a session works, waits or is idle. */
export const explain = async (context: Context, { json, session }: ExplainOptions): Promise<number> => {
  const explanation = await callAgain<Explanation>(context, "sessions.explain", () => ({ session })).catch(
    (error: unknown) => {
      if (!isTagged(error, "SessionEnded")) throw error
      const { message } = toFault(error)
      throw new Fault(
        ExitCode.failure,
        message,
        `Only a program that runs is about something. \`hob show ${session}\` tells how it ended, \`hob screen ${session}\` what it showed last.`
      )
    }
  )
  if (json) printJson(explanation)
  else printLine(explanationPage(explanation, Date.now()))
  return ExitCode.ok
}
