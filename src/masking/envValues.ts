/** The values of a repository's `.env` files: they are secret wherever they turn up. */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"

const FILE = /^\.env(?:\.(?!example$|sample$|template$|dist$|schema$|vault$)[\w.-]{1,64})?$/
const MOST_BYTES = 256 * 1024
const MOST_FILES = 64
/** A shorter one is found by chance in any text. */
const LEAST = 8
/** Not everything that is configured is a secret: numbers, words, addresses and paths stand in the code too. */
const ordinary =
  /^(?:[a-z][a-z-]*|[A-Z][A-Z_]*|\d+(?:\.\d+)*|true|false|https?:\/\/[^\s:@]+(?::\d+)?(?:\/[\w./-]*)?|\.{0,2}\/[\w./-]*|[\w-]+(?:\.[\w-]+)*(?::\d+)?)$/
const looksRandom = /^(?=[^\s]*\d)(?=[^\s]*[a-zA-Z])[A-Za-z0-9_+/=-]{16,}$/

/** A name that says what it is, and a value that is no mere word: it need not look like anything. */
const saysSo =
  /(?:^|_|-|\.)(?:PASS|PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIALS?|(?:API|ACCESS|AUTH|PRIVATE|SECRET|SIGNING|ENCRYPTION)_?KEY)$/i
const isNoWord = /^(?=.*\d)(?=.*[a-zA-Z])[^\s/:]+$/

const isSecret = (name: string, value: string): boolean =>
  value.length >= LEAST &&
  (!ordinary.test(value) || looksRandom.test(value) || (saysSo.test(name) && isNoWord.test(value)))

/** The secret values that a file of variables sets. Pure. */
export const valuesIn = (text: string): ReadonlyArray<string> =>
  Array.from(
    text.matchAll(/^[ \t]*(?:export[ \t]+)?([\w.-]{1,256})[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^#\r\n]*))/gm)
  )
    .map(([, name = "", double, single, plain]) => ({ name, value: double ?? single ?? plain?.trim() ?? "" }))
    .filter(({ name, value }) => isSecret(name, value))
    .map(({ value }) => value)

interface Known {
  readonly stamp: string
  readonly values: ReadonlyArray<string>
  readonly at: number
}

/** Work trees whose values are remembered; and for how long without looking again, in milliseconds. */
const TREES = 256
const FRESH_MILLIS = 2000

/** Tells the values of a work tree; looks at its files again once that was a while ago. `now` is a monotonic clock. */
export class EnvValues {
  readonly #known = new Map<string, Known>()

  of(root: string | null, now: number): ReadonlyArray<string> {
    if (root === null) return []
    const known = this.#known.get(root)
    if (known !== undefined && now - known.at < FRESH_MILLIS) return known.values
    const files = filesIn(root)
    const stamp = files.map(({ path, stamp }) => `${path}\n${stamp}`).join("\n")
    const values = known?.stamp === stamp ? known.values : files.flatMap(({ path }) => valuesIn(read(path)))
    this.#known.delete(root)
    this.#known.set(root, { stamp, values, at: now })
    if (this.#known.size > TREES) this.#known.delete(this.#known.keys().next().value!)
    return values
  }
}

const filesIn = (root: string): ReadonlyArray<{ readonly path: string; readonly stamp: string }> => {
  try {
    return readdirSync(root)
      .filter((name) => FILE.test(name))
      .toSorted()
      .slice(0, MOST_FILES)
      .flatMap((name) => {
        const path = join(root, name)
        const found = statSync(path, { throwIfNoEntry: false })
        return found?.isFile() === true && found.size <= MOST_BYTES
          ? [{ path, stamp: `${found.ino} ${found.size} ${found.mtimeMs}` }]
          : []
      })
  } catch {
    return []
  }
}

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}
