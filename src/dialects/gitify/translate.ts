/** Between gitify-prompt's words and hob's. Pure. */
import { isAbsolute } from "node:path"
import type { CaptureConfig } from "../../protocol/capture.ts"
import type { Capture, CaptureEntry, CaptureMetadata } from "../../protocol/captureEntries.ts"
import type { SessionView } from "./messages.ts"

/** Under this name a capture has the metadata that its client gave, as JSON. By it captures of this dialect are known. */
export const VERBATIM = "gitify"

type Given = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Given =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const text = (value: unknown): string =>
  typeof value === "string" ? value.toWellFormed() : value === undefined || value === null ? "" : JSON.stringify(value)

/** A tool's name as captures have them. Clients may say anything. */
export const toolOf = (value: unknown): string => {
  const name = text(value)
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 64)
  return name === "" ? "generic" : name
}

export const metadataOf = (value: unknown): Given => (isObject(value) ? value : {})

const path = (value: unknown): string | undefined =>
  typeof value === "string" && isAbsolute(value) && !value.includes("\0") && value.length <= 4096
    ? value.toWellFormed()
    : undefined

/** Where its session is. */
export const directoryOf = ({ cwd, repoPath }: Given): string | undefined => path(cwd) ?? path(repoPath)

const MOST_UNITS = 4096

/** What a capture keeps of it: what is saved in fields of their own, and all of it as it came, where that is short. */
export const toMetadata = (given: Given): CaptureMetadata => {
  const verbatim = JSON.stringify(given).toWellFormed()
  const kept: Record<string, CaptureMetadata[string]> = { [VERBATIM]: verbatim.length <= MOST_UNITS ? verbatim : "{}" }
  const { maxTokens, model, tags, temperature } = given
  if (typeof model === "string") kept["model"] = model.slice(0, 256)
  if (typeof temperature === "number" && Number.isFinite(temperature)) kept["temperature"] = temperature
  if (typeof maxTokens === "number" && Number.isFinite(maxTokens)) kept["maxTokens"] = maxTokens
  if (Array.isArray(tags)) kept["tags"] = tags.slice(0, 32).map((tag) => text(tag).slice(0, 256))
  return kept
}

/** The metadata that a client gave; of another program's capture what is like it. */
export const fromMetadata = ({ branch, cwd, repository }: Capture, metadata: CaptureMetadata): Given => {
  const verbatim = metadata[VERBATIM]
  if (typeof verbatim === "string") {
    try {
      const value: unknown = JSON.parse(verbatim)
      if (isObject(value)) return value
    } catch {
      // A secret was masked out of it.
    }
  }
  const { [VERBATIM]: _, ...rest } = metadata
  return {
    ...rest,
    ...(cwd === null ? {} : { cwd }),
    ...(repository === null ? {} : { repoPath: repository }),
    ...(branch === null ? {} : { branch })
  }
}

/** How its status groups sessions. */
export const groupOf = ({ cwd, repoPath }: Given): string => text(cwd) || text(repoPath) || "unknown"

const side = (diff: string, left: string): string =>
  diff
    .split("\n")
    .filter((line) => line.startsWith(left) || line.startsWith(" "))
    .map((line) => line.slice(1))
    .join("\n")

/** Of a change its diff is known: what stands on either side of it. */
export const toView = (
  capture: Capture,
  metadata: CaptureMetadata,
  entries: ReadonlyArray<CaptureEntry>
): SessionView => ({
  id: capture.id,
  tool: capture.tool,
  startTime: capture.startedAt,
  messages: entries.flatMap((entry) =>
    entry.type === "message" ? [{ role: entry.role, content: entry.content, timestamp: entry.at }] : []
  ),
  codeChanges: entries.flatMap((entry) =>
    entry.type === "codeChange"
      ? [
          {
            filePath: entry.path,
            beforeContent: side(entry.diff, "-"),
            afterContent: side(entry.diff, "+"),
            timestamp: entry.at
          }
        ]
      : []
  ),
  metadata: fromMetadata(capture, metadata)
})

/** Its client reads what comes in one read: more than this it would take for a broken answer. */
export const MOST_ANSWER_BYTES = 60 * 1024

const cutting =
  (most: number) =>
  (session: SessionView): SessionView => {
    const cut = (content: string) => (content.length <= most ? content : content.slice(0, most).toWellFormed())
    return {
      ...session,
      messages: session.messages.map(({ content, role, timestamp }) => ({
        role: cut(role),
        content: cut(content),
        timestamp
      })),
      codeChanges: session.codeChanges.map(({ afterContent, beforeContent, filePath, timestamp }) => ({
        filePath: most === 0 ? "" : filePath,
        beforeContent: cut(beforeContent),
        afterContent: cut(afterContent),
        timestamp
      }))
    }
  }

/** The sessions in one answer, with their texts cut as far as that takes; at last the oldest ones are left out. */
export const listing = (sessions: ReadonlyArray<SessionView>): string => {
  for (const most of [Infinity, 1000, 100, 0]) {
    const answer = JSON.stringify({ sessions: most === Infinity ? sessions : sessions.map(cutting(most)) })
    if (Buffer.byteLength(answer) <= MOST_ANSWER_BYTES) return answer
  }
  const bare = sessions
    .map(cutting(0))
    .map((session) => ({ session, bytes: Buffer.byteLength(JSON.stringify(session)) + 1 }))
  let left = MOST_ANSWER_BYTES - 20
  const kept = bare.toReversed().filter(({ bytes }) => (left -= bytes) >= 0)
  return JSON.stringify({ sessions: kept.toReversed().map(({ session }) => session) })
}

/** Its configuration, as its clients look at it. */
export const configOf = ({ closeMillis, enabled, excludePatterns }: CaptureConfig) => ({
  autoCapture: { enabled, tools: { "claude-code": true, cursor: true, chatgpt: false, generic: true } },
  privacy: { excludePatterns, maskSensitiveData: true },
  storage: { maxSessionAge: closeMillis, autoCleanup: true }
})

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/
/** What is no hash of a commit belongs to none. */
export const commitOf = (value: unknown): string | undefined =>
  typeof value === "string" && SHA.test(value) ? value : undefined
