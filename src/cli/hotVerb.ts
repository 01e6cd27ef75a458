/** A command in its plain form: how its arguments are read, and what it does. */
import type { Context } from "./context.ts"
import { type Grammar, parsePlain, type Plain } from "./plain.ts"

/** A command, ready to go. */
export type Action = (context: Context) => Promise<number>

export interface Verb {
  readonly grammar: Grammar
  /** Null when a value is not what it has to be. */
  readonly action: (plain: Plain) => Action | null
  /** Commands below it, by the word that follows. */
  readonly below?: Readonly<Record<string, Verb>>
}

export interface HotAction {
  readonly action: Action
  /** `--no-start` is among the arguments. */
  readonly noStart: boolean
}

/** What the arguments ask for; null when it takes the tree to tell. */
export const actionOf = (verbs: Readonly<Record<string, Verb>>, argv: ReadonlyArray<string>): HotAction | null => {
  const first = argv.findIndex((arg) => arg !== "--no-start")
  const outer = first < 0 ? undefined : own(verbs, argv[first]!)
  if (outer === undefined) return null
  const inner = own(outer.below ?? {}, argv[first + 1] ?? "")
  const verb = inner ?? outer
  const plain = parsePlain(verb.grammar, argv.slice(first + (inner === undefined ? 1 : 2)))
  const action = plain === null ? null : verb.action(plain)
  return action === null ? null : { action, noStart: first > 0 || plain!.has("--no-start") }
}

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
