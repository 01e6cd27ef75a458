/** Bounds of texts. Pure. */

/** What is missing of a text that was cut, as it says itself. */
const mark = (bytes: number): string => `\n[cut: ${bytes} more bytes]`

/** The beginning of a text that fits into so many bytes of UTF-8, with a mark at its end if anything is missing. */
export const cutText = (text: string, limit: number): { readonly text: string; readonly cutBytes: number } => {
  // At most three bytes for each unit.
  if (text.length * 3 <= limit) return { text, cutBytes: 0 }
  const bytes = Buffer.from(text, "utf8")
  if (bytes.length <= limit) return { text, cutBytes: 0 }
  let end = Math.max(0, limit)
  // Not within a character.
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return { text: bytes.toString("utf8", 0, end) + mark(bytes.length - end), cutBytes: bytes.length - end }
}

/** Units of a text that are looked at beyond the limit, so that a secret that the cut goes through is seen whole. */
const BEYOND = 16 * 1024

/** The part of a text of which anything can be left after it is cut to `limit` bytes, and how much stands behind it. */
export const lookedAt = (text: string, limit: number): { readonly text: string; readonly behindBytes: number } => {
  const end = limit + BEYOND
  if (text.length <= end) return { text: text.toWellFormed(), behindBytes: 0 }
  return { text: text.slice(0, end).toWellFormed(), behindBytes: Buffer.byteLength(text.slice(end), "utf8") }
}

/** The same with what stood behind it counted too. */
export const cutWhole = (text: string, behindBytes: number, limit: number): ReturnType<typeof cutText> => {
  if (behindBytes === 0) return cutText(text, limit)
  const { cutBytes, text: cut } = cutText(text, limit)
  if (cutBytes === 0) return { text: text + mark(behindBytes), cutBytes: behindBytes }
  return { text: cut.slice(0, -mark(cutBytes).length) + mark(cutBytes + behindBytes), cutBytes: cutBytes + behindBytes }
}
