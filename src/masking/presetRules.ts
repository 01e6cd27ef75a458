/** The rules of secretlint, run on texts instead of files. */
import { rules as preset } from "@secretlint/secretlint-rule-preset-recommend"

/** A text, or part of one, that a rule takes for a secret. */
export interface Finding {
  readonly kind: string
  /** What it names: wherever it stands in the text. */
  readonly values: ReadonlyArray<string>
  readonly range: readonly [start: number, end: number]
}

/** What a rule asks of the text that it looks at. */
interface Source {
  readonly content: string
  readonly ext: string
}

interface Looking {
  readonly kind: string
  readonly file: (source: Source) => unknown
}

/** What rules are given: their message is made of what they found, and that is wanted here in place of the message. */
interface RuleContext {
  readonly createTranslator: () => (id: string, props?: Readonly<Record<string, unknown>>) => unknown
  readonly report: (found: { readonly message: unknown; readonly range: readonly [number, number] }) => void
  readonly ignore: () => void
}

interface AnyRule {
  readonly meta: { readonly id: string }
  readonly create: (context: RuleContext, options: Readonly<Record<string, unknown>>) => Omit<Looking, "kind">
}

/** Those that look at a file's name, and the one by which a file switches the others off. */
const notForTexts: ReadonlySet<string> = new Set(["gcp", "filter-comments"])
const optionsOf: Readonly<Record<string, Readonly<Record<string, unknown>>>> = { aws: { enableIDScanRule: true } }

/** A value that is found elsewhere too must be long enough not to be there by chance. */
const LEAST_VALUE = 8

const isProps = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Looks for everything that the rules know. A rule that fails says nothing of the others. */
export const makePreset = (): ((content: string) => ReadonlyArray<Finding>) => {
  let found: Array<Finding> = []
  const looking = (preset as unknown as ReadonlyArray<AnyRule>).flatMap((rule): ReadonlyArray<Looking> => {
    const kind = rule.meta.id.replace(/^.*secretlint-rule-/, "")
    if (notForTexts.has(kind)) return []
    const context: RuleContext = {
      createTranslator: () => (_id, props) => props,
      report: ({ message, range }) => {
        const values = isProps(message) ? Object.values(message) : []
        const texts = values.filter((value) => typeof value === "string" && value.length >= LEAST_VALUE)
        found.push({ kind, values: texts as ReadonlyArray<string>, range })
      },
      ignore: () => {}
    }
    const { file } = rule.create(context, optionsOf[kind] ?? {})
    return [{ kind, file }]
  })
  return (content) => {
    found = []
    for (const { file } of looking) file({ content, ext: ".txt" })
    return found
  }
}
