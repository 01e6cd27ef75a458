const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `5s`, `2m`, `1.5h`, `1d`; a bare number is seconds. Milliseconds, or undefined when it is none of these. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/.exec(text.trim())
  if (match === null) return undefined
  const millis = Math.round(Number(match[1]) * units[match[2] ?? "s"]!)
  return millis <= 366 * units["d"]! ? millis : undefined
}
