/** Where this process stands in the system's control groups. Plain Node; Linux. */
import { readFileSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"

/** One tree of cgroups and this process's place in it. */
export interface Hierarchy {
  /** 2: the unified one. */
  readonly version: 1 | 2
  /** Of version 1: those mounted there, such as `memory`; of version 2 none: `cgroup.controllers` tells. */
  readonly controllers: ReadonlyArray<string>
  /** The directory of the cgroup in which this process is. */
  readonly own: string
}

/** Spaces and the like are written as three octal digits in mountinfo. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))

/**
 * The hierarchies that are mounted where this process can reach its own cgroup: from the texts of
 * `/proc/self/mountinfo` and `/proc/self/cgroup`.
 */
export const parseHierarchies = (mountinfo: string, cgroup: string): ReadonlyArray<Hierarchy> => {
  /** By the list of controllers as the kernel writes it; empty for version 2. */
  const paths = new Map<string, string>()
  for (const line of cgroup.split("\n")) {
    const match = /^\d+:([^:]*):(\/.*)$/.exec(line)
    if (match !== null) paths.set(match[1]!, match[2]!)
  }
  const found: Array<Hierarchy> = []
  for (const line of mountinfo.split("\n")) {
    const [before, after] = line.split(" - ")
    if (before === undefined || after === undefined) continue
    const [, , , root = "", mount = ""] = before.split(" ")
    const [type, , options = ""] = after.split(" ")
    if (type !== "cgroup" && type !== "cgroup2") continue
    const names = type === "cgroup2" ? [""] : [...paths.keys()].filter((key) => key !== "" && isMounted(key, options))
    const path = paths.get(names[0] ?? "?")
    if (path === undefined) continue
    // A part of the tree may be mounted, as in a container.
    const below = relative(unescaped(root), path)
    if (below.startsWith("..")) continue
    const version = type === "cgroup2" ? 2 : 1
    const controllers = version === 2 ? [] : names[0]!.split(",")
    found.push({ version, controllers, own: join(unescaped(mount), below) })
  }
  return found
}

/** Whether the mount with these options is that of the controllers `key`. */
const isMounted = (key: string, options: string): boolean => {
  const all = options.split(",")
  return key.split(",").every((controller) => all.includes(controller))
}

/** This process's hierarchies; none where there are no cgroups. */
export const ownHierarchies = (): ReadonlyArray<Hierarchy> => {
  try {
    return parseHierarchies(readFileSync("/proc/self/mountinfo", "utf8"), readFileSync("/proc/self/cgroup", "utf8"))
  } catch {
    return []
  }
}

const PREFIX = "hob-"
/** Where a process of hob goes that must not stand in the way of its children's controllers. */
export const HOST_GROUP = `${PREFIX}host`

/** The name of the cgroup of a session. */
export const sessionGroup = (id: string): string => `${PREFIX}${id}`

/** Whether a cgroup of this name is that of a session. */
export const isSessionGroup = (name: string): boolean => /^hob-[0-9a-f]{8}-[0-9a-f-]{27}$/.test(name)

/** The cgroup below which sessions get theirs: the own one, unless that is one that hob made. */
export const baseOf = (own: string): string => {
  for (let at = own; at !== dirname(at); at = dirname(at)) {
    if (isSessionGroup(basename(at))) return baseOf(dirname(at))
  }
  return basename(own) === HOST_GROUP ? dirname(own) : own
}

/**
 * Leaves the cgroup of a session. A daemon or session-host may be started from inside one, by the first command that
 * finds none; it is no part of that session and must not end with it. Does what it can; where that is nothing, a kill
 * of the session still knows it by its environment.
 */
export const leaveSessionGroup = (hierarchies = ownHierarchies(), pid = process.pid): void => {
  for (const { own } of hierarchies) {
    const base = baseOf(own)
    if (base === own || basename(own) === HOST_GROUP) continue
    // Where controllers are given to children, a cgroup with children holds no processes itself.
    for (const target of [base, join(base, HOST_GROUP)]) {
      try {
        writeFileSync(join(target, "cgroup.procs"), String(pid))
        break
      } catch {
        // The other one, or none.
      }
    }
  }
}
