/** Names of channels and of locks, and patterns over them: segments with `:` between. */
import { Schema } from "effect"

export * from "./reservedChannels.ts"

/** The longest name or pattern, in bytes of UTF-8. */
export const MAX_NAME_BYTES = 512

/** What is wrong with a name, as the end of "must be …"; undefined when nothing is. */
const nameProblem = (name: string): string | undefined => {
  const problem = textProblem(name)
  if (problem !== undefined) return problem
  return name.split(":").some(isWildcard) ? "a name, not a pattern: no segment may be '*' or '**'" : undefined
}

const patternProblem = (pattern: string): string | undefined => {
  const problem = textProblem(pattern)
  if (problem !== undefined) return problem
  const segments = pattern.split(":")
  const rest = segments.indexOf("**")
  return rest === -1 || rest === segments.length - 1 ? undefined : "a pattern whose '**' is its last segment"
}

const textProblem = (text: string): string | undefined => {
  if (text === "") return "at least one character long"
  // At most three bytes for each unit: most names need no encoding to be measured.
  if (text.length > MAX_NAME_BYTES || (text.length * 3 > MAX_NAME_BYTES && utf8Bytes(text) > MAX_NAME_BYTES)) {
    return `at most ${MAX_NAME_BYTES} bytes long`
  }
  if (CONTROL.test(text)) return "without control characters"
  if (!text.isWellFormed()) return "well-formed Unicode"
  if (text.startsWith(":") || text.endsWith(":") || text.includes("::")) return "without empty segments"
  return undefined
}

const CONTROL = /\p{Cc}/u

const utf8Bytes = (text: string): number => new TextEncoder().encode(text).length

const isWildcard = (segment: string): boolean => segment === "*" || segment === "**"

const checked = (problem: (text: string) => string | undefined) =>
  Schema.String.check(
    Schema.makeFilter((text) => {
      const wrong = problem(text)
      return wrong === undefined ? undefined : `must be ${wrong}`
    })
  )

/**
 * The name of a channel or of a lock, such as `build:web:done`: 1 to 512 bytes in segments with `:` between, none of
 * them empty, of any characters but control characters.
 */
export const ChannelName = checked(nameProblem).pipe(Schema.brand("ChannelName"))
export type ChannelName = typeof ChannelName.Type

/** A channel's name in which a segment `*` stands for any one segment, and `**` at the end for one or more. */
export const ChannelPattern = checked(patternProblem).pipe(Schema.brand("ChannelPattern"))
export type ChannelPattern = typeof ChannelPattern.Type
