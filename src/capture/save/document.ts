/** One part of a capture as a prompt of gitify-prompt. Pure. */
import { createHash } from "node:crypto"
import type { Capture, CaptureEntry, CaptureMetadata } from "../../protocol/captureEntries.ts"
import type { YamlValue } from "./yaml.ts"

export interface Part {
  readonly capture: Pick<Capture, "id" | "tool" | "startedAt" | "branch">
  readonly metadata: CaptureMetadata
  readonly slug: string
  readonly entries: ReadonlyArray<CaptureEntry>
  readonly commit: string | null
  /** When the capture began in this part: its first entry. */
}

/** A part with what it is called by. The same part always is the same document. */
export interface Document {
  readonly version: string
  /** Of its last entry. */
  readonly timestamp: string
  readonly model: string
  readonly tags: ReadonlyArray<string>
  readonly value: YamlValue
  readonly text: string
}

const DESCRIPTION = 100
const VERSION_DIGITS = 8

const textOf = ({ capture, entries }: Part): string => {
  const messages = entries.flatMap((entry) => (entry.type === "message" ? [entry] : []))
  const files = filesOf(entries)
  const parts = [
    `# Auto-captured conversation from ${capture.tool}`,
    `Session ID: ${capture.id}`,
    `Started: ${capture.startedAt}`,
    "## Conversation",
    ...messages.map(({ content, role }) => `**${role}**: ${content}`),
    ...(files.length === 0 ? [] : [`## Code Changes (${files.length})`, files.map((file) => `- ${file}`).join("\n")])
  ]
  return parts.join("\n\n").replaceAll("\r\n", "\n").trimEnd()
}

const filesOf = (entries: ReadonlyArray<CaptureEntry>): ReadonlyArray<string> => [
  ...new Set(entries.flatMap((entry) => (entry.type === "codeChange" ? [entry.path] : [])))
]

const text = (value: CaptureMetadata[string] | undefined): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined
const number = (value: CaptureMetadata[string] | undefined): number | undefined =>
  typeof value === "number" ? value : undefined

const shortened = (prompt: string): string =>
  [...prompt].length <= DESCRIPTION ? prompt : `${[...prompt].slice(0, DESCRIPTION).join("")}...`

/** Its keys stand in the order in which gitify-prompt writes them. */
export const documentOf = (part: Part): Document => {
  const { capture, commit, entries, metadata, slug } = part
  const content = textOf(part)
  const [first] = entries
  const hash = createHash("sha256").update(`${capture.id} ${first?.seq}-${entries.at(-1)?.seq}\n${content}`)
  const version = hash.digest("hex").slice(0, VERSION_DIGITS)
  const messages = entries.filter(({ type }) => type === "message").length
  const model = text(metadata["model"]) ?? "unknown"
  const own = metadata["tags"]
  const tags = ["auto-captured", capture.tool, ...(Array.isArray(own) ? (own as ReadonlyArray<string>) : [])]
  const timestamp = entries.at(-1)?.at ?? capture.startedAt
  const prompt = entries.find((entry) => entry.type === "message" && entry.role === "user")
  const value: YamlValue = {
    content,
    commitMessage: `Auto-captured from ${capture.tool} (${messages} messages)`,
    metadata: {
      model,
      tags,
      temperature: number(metadata["temperature"]),
      maxTokens: number(metadata["maxTokens"]),
      tool: capture.tool,
      sessionId: capture.id,
      captureTime: capture.startedAt,
      gitCommit: commit ?? undefined,
      gitBranch: capture.branch ?? undefined,
      filesModified: filesOf(entries)
    },
    description: prompt?.type === "message" ? shortened(prompt.content) : "",
    id: slug,
    version,
    timestamp,
    lastModified: timestamp
  }
  return { version, timestamp, model, tags, value, text: content }
}
