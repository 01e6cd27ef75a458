import { readFileSync } from "node:fs"
import type { DaemonProgram } from "../../client/start.ts"

/** How a process of a daemon was started: what it runs, and the `-c` settings it was given. */
export interface StartedAs {
  readonly program: DaemonProgram
  readonly flags: ReadonlyArray<string>
}

/** What /proc tells of a daemon that runs; null where there is none. */
export const startedAs = (pid: number): StartedAs | null => {
  try {
    return parseCommand(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1))
  } catch {
    return null
  }
}

/** `node daemon.js [-c key=value]…`; null for anything else. */
export const parseCommand = (words: ReadonlyArray<string>): StartedAs | null => {
  const at = words.findIndex((word) => /(^|\/)daemon(\.js|\/main\.ts)$/.test(word))
  if (at < 1) return null
  const flags = words.flatMap((word, index) => (index > at && words[index - 1] === "-c" ? ["-c", word] : []))
  return { program: { node: words[0]!, entry: words[at]! }, flags }
}
