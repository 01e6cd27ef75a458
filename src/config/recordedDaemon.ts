import { existsSync, readFileSync } from "node:fs"
import type { Paths } from "./paths.ts"
import { servicePaths } from "./servicePaths.ts"

/** What the daemon wrote of itself in `daemon.json`, as far as it can be read. */
export interface DaemonRecord {
  readonly pid: number
  readonly startedAt: string | null
  readonly owner: string | null
  readonly socket: string | null
}

/** Null when there is none, or it says nothing that helps. */
export const readRecord = (paths: Paths): DaemonRecord | null => {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(paths.lockInfo, "utf8"))
  } catch {
    return null
  }
  if (typeof value !== "object" || value === null) return null
  const fields = value as Readonly<Record<string, unknown>>
  const text = (key: string) => (typeof fields[key] === "string" ? fields[key] : null)
  const pid = fields["pid"]
  if (typeof pid !== "number" || !Number.isInteger(pid) || pid <= 1) return null
  return { pid, startedAt: text("startedAt"), owner: text("owner"), socket: text("socket") }
}

/** Whether no process has this id, or only one that has ended and whose parent hasn't noticed. */
export const isGone = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return true
  }
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

/**
 * Whether the recorded process is still that daemon. A pid alone proves nothing: it may belong to another program by
 * now, which is recognised by what it runs.
 */
export const recordedProcess = (record: DaemonRecord): "alive" | "gone" => {
  if (isGone(record.pid)) return "gone"
  try {
    const command = readFileSync(`/proc/${record.pid}/cmdline`, "utf8")
    return /(^|[/\0])daemon(\.js|\/main\.ts)\0/.test(command) ? "alive" : "gone"
  } catch {
    // No /proc on this system, or not ours to read.
    return "alive"
  }
}

/**
 * Whether connecting would have systemd start a daemon: it holds the socket, and none runs. Not to be done by who must
 * not start one.
 */
export const wouldBeStarted = (paths: Paths, env: Readonly<Record<string, string | undefined>>): boolean => {
  if (!existsSync(servicePaths(paths, env).systemdSocket)) return false
  const record = readRecord(paths)
  return record === null || recordedProcess(record) === "gone"
}
