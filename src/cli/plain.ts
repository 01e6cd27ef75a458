/**
 * Arguments of the plain form, understood without loading the command tree: known flags spelled out, values as words of
 * their own or after `=`. Anything else, help and mistakes above all, is left to the tree, which knows every form.
 */
import { parseDuration } from "./duration.ts"

/** How a flag is written: alone, with a value, with a value any number of times, or alone or with a duration. */
export type FlagForm = "boolean" | "value" | "values" | "duration or alone"

export interface Grammar {
  /** By full name with its dashes; one letter in `aliases` stands for one of them. */
  readonly flags: Readonly<Record<string, FlagForm>>
  readonly aliases?: Readonly<Record<string, string>>
  /** How many words that are not flags there must be, and may be. */
  readonly words: readonly [least: number, most: number]
  /** Behind so many words, everything belongs to another command. */
  readonly wordsBeforeCommand?: number
  /** There is a command of the same words but for this verb, to which a `--` belongs: the tree says so. */
  readonly takesNoCommand?: boolean
  /** A flag after which every word is one of its values. */
  readonly valuesToTheEnd?: string
}

export interface Plain {
  readonly has: (flag: string) => boolean
  readonly value: (flag: string) => string | null
  readonly values: (flag: string) => ReadonlyArray<string>
  readonly words: ReadonlyArray<string>
}

const NO_START = "--no-start"

/** The value of a flag that may have a duration and has none. */
export const ENDLESS = "endless"

/** Null when the arguments are not of the plain form. */
export const parsePlain = (grammar: Grammar, args: ReadonlyArray<string>): Plain | null => {
  const found = new Map<string, Array<string>>()
  const words: Array<string> = []
  const add = (flag: string, value: string) => {
    const values = found.get(flag)
    if (values === undefined) found.set(flag, [value])
    else values.push(value)
  }
  let greedy: string | undefined
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!
    if (arg === "--") {
      if (grammar.takesNoCommand === true && args[index + 1]?.startsWith("-") === false) return null
      words.push(...args.slice(index + 1))
      break
    }
    if (arg === "-" || !arg.startsWith("-")) {
      if (greedy !== undefined) {
        add(greedy, arg)
        continue
      }
      words.push(arg)
      if (words.length - 1 !== grammar.wordsBeforeCommand) continue
      // What follows may hold a `--` of the command's own.
      words.push(...args.slice(index + 1))
      break
    }
    const equals = arg.startsWith("--") ? arg.indexOf("=") : -1
    const spelled = equals < 0 ? arg : arg.slice(0, equals)
    const flag = grammar.aliases?.[spelled] ?? spelled
    const form = flag === NO_START ? "boolean" : grammar.flags[flag]
    if (form === undefined) return null
    if (form !== "values" && found.has(flag)) return null
    if (form === "boolean") {
      if (equals >= 0) return null
      add(flag, "true")
      continue
    }
    if (form === "duration or alone" && equals < 0 && parseDuration(args[index + 1] ?? "") === undefined) {
      add(flag, ENDLESS)
      continue
    }
    const value = equals < 0 ? args[++index] : arg.slice(equals + 1)
    if (value === undefined || (equals < 0 && value.startsWith("-") && value !== "-")) return null
    add(flag, value)
    if (flag === grammar.valuesToTheEnd) greedy = flag
  }
  if (words.length < grammar.words[0] || words.length > grammar.words[1]) return null
  return {
    has: (flag) => found.has(flag),
    value: (flag) => found.get(flag)?.[0] ?? null,
    values: (flag) => found.get(flag) ?? [],
    words
  }
}

/** A whole number that is not negative, or undefined. */
export const parseCount = (text: string): number | undefined => (/^\d{1,15}$/.test(text) ? Number(text) : undefined)
