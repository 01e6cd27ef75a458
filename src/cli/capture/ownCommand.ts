/** How hooks call this hob. */
import { fileURLToPath } from "node:url"
import type { Paths } from "../../config/paths.ts"

/** A word as every shell takes it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** The words that run `hob`, in the home of this one: where it is installed, because a hook may have another PATH. */
export const ownWords = (paths: Paths): ReadonlyArray<string> => {
  const binary = fileURLToPath(new URL("../bin/hob", pathOfDist()))
  const home = paths.environment["HOB_HOME"]
  return home === undefined ? [binary] : ["env", `HOB_HOME=${home}`, binary]
}

/** `dist/` of what runs, or of the checkout whose source runs. */
const pathOfDist = (): URL => {
  const self = new URL(import.meta.url)
  const source = self.href.lastIndexOf("/src/cli/")
  return source < 0 ? new URL(".", self) : new URL(`${self.href.slice(0, source)}/dist/`)
}

export const ownCommand = (paths: Paths): string => ownWords(paths).map(quoted).join(" ")
