import type { Regions } from "./ScreenView.ts"

const yesNo = /[[(]([yY]\/[nN]|[nN]\/[yY]|yes\/no|y\/n\/\S{1,8})[\])]\s?[:?]?\s?$/
const secret = /(password|passphrase|passcode|verification code|\bpin\b|\btoken\b|\blogin\b|username)[^\n]{0,60}:\s?$/i
const anyKey = /(press|hit) (enter|return|any key|a key)\b[^\n]{0,40}$/i
/** Behind it may be what is taken when nothing is typed: `name: (parser) `; but not how far something has come. */
const openEnd = /\S.{0,120}[?:](?: ?(?:\([^()]{0,80}\)|\[[^[\]]{0,80}\])(?<=[A-Za-z].?))?\s$/

/** A question that the cursor stands behind; null when what is left of it is none. */
export const questionAt = (regions: Regions): string | null => {
  const { cursor, rows } = regions.view
  const before = regions.text("before-cursor")
  // A cursor in the middle of a line is no prompt.
  if ((rows[cursor.row] ?? "").length > before.length) return null
  return [yesNo, secret, anyKey, openEnd].some((pattern) => pattern.test(before)) ? before.trim().slice(-120) : null
}

/** A heading with a mark, and below it to the end nothing but choices, an input and frames: what libraries for prompts draw. */
const list = /^(?:\? |◆ {1,2})(\S[^\n]*)(?:\n(?:[ \t│└❯›▸●○◉◯◻◼☐☑][^\n]*|\([^\n]*\)))*(?![\s\S])/mu

/** The heading of a list of choices, or of an input, that is the last thing on the screen; null when there is none. */
export const listAt = (regions: Regions): string | null =>
  list.exec(regions.text("last 20"))?.[1]?.slice(0, 120) ?? null
