/** How hooks call this hob. */
import { ownBinary } from "../config/entrypoints.ts"
import type { Paths } from "../config/paths.ts"

/** A word as every shell takes it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** The words that run `hob`, in the home of this one: where it is installed, because a hook may have another PATH. */
export const ownWords = (paths: Paths): ReadonlyArray<string> => {
  const home = paths.environment["HOB_HOME"]
  return home === undefined ? [ownBinary()] : ["env", `HOB_HOME=${home}`, ownBinary()]
}

export const ownCommand = (paths: Paths): string => ownWords(paths).map(quoted).join(" ")
