/** Telling one process from a later one with the same pid. Plain Node. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** A process that was and may still be: a pid alone is given to another one sooner or later. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started: clock ticks since boot on Linux, a date elsewhere. Only compared. */
  readonly startTime: string
  /** The boot it started in; empty where the start time is a date. */
  readonly bootId: string
}

/** The process that has this pid now; null when none has, or only one that has ended and was not waited for. */
export const identityOf = (pid: number): ProcessIdentity | null => {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null
  return process.platform === "linux" ? fromProc(pid) : fromPs(pid)
}

/** The boot of the machine that is now; null where the system has no name for it. */
export const bootId = (): string | null => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
  } catch {
    return process.platform === "darwin" ? bootIdFromSysctl() : null
  }
}

/** For macOS, whose monotonic clock begins anew with each boot too. */
export const bootIdFromSysctl = (sysctl = "/usr/sbin/sysctl"): string | null => {
  try {
    const id = execFileSync(sysctl, ["-n", "kern.bootsessionuuid"], {
      encoding: "latin1",
      stdio: ["ignore", "pipe", "ignore"]
    }).trim()
    return id === "" ? null : id
  } catch {
    return null
  }
}

/** Whether that very process runs. */
export const isAlive = (identity: ProcessIdentity): boolean => {
  const now = identityOf(identity.pid)
  return now !== null && now.startTime === identity.startTime && now.bootId === identity.bootId
}

const fromProc = (pid: number): ProcessIdentity | null => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The program's name stands in parentheses and may hold any, and spaces: what follows it begins behind the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const [state] = fields
    const startTime = fields[19]
    if (startTime === undefined || state === "Z" || state === "X") return null
    return { pid, startTime, bootId: readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim() }
  } catch {
    return null
  }
}

/** For systems without /proc. */
export const fromPs = (pid: number): ProcessIdentity | null => {
  try {
    const line = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "latin1",
      env: { ...process.env, LC_ALL: "C" },
      stdio: ["ignore", "pipe", "ignore"]
    }).trim()
    const [state, ...started] = line.split(/\s+/)
    if (state === undefined || state === "" || state.startsWith("Z")) return null
    return { pid, startTime: started.join(" "), bootId: "" }
  } catch {
    return null
  }
}
