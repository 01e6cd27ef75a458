/** `.prompts/.meta/index.json`: what gitify-prompt lists. One writer at a time, on whichever machine; made anew when it is damaged. */
import { Effect } from "effect"
import { constants } from "node:fs"
import { lstat, open, readdir, rename, unlink } from "node:fs/promises"
import { join } from "node:path"
import { asNotWritten, NotWritten, type Openness, readSmall, writeWhole } from "./files.ts"
import { isSlug } from "./slug.ts"
import { readSummary } from "./yaml.ts"

export interface IndexEntry {
  readonly lastVersion: string
  readonly lastModified: string
  readonly model: string
  readonly tags: ReadonlyArray<string>
}

type Index = Record<string, unknown>

const MOST_BYTES = 64 * 1024 * 1024
const MOST_PROMPT_BYTES = 4 * 1024 * 1024
/** A lock that is older was left by a process that died. */
const STALE_MILLIS = 10_000
const TRIES = 100
const PAUSE = "50 millis"

/** The index as it is; null when it is no JSON object, as with the marks of a merge in it. */
const parse = (text: string): Index | null => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Index) : null
  } catch {
    return null
  }
}

/** The index that the prompts themselves tell of. */
const rebuilt = async (prompts: string): Promise<Index> => {
  const index: Index = {}
  for (const name of (await readdir(prompts).catch(() => [])).toSorted()) {
    if (!/\.ya?ml$/.test(name)) continue
    const summary = readSummary((await readSmall(join(prompts, name), MOST_PROMPT_BYTES).catch(() => null)) ?? "")
    if (summary === null || !isSlug(summary.id)) continue
    const { id, lastModified, model, tags, version } = summary
    index[id] = { lastVersion: version, lastModified, model, tags } satisfies IndexEntry
  }
  return index
}

export interface IndexPlace {
  /** `.prompts/.meta`. */
  readonly meta: string
  /** `.prompts/prompts`. */
  readonly prompts: string
  readonly mode: Openness
}

/** Sets one entry. Gives what was mended on the way. */
export const setEntry = (
  place: IndexPlace,
  slug: string,
  entry: IndexEntry
): Effect.Effect<ReadonlyArray<string>, NotWritten> => {
  const path = join(place.meta, "index.json.lock")
  return Effect.acquireUseRelease(
    take(path),
    () =>
      Effect.tryPromise({ try: () => change(place, slug, entry), catch: (error) => asNotWritten(error, place.meta) }),
    () => Effect.promise(() => unlink(path).catch(() => {}))
  )
}

const change = async ({ meta, mode, prompts }: IndexPlace, slug: string, entry: IndexEntry) => {
  const path = join(meta, "index.json")
  const text = await readSmall(path, MOST_BYTES)
  const mended: Array<string> = []
  let index = text === null ? {} : parse(text)
  if (index === null) {
    const aside = `${path}.damaged-${new Date().toISOString().replaceAll(":", "")}`
    await rename(path, aside)
    index = await rebuilt(prompts)
    mended.push(`${path} was damaged: it is kept as ${aside}, and was made anew from the prompts.`)
  }
  const next = Object.assign(Object.create(null) as Index, index, { [slug]: entry })
  const written = `${JSON.stringify(next, null, 2)}\n`
  if (written !== text) await writeWhole(path, written, mode)
  return mended
}

/** As git does it: whoever can create the lock's file has the index. */
const take = (path: string): Effect.Effect<void, NotWritten> =>
  Effect.gen(function* () {
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      if (yield* Effect.tryPromise({ try: () => create(path), catch: (error) => asNotWritten(error, path) })) return
      yield* Effect.sleep(PAUSE)
    }
    const detail = "another process has had it for long. Remove it if none has."
    return yield* Effect.fail(new NotWritten("system", path, detail))
  })

/** False when somebody has it. One that was left behind is removed. */
const create = async (path: string, isRetry = false): Promise<boolean> => {
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    await (await open(path, flags, 0o600)).close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
    const since = await lstat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0
    )
    if (Math.abs(since) <= STALE_MILLIS || isRetry) return false
    await unlink(path).catch(() => {})
    return create(path, true)
  }
}
