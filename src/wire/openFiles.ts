import { readFileSync } from "node:fs"

/** How many files this process may have open; undefined where the system doesn't say. Plain Node. */
export const openFilesLimit = (): number | undefined => {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))
    return line?.[1] === undefined ? undefined : Number(line[1])
  } catch {
    return undefined
  }
}
