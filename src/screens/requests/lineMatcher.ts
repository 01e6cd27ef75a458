import { limited } from "../limited.ts"
import { ScreensFailure } from "../ScreensFailure.ts"

/** What of a line matched: the whole match first, then the groups. */
export interface LineMatch {
  readonly line: string
  readonly groups: ReadonlyArray<string | null>
}

/** What is longer is looked at up to here. */
const LINE_CHARACTERS = 16 * 1024
/** For all the lines of one look. An expression can take years for a line, and nobody else is heard meanwhile. */
const LOOK_MILLIS = 500

/**
 * Finds the first of some lines that `source`, with the flags `u` and `m`, matches. Throws {@link ScreensFailure},
 * `bad-request`, for what is no regular expression; what it gives throws the same for one that takes too long.
 */
export const lineMatcher = (source: string): ((lines: ReadonlyArray<string>) => LineMatch | null) => {
  const regex = compile(source)
  const first = (lines: ReadonlyArray<string>): LineMatch | null => {
    for (const line of lines) {
      const match = regex.exec(line.length > LINE_CHARACTERS ? line.slice(0, LINE_CHARACTERS) : line)
      if (match !== null) return { line, groups: Array.from(match, (group) => group ?? null) }
    }
    return null
  }
  return (lines) => {
    const found = limited(LOOK_MILLIS, () => first(lines))
    if (found !== null) return found.done
    throw new ScreensFailure("bad-request", "This regular expression takes too long; make it simpler.")
  }
}

const compile = (source: string): RegExp => {
  try {
    return new RegExp(source, "um")
  } catch (error) {
    throw new ScreensFailure("bad-request", `${(error as Error).message}.`)
  }
}
