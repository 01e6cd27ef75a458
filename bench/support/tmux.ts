import { execFileSync } from "node:child_process"

/** What tmux says it is; null where there is none. */
export const tmuxVersion: string | null = (() => {
  try {
    return execFileSync("tmux", ["-V"], { encoding: "utf8" }).trim()
  } catch {
    return null
  }
})()
