import type { AgentOutput } from "../protocol/agentNames.ts"
import { readClaude } from "./formats/claude.ts"
import { readCodex } from "./formats/codex.ts"
import type { Reader } from "./formats/event.ts"
import { readGemini } from "./formats/gemini.ts"

/** What an output says line by line; undefined: nothing that hob understands. */
export const readers: Readonly<Record<AgentOutput, Reader | undefined>> = {
  claude: readClaude,
  codex: readCodex,
  gemini: readGemini,
  text: undefined
}
