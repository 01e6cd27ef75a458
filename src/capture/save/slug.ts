/** What a saved capture is called. Pure. */
import type { CaptureEntry } from "../../protocol/captureEntries.ts"

const WORDS = 3
const MOST = 60
/** Of the id, so that two that begin with the same words are two. */
const ID_DIGITS = 8

/** The first thing that the user said. */
export const firstPrompt = (entries: ReadonlyArray<CaptureEntry>): string => {
  const first = entries.find((entry) => entry.type === "message" && entry.role === "user")
  return first?.type === "message" ? first.content : ""
}

/** The first three words of the prompt that have more than two letters, as in gitify-prompt, and the id's beginning. */
export const slugOf = (prompt: string, id: string): string => {
  const words = prompt
    .toLowerCase()
    .replace(/\[masked: [a-z0-9 -]{1,40}\]/g, " ")
    .replace(/[^a-z0-9\s]/g, "")
    .split(/\s+/)
    .filter((word) => word.length > 2)
    .slice(0, WORDS)
    .join("-")
    .slice(0, MOST)
    .replace(/-+$/, "")
  return words === "" ? `auto-${id}` : `${words}-${id.slice(0, ID_DIGITS)}`
}

/** A name that can be part of a path: of what the store or another program's file says, nothing else is one. */
export const isSlug = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,99}$/.test(text)
