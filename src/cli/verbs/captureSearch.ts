import type { CaptureMatch } from "../../protocol/capture.ts"
import type { Context } from "../context.ts"
import { callAgain } from "../daemon.ts"
import { ExitCode } from "../exit.ts"
import { matchLines } from "../render/capture.ts"
import { printError, printJson, printLine } from "../stdio.ts"
import { topOf } from "../capture/topOf.ts"

export interface CaptureSearchOptions {
  readonly text: string
  readonly ignoreCase: boolean
  readonly repository: string | null
  readonly limit: number | null
  readonly json: boolean
}

interface Found {
  readonly matches: ReadonlyArray<CaptureMatch>
  readonly isCut: boolean
}

/** `hob capture search`: as of grep, 1 means that nothing was found. */
export const captureSearch = async (context: Context, options: CaptureSearchOptions): Promise<number> => {
  const { ignoreCase, json, limit, repository, text } = options
  const { isCut, matches } = await callAgain<Found>(context, "capture.search", () => ({
    text,
    ...(ignoreCase ? { ignoreCase } : {}),
    ...(repository === null ? {} : { repository: topOf(repository) }),
    ...(limit === null ? {} : { limit })
  }))
  if (json) printJson({ matches, isCut })
  else if (matches.length > 0) printLine(matchLines(matches))
  if (isCut && !json) printError("hob: There are more: `--limit` shows them.")
  return matches.length > 0 ? ExitCode.ok : ExitCode.failure
}
