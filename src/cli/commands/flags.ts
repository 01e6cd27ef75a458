import { Option } from "effect"
import { Argument, Flag } from "effect/cli"
import { parseShare, parseSize } from "../../config/quantities.ts"
import { parseDuration } from "../duration.ts"
import { parseCount } from "../plain.ts"

/** A flag that is there or not. */
export const yes = (name: string, description: string, alias?: string): Flag.Flag<boolean> => {
  const flag = Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDefault(false), Flag.withDescription(description))
  return alias === undefined ? flag : Flag.withAlias(flag, alias)
}

export const orNull = <A>(flag: Flag.Flag<A>): Flag.Flag<A | null> => Flag.map(Flag.optional(flag), Option.getOrNull)

export const textOrNull = (name: string, metavar: string, description: string, alias?: string) => {
  const flag = Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))
  return orNull(alias === undefined ? flag : Flag.withAlias(flag, alias))
}

export const texts = (name: string, metavar: string, description: string, alias?: string) => {
  const flag = Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description))
  return Flag.atLeast(alias === undefined ? flag : Flag.withAlias(flag, alias), 0)
}

/** A whole number that is not negative. */
export const count = (name: string, metavar: string, description: string, alias?: string): Flag.Flag<number> => {
  const flag = Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(description),
    Flag.filterMap(
      (text) => Option.fromUndefinedOr(parseCount(text)),
      () => "a whole number, 0 or more"
    )
  )
  return alias === undefined ? flag : Flag.withAlias(flag, alias)
}

export const countOrNull = (name: string, metavar: string, description: string, alias?: string) =>
  orNull(count(name, metavar, description, alias))

/** In milliseconds. */
export const durationOrNull = (name: string, description: string) =>
  orNull(
    Flag.String(name).pipe(
      Flag.withMetavar("DURATION"),
      Flag.withDescription(description),
      Flag.filterMap(
        (text) => Option.fromUndefinedOr(parseDuration(text)),
        () => "a duration such as 500ms, 5s, 2m or 1h"
      )
    )
  )

const parsedOrNull =
  (parse: (text: string) => number | undefined, expected: string) =>
  (name: string, metavar: string, description: string) =>
    orNull(
      Flag.String(name).pipe(
        Flag.withMetavar(metavar),
        Flag.withDescription(description),
        Flag.filterMap(
          (text) => Option.fromUndefinedOr(parse(text)),
          () => expected
        )
      )
    )

/** In bytes. */
export const sizeOrNull = parsedOrNull(parseSize, "a size such as 512M or 2G")
/** In percent of one processor. */
export const shareOrNull = parsedOrNull(parseShare, "a share such as 50%, or processors such as 0.5 or 2")

export const choiceOrNull = <const L extends ReadonlyArray<string>>(name: string, choices: L, description: string) =>
  orNull(Flag.Literals(name, choices).pipe(Flag.withDescription(description)))

/** Sessions by their tags instead of one by one. */
export const tags = texts("tag", "TAG", "Those that have this tag; given again, that one too", "t")

/** Also the session from inside which the command is given. */
export const self = yes("self", "Also the session in which this command runs")

export const json = yes("json", "Print JSON")

const SESSION = "Its id, the beginning of its id, or its name"

export const session = Argument.String("session").pipe(Argument.withDescription(SESSION))
/** Those of which a flag may say which ones are meant. */
export const sessionsIfAny = Argument.String("session").pipe(Argument.withDescription(SESSION), Argument.variadic())
