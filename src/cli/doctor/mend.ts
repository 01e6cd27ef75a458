import { chmodSync, lstatSync, rmSync } from "node:fs"
import type { Fix } from "./finding.ts"
import { probeSocket } from "./probeDaemon.ts"

/** What came of a fix: null when it is done, else why not. */
export interface Mended {
  readonly fix: Fix
  readonly problem: string | null
}

/** Does it, after looking once more: what was found may have changed, and what is somebody else's is left alone. */
export const mend = async (fix: Fix): Promise<Mended> => {
  try {
    return { fix, problem: await tryTo(fix) }
  } catch (error) {
    return { fix, problem: (error as Error).message }
  }
}

const tryTo = async (fix: Fix): Promise<string | null> => {
  const found = lstatSync(fix.path, { throwIfNoEntry: false })
  if (found === undefined) return fix.type === "chmod" ? "it is gone" : null
  if (found.isSymbolicLink()) return "it is a symbolic link"
  if (found.uid !== (process.geteuid?.() ?? found.uid)) return `it belongs to user ${found.uid}`
  switch (fix.type) {
    case "chmod":
      chmodSync(fix.path, fix.mode)
      return null
    case "remove":
      if (found.isDirectory()) return "it is a directory"
      rmSync(fix.path)
      return null
    case "remove-socket": {
      if (!found.isSocket()) return "it is not a socket"
      const { state } = await probeSocket(fix.path, "", false)
      if (state !== "refused") return "somebody listens on it"
      rmSync(fix.path)
      return null
    }
  }
}

export const mendedText = ({ fix, problem }: Mended): string => {
  const done = fix.type === "chmod" ? `closed to others: ${fix.path}` : `removed: ${fix.path}`
  return problem === null ? done : `left alone: ${fix.path} (${problem})`
}
