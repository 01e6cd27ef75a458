/** The files of `.prompts/`, as gitify-prompt lays them out. */
import { Effect } from "effect"
import { join } from "node:path"
import { type Document, documentOf, type Part } from "./document.ts"
import {
  asNotWritten,
  directoryBelow,
  type NotWritten,
  type Openness,
  opennessOf,
  readSmall,
  writeWhole
} from "./files.ts"
import { markdownOf } from "./markdown.ts"
import { setEntry } from "./promptIndex.ts"
import { withCommit, writeYaml, type YamlValue } from "./yaml.ts"

export const PROMPTS = ".prompts"
const MOST_BYTES = 256 * 1024 * 1024

export interface Written {
  /** Of the part's own version, below the repository. */
  readonly file: string
  /** All that were written, below the repository. */
  readonly files: ReadonlyArray<string>
  readonly document: Document
  readonly mended: ReadonlyArray<string>
}

const CONFIG = `version: '1.0'
defaultModel: gpt-4
testDefaults:
  temperature: 0.7
  maxTokens: 1000
`

/** A part's own file: its time and its version, as gitify-prompt finds it. */
export const historyFile = (slug: string, { timestamp, version }: Pick<Document, "timestamp" | "version">): string =>
  join(PROMPTS, "history", slug, `${timestamp}-${version}.yaml`)
const promptFile = (slug: string): string => join(PROMPTS, "prompts", `${slug}.yaml`)
const markdownFile = (slug: string, version: string): string => join(PROMPTS, "markdown", `${slug}-${version}.md`)

const attempt = <A>(path: string, work: () => Promise<A>): Effect.Effect<A, NotWritten> =>
  Effect.tryPromise({ try: work, catch: (error) => asNotWritten(error, path) })

/**
 * Writes a part: its own version first, then what is latest, the index at last, each in one step. Writing it again
 * leaves everything as it is, so that one that was interrupted is finished by the next.
 */
export const writePart = (
  root: string,
  part: Part,
  { markdown }: { readonly markdown: boolean }
): Effect.Effect<Written, NotWritten> =>
  Effect.gen(function* () {
    const document = documentOf(part)
    const { slug } = part
    const text = writeYaml(document.value as { readonly [key: string]: YamlValue })
    const mode = yield* attempt(root, () => opennessOf(root))
    const made = (...names: ReadonlyArray<string>) =>
      attempt(root, () => directoryBelow(root, [PROMPTS, ...names], mode))
    const meta = yield* made(".meta")
    const prompts = yield* made("prompts")
    yield* made("history", slug)
    const history = historyFile(slug, document)
    const files: Array<string> = []
    const put = (file: string, content: string) =>
      Effect.map(
        attempt(join(root, file), () => writeNew(join(root, file), content, mode)),
        () => void files.push(file)
      )
    yield* put(history, text)
    yield* put(promptFile(slug), text)
    if (markdown) {
      yield* made("markdown")
      yield* put(markdownFile(slug, document.version), markdownOf(part))
    }
    const config = join(PROMPTS, "config.yaml")
    if ((yield* attempt(root, () => readSmall(join(root, config), MOST_BYTES))) === null) yield* put(config, CONFIG)
    const { model, tags, timestamp, version } = document
    const mended = yield* setEntry({ meta, prompts, mode }, slug, {
      lastVersion: version,
      lastModified: timestamp,
      model,
      tags
    })
    files.push(join(PROMPTS, ".meta", "index.json"))
    return { file: history, files, document, mended }
  })

const writeNew = async (path: string, text: string, mode: Openness): Promise<void> => {
  if ((await readSmall(path, MOST_BYTES)) !== text) await writeWhole(path, text, mode)
}

/** Makes a part's files belong to another commit. Files that are gone, or say otherwise, are left as they are. */
export const movePart = (
  root: string,
  { file, slug, version }: { readonly file: string; readonly slug: string; readonly version: string },
  from: string,
  to: string
): Effect.Effect<void, NotWritten> =>
  attempt(root, async () => {
    const mode = await opennessOf(root)
    await directoryBelow(root, [PROMPTS, "history"], mode)
    for (const name of [file, promptFile(slug), markdownFile(slug, version)]) {
      const path = join(root, name)
      const text = await readSmall(path, MOST_BYTES)
      if (text === null) continue
      const moved = name.endsWith(".md")
        ? text.replace(`- commit: ${from}`, `- commit: ${to}`)
        : withCommit(text, from, to)
      if (moved !== text) await writeWhole(path, moved, mode)
    }
  })
