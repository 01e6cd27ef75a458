import { cut, oneLine } from "./text.ts"

const CELLS = 40

/** How far a job is, as one line: a bar, percent, what it is about, and how long it has been at it. */
export const progressLine = (
  progress: { readonly percent: number | null; readonly description: string | null },
  elapsedMillis: number,
  width: number
): string => {
  const percent = Math.min(100, Math.max(0, progress.percent ?? 0))
  const filled = Math.round((percent / 100) * CELLS)
  const bar = `[${"#".repeat(filled)}${"_".repeat(CELLS - filled)}]`
  const number = progress.percent === null ? "   ?" : `${Math.floor(percent)}%`.padStart(4)
  const seconds = Math.floor(elapsedMillis / 1000)
  const elapsed = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
  return cut(`${bar} ${number} ${elapsed} ${oneLine(progress.description ?? "")}`.trimEnd(), Math.max(1, width - 1))
}
