import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/**
 * Whether this process may use its terminal: it belongs to the terminal's foreground process group. True where nobody
 * can tell.
 */
export const isForeground = (): boolean => {
  const [own, terminals] = groups()
  return own === undefined || own === terminals
}

const groups = (): ReadonlyArray<string | undefined> => {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1")
    // Behind the name, which may hold anything: state, parent, group, session, terminal, the terminal's group.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return [fields[2], fields[5]]
  } catch {
    return groupsFromPs()
  }
}

/** For systems without /proc. */
const groupsFromPs = (): ReadonlyArray<string | undefined> => {
  try {
    const line = execFileSync("ps", ["-o", "pgid=,tpgid=", "-p", String(process.pid)], {
      encoding: "latin1",
      stdio: ["ignore", "pipe", "ignore"]
    })
    return line.trim().split(/\s+/)
  } catch {
    return []
  }
}
