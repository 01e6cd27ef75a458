import type { CaptureAgent } from "../../protocol/captureHooks.ts"
import { fromClaude } from "./claude.ts"
import { fromCodex } from "./codex.ts"
import { fromCursor } from "./cursor.ts"
import type { HookEvent } from "./event.ts"
import { fromGemini } from "./gemini.ts"

const translators: Readonly<Record<CaptureAgent, (event: unknown) => HookEvent | null>> = {
  claude: fromClaude,
  codex: fromCodex,
  gemini: fromGemini,
  cursor: fromCursor
}

/** What an agent's hook says; null for what captures have no use for, a later version's events among it. */
export const translate = (agent: CaptureAgent, event: unknown): HookEvent | null => translators[agent](event)
