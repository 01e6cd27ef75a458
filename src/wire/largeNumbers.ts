/**
 * Whether a value that was parsed from JSON has a number that is too large to be one, such as 1e400: JSON.parse makes
 * Infinity of it, which nobody can write down again.
 */
export const hasLargeNumber = (value: unknown): boolean => {
  if (typeof value === "number") return !Number.isFinite(value)
  if (typeof value !== "object" || value === null) return false
  for (const member of Object.values(value)) if (hasLargeNumber(member)) return true
  return false
}
