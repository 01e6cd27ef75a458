/** What an agent's hook says, in hob's words. */
import { createHash } from "node:crypto"
import type { CaptureMetadata, CodeChangeKind } from "../../protocol/captureEntries.ts"

export type HookEntry =
  | { readonly type: "message"; readonly role: "user" | "assistant"; readonly content: string; readonly key?: string }
  | {
      readonly type: "codeChange"
      readonly path: string
      readonly kind?: CodeChangeKind
      readonly before?: string | null
      readonly after?: string | null
      readonly diff?: string
      readonly key?: string
    }

export interface HookEvent {
  /** The program, as captures call it. */
  readonly tool: string
  readonly agentSession: string
  readonly cwd: string | null
  readonly metadata?: CaptureMetadata
  readonly entries: ReadonlyArray<HookEntry>
  /** The agent's session has ended. */
  readonly ends?: boolean
}

/** A text that came twice is the same one: for events without a name of their own. */
export const digest = (...texts: ReadonlyArray<string>): string => {
  const hash = createHash("sha256")
  for (const text of texts) hash.update(`${text.length}:${text}`)
  return hash.digest("hex").slice(0, 16)
}

/** The key of what somebody said in a turn; none where the turn has no name. */
export const turnKey = (part: "prompt" | "answer", turn: string | undefined, text: string): { readonly key?: string } =>
  turn === undefined ? {} : { key: `${part}:${turn}:${digest(text)}` }

export const message = (
  role: "user" | "assistant",
  content: string | null | undefined,
  turn: string | undefined
): ReadonlyArray<HookEntry> =>
  content === undefined || content === null || content === ""
    ? []
    : [{ type: "message", role, content, ...turnKey(role === "user" ? "prompt" : "answer", turn, content) }]
