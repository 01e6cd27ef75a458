/** What Gemini CLI has written down, for its hooks and for who imports it. */
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, isAbsolute, join } from "node:path"
import { readGeminiChat } from "./geminiChat.ts"

/** It waits for its hooks. */
const MOST_BYTES = 16 * 1024 * 1024

const contentOf = (path: string, most: number): string | null => {
  try {
    const found = statSync(path)
    return found.isFile() && found.size <= most ? readFileSync(path, "utf8") : null
  } catch {
    return null
  }
}

/** What an event lacks: the number of its turn, and of the end of one what was said; nothing where nothing is known. */
export const geminiTurnOf = (
  event: string,
  path: string
): { readonly turn?: number; readonly prompt_response?: string; readonly model?: string } => {
  const source = contentOf(path, MOST_BYTES)
  if (source === null) return event === "BeforeAgent" && !existsSync(path) ? { turn: 1 } : {}
  const turns = readGeminiChat(source)?.turns ?? []
  // A prompt is told before it is written down, everything else behind it.
  if (event === "BeforeAgent") return { turn: turns.length + 1 }
  const last = turns.at(-1)
  if (last === undefined) return {}
  const said = event === "AfterAgent" && last.answer !== ""
  return {
    turn: turns.length,
    ...(said ? { prompt_response: last.answer } : {}),
    ...(last.model === undefined ? {} : { model: last.model })
  }
}

/** The directory in which the session of a chat's file was; null where nothing says so. */
export const projectOf = (chat: string): string | null => {
  const root = contentOf(join(dirname(dirname(chat)), ".project_root"), 8192)?.trim()
  return root !== undefined && isAbsolute(root) ? root : null
}
