import { existsSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  baseOf,
  type Hierarchy,
  HOST_GROUP,
  isSessionGroup,
  ownHierarchies,
  sessionGroup
} from "../../config/cgroups.ts"
import type { SessionLimits } from "../../protocol/limits.ts"
import { controllerOf, type Controller, writeLimits } from "./controllers.ts"
import { makeDirectory, SessionCgroup } from "./SessionCgroup.ts"

/** What the kernel can hold a session to. */
export type KernelLimits = Pick<SessionLimits, "memoryBytes" | "cpuPercent" | "processes">

/** An empty cgroup of a session must be as old as that before it is taken for one that was left behind. */
const LEFT_BEHIND_MILLIS = 60_000
/** Of version 1: where who belongs to a session is kept, in this order. */
const TRACKING = ["pids", "freezer", "name=systemd", "memory", "cpu", "cpu,cpuacct"]

/** The cgroups in which sessions can be held here: those below this process's own, if it may make any. */
export class Cgroups {
  readonly #hierarchies: () => ReadonlyArray<Hierarchy>
  #found: ReadonlyArray<Hierarchy> | undefined
  readonly #held = new Map<string, SessionCgroup>()
  /** Cgroups of sessions that have ended and left processes behind. */
  #left: Array<SessionCgroup> = []

  constructor(hierarchies: () => ReadonlyArray<Hierarchy> = ownHierarchies) {
    this.#hierarchies = hierarchies
  }

  /** Looked for once: the base of each, so that moving this process later changes nothing. */
  get #all(): ReadonlyArray<Hierarchy> {
    if (this.#found === undefined) {
      this.#found = this.#hierarchies().map((hierarchy) => ({ ...hierarchy, own: baseOf(hierarchy.own) }))
      for (const { own } of this.#found) removeLeftBehind(own)
    }
    return this.#found
  }

  /**
   * Makes the cgroup of a session and puts its limits on it. Which of them it holds is in `held`; the others are for
   * somebody else. Null without any cgroup that may be made: then `held` is empty.
   */
  make(
    id: string,
    limits: KernelLimits
  ): { readonly cgroup: SessionCgroup | null; readonly held: ReadonlySet<keyof KernelLimits> } {
    const held = new Set<keyof KernelLimits>()
    const directories = new Set<string>()
    let memory: { directory: string; version: 1 | 2 } | null = null
    const tracking = this.#tracking(id)
    if (tracking !== null) directories.add(tracking)
    for (const [limit, value] of Object.entries(limits) as Array<[keyof KernelLimits, number | undefined]>) {
      if (value === undefined || !isKernelLimit(limit)) continue
      const place = this.#holding(controllerOf(limit), id)
      if (place === null || !writeLimits(place.directory, place.version, limit, value)) {
        if (place !== null && !directories.has(place.directory)) tryRemove(place.directory)
        continue
      }
      held.add(limit)
      directories.add(place.directory)
      if (limit === "memoryBytes") memory = place
    }
    if (directories.size === 0) return { cgroup: null, held }
    const cgroup = new SessionCgroup([...directories], memory, held.size > 0)
    this.#held.set(id, cgroup)
    return { cgroup, held }
  }

  /** The cgroup of a session, if it has one; also one that an earlier program of this process made. */
  of(id: string): SessionCgroup | null {
    const held = this.#held.get(id)
    if (held !== undefined) return held
    const found = this.#all
      .map(({ controllers, own, version }) => ({ version, controllers, directory: join(own, sessionGroup(id)) }))
      .filter(({ directory }) => existsSync(directory))
    if (found.length === 0) return null
    const memory = found.find(({ directory, version }) =>
      version === 2 ? existsSync(join(directory, "memory.events")) : existsSync(join(directory, "memory.oom_control"))
    )
    const directories = found.map(({ directory }) => directory)
    const cgroup = new SessionCgroup(directories, memory ?? null, true)
    this.#held.set(id, cgroup)
    return cgroup
  }

  /** Lets go of the cgroup of a session that has ended. One that still has processes goes with the last of them. */
  release(id: string): void {
    const cgroup = this.#held.get(id)
    this.#held.delete(id)
    if (cgroup !== undefined) this.#left.push(cgroup)
    this.#left = this.#left.filter((left) => !left.remove())
  }

  /** A directory that tells who belongs to the session, made; null where none may be made. */
  #tracking(id: string): string | null {
    const unified = this.#all.filter(({ version }) => version === 2)
    const others = TRACKING.flatMap((name) => this.#all.filter(({ controllers }) => controllers.join(",") === name))
    for (const { own } of [...unified, ...others]) {
      const directory = join(own, sessionGroup(id))
      try {
        makeDirectory(directory)
        return directory
      } catch {
        // Not ours to write to: the next one.
      }
    }
    return null
  }

  /** A directory for the session where `controller` counts, made; null where there is none. */
  #holding(controller: Controller, id: string): { readonly directory: string; readonly version: 1 | 2 } | null {
    for (const hierarchy of this.#all) {
      const { controllers, own, version } = hierarchy
      if (version === 2 ? !enable(own, controller) : !controllers.includes(controller)) continue
      const directory = join(own, sessionGroup(id))
      try {
        makeDirectory(directory)
        return { directory, version }
      } catch {
        // Not ours to write to.
      }
    }
    return null
  }
}

const isKernelLimit = (limit: string): limit is keyof KernelLimits =>
  limit === "memoryBytes" || limit === "cpuPercent" || limit === "processes"

const words = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "latin1").trim().split(/\s+/)
  } catch {
    return []
  }
}

/** Gives `controller` to the children of a cgroup of version 2; false where that can't be. */
const enable = (own: string, controller: Controller): boolean => {
  if (!words(join(own, "cgroup.controllers")).includes(controller)) return false
  const control = join(own, "cgroup.subtree_control")
  if (words(control).includes(controller)) return true
  const give = () => {
    try {
      writeFileSync(control, `+${controller}`)
      return "given" as const
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EBUSY" ? ("busy" as const) : ("refused" as const)
    }
  }
  const first = give()
  if (first !== "busy") return first === "given"
  // A cgroup that gives controllers to its children holds no processes: this one goes into a child too.
  const leaf = join(own, HOST_GROUP)
  try {
    makeDirectory(leaf)
    writeFileSync(join(leaf, "cgroup.procs"), String(process.pid))
  } catch {
    return false
  }
  if (give() === "given") return true
  // Others are in it who are not ours to move.
  try {
    writeFileSync(join(own, "cgroup.procs"), String(process.pid))
  } catch {
    // Then it stays where it is.
  }
  tryRemove(leaf)
  return false
}

/** Removes cgroups of sessions that a host which was killed could not remove. Those with processes in them stay. */
const removeLeftBehind = (own: string): void => {
  let names: ReadonlyArray<string>
  try {
    names = readdirSync(own).filter(isSessionGroup)
  } catch {
    return
  }
  for (const name of names) {
    const directory = join(own, name)
    try {
      if (Date.now() - statSync(directory).mtimeMs > LEFT_BEHIND_MILLIS) rmdirSync(directory)
    } catch {
      // In use, or not ours.
    }
  }
}

const tryRemove = (directory: string): void => {
  try {
    rmdirSync(directory)
  } catch {
    // Somebody is in it.
  }
}

/** Those of this process. */
export const cgroups = new Cgroups()
