import { accessSync, constants, existsSync, readdirSync, readFileSync, statfsSync } from "node:fs"
import { dirname, join } from "node:path"
import { baseOf, parseHierarchies } from "../../config/cgroups.ts"
import type { SystemFact } from "./snapshot.ts"

const textOf = (path: string): string | null => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

/** A row of `/proc/<pid>/limits`, the harder one: Node raises the softer one by itself. */
const limitOf = (limits: string, name: string): number | null => {
  const [, hard] = new RegExp(`^${name} +\\S+ +(\\S+)`, "m").exec(limits) ?? []
  return hard === undefined || hard === "unlimited" ? null : Number(hard)
}

/** Threads count as processes do. */
const threadsOf = (uid: number): number => {
  let threads = 0
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const status = textOf(`/proc/${name}/status`)
    if (status === null || Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) !== uid) continue
    threads += Number(/^Threads:\s+(\d+)/m.exec(status)?.[1] ?? 1)
  }
  return threads
}

const numberIn = (path: string): number | null => {
  const text = textOf(path)
  return text === null ? null : Number(text)
}

/** The limits of the process `daemon`, or of this one when there is none; null where the system doesn't tell. */
const processLimits = (daemon: number | null, uid: number): Pick<SystemFact, "openFiles" | "processes"> => {
  const daemons = daemon === null ? null : textOf(`/proc/${daemon}/limits`)
  const limits = daemons ?? textOf("/proc/self/limits")
  if (limits === null) return { openFiles: null, processes: null }
  return {
    openFiles: { limit: limitOf(limits, "Max open files"), of: daemons === null ? "this command" : "daemon" },
    processes: { used: threadsOf(uid), limit: limitOf(limits, "Max processes") }
  }
}

const diskOf = (path: string): SystemFact["disk"] => {
  let at = path
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  try {
    const { bavail, bsize, ffree, files } = statfsSync(at)
    return { freeBytes: bavail * bsize, freeFiles: ffree, totalFiles: files }
  } catch {
    return null
  }
}

const isTimeZone = (name: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name.replace(/^:/, "") }).resolvedOptions().timeZone !== ""
  } catch {
    return false
  }
}

/** Of the control groups in which that process, or this one, may make others. */
const controllersOf = (host: number | null): ReadonlyArray<string> => {
  const process = host === null ? "self" : String(host)
  const mounts = textOf(`/proc/${process}/mountinfo`)
  const groups = textOf(`/proc/${process}/cgroup`)
  if (mounts === null || groups === null) return []
  return parseHierarchies(mounts, groups).flatMap(({ controllers, own, version }) => {
    const base = baseOf(own)
    try {
      accessSync(base, constants.W_OK)
    } catch {
      return []
    }
    return version === 1 ? controllers : (textOf(join(base, "cgroup.controllers")) ?? "").trim().split(" ")
  })
}

/** What the machine allows and says. */
export const probeSystem = (
  home: string,
  env: Readonly<Record<string, string | undefined>>,
  daemon: number | null,
  host: number | null,
  uid: number
): SystemFact => {
  const used = numberIn("/proc/sys/kernel/pty/nr")
  const limit = numberIn("/proc/sys/kernel/pty/max")
  const zone = env["TZ"] || Intl.DateTimeFormat().resolvedOptions().timeZone
  return {
    ...processLimits(daemon, uid),
    terminals: used === null || limit === null ? null : { used, limit },
    disk: diskOf(home),
    controllers: controllersOf(host),
    timeZone: { name: zone, valid: isTimeZone(zone) }
  }
}
