import type { DialectName } from "../protocol/dialectStatus.ts"

/** One dialect of `dialects.enabled`: which, and which of its kind. */
export interface DialectEntry {
  readonly name: DialectName
  readonly args: ReadonlyArray<string>
}

/** How it is written in the configuration, and what it is called. */
export const entryText = ({ args, name }: DialectEntry): string => [name, ...args].join(" ")

/** A text of the configuration, which has been checked by its setting. */
export const parseEntry = (text: string): DialectEntry => {
  const [name, ...args] = text.split(" ")
  return { name: name as DialectName, args }
}

/** What is to be in the configuration once `entry` is enabled. */
export const withEntry = (enabled: ReadonlyArray<string>, entry: DialectEntry): ReadonlyArray<string> => [
  ...new Set([...enabled, entryText(entry)])
]

/** Without `args` every one of this name is meant. */
export const isMeant = (
  entry: DialectEntry,
  { args, name }: { readonly name: string; readonly args?: ReadonlyArray<string> }
): boolean => entry.name === name && (args === undefined || args.join(" ") === entry.args.join(" "))
