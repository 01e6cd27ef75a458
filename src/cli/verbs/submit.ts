import { readFileSync } from "node:fs"
import type { Context } from "../context.ts"
import { call } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"

export interface SubmitOptions {
  readonly session: string
  readonly text: ReadonlyArray<string>
  /** The message stands on standard input. */
  readonly stdin: boolean
  /** Milliseconds the program has to take it; null for the default. */
  readonly timeout: number | null
  /** Nothing else is to be typed. */
  readonly isAlone: boolean
}

const DEFAULT_MILLIS = 30_000
/** The daemon needs a moment of its own to say that the program took too long. */
const ANSWER_MILLIS = 15_000

/** `hob send --submit` */
export const submitMessage = async (context: Context, options: SubmitOptions): Promise<number> => {
  if (!options.isAlone) {
    throw new Fault(ExitCode.usage, "--submit types Enter itself.", "Leave --key and --eof away.")
  }
  const text = options.stdin ? readFileSync(0, "utf8").replace(/\n$/, "") : options.text.join(" ")
  if (text === "") throw new Fault(ExitCode.usage, "Nothing to submit.", "Give text, or `-` for standard input.")
  const timeoutMillis = options.timeout ?? DEFAULT_MILLIS
  const params = { session: options.session, text, timeoutMillis }
  await call(context, "sessions.submit", params, timeoutMillis + ANSWER_MILLIS)
  return ExitCode.ok
}
