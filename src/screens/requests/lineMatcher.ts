import { createContext, type Context, Script } from "node:vm"
import { ScreensFailure } from "../ScreensFailure.ts"

/** What of a line matched: the whole match first, then the groups. */
export interface LineMatch {
  readonly line: string
  readonly groups: ReadonlyArray<string | null>
}

/** What is longer is looked at up to here. */
const LINE_CHARACTERS = 16 * 1024
/** For all the lines of one look. An expression can take years for a line, and nobody else is heard meanwhile. */
const LOOK_MILLIS = 100

const limited = new Script("look()")
let context: (Context & { look?: () => void }) | undefined

/**
 * Finds the first of some lines that `source`, with the flags `u` and `m`, matches. Throws {@link ScreensFailure},
 * `bad-request`, for what is no regular expression; what it gives throws the same for one that takes too long.
 */
export const lineMatcher = (source: string): ((lines: Iterable<string>) => LineMatch | null) => {
  const regex = compile(source)
  const first = (lines: Iterable<string>): LineMatch | null => {
    for (const line of lines) {
      const match = regex.exec(line.length > LINE_CHARACTERS ? line.slice(0, LINE_CHARACTERS) : line)
      if (match !== null) return { line, groups: Array.from(match, (group) => group ?? null) }
    }
    return null
  }
  return (lines) => {
    let found: LineMatch | null = null
    context ??= createContext({})
    context.look = () => (found = first(lines))
    try {
      limited.runInContext(context, { timeout: LOOK_MILLIS })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error
      throw new ScreensFailure("bad-request", "This regular expression takes too long; make it simpler.")
    }
    return found
  }
}

const compile = (source: string): RegExp => {
  try {
    return new RegExp(source, "um")
  } catch (error) {
    throw new ScreensFailure("bad-request", `${(error as Error).message}.`)
  }
}
