/** Sizes, shares and durations as people write them, in flags and in templates. */

const durations: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `5s`, `2m`, `1.5h`, `1d`; a bare number is seconds. Milliseconds, or undefined when it is none of these. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/.exec(text.trim())
  if (match === null) return undefined
  const millis = Math.round(Number(match[1]) * durations[match[2] ?? "s"]!)
  return millis <= 366 * durations["d"]! ? millis : undefined
}

const powers = "bkmgt"

/** `512M`, `2G`, `1.5GiB`; K, M, G and T are powers of 1024, a bare number is bytes. Undefined when it is none of these. */
export const parseSize = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:([kmgt])(?:i?b)?|b)?$/i.exec(text.trim())
  if (match === null) return undefined
  const bytes = Math.round(Number(match[1]) * 1024 ** Math.max(0, powers.indexOf(match[2]?.toLowerCase() ?? "b")))
  return bytes <= 2 ** 50 ? bytes : undefined
}

/** `50%` of one processor, or processors: `0.5`, `2`. Percent of one, or undefined when it is none of these. */
export const parseShare = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%)?$/.exec(text.trim())
  if (match === null) return undefined
  const percent = Math.round(Number(match[1]) * (match[2] === "%" ? 1 : 100))
  return percent >= 1 && percent <= 1_000_000 ? percent : undefined
}
