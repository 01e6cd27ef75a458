import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync, writeFileSync } from "node:fs"
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
import { controllerOf, type Controller, takesLimit, writeLimit } from "./controllers.ts"
import { type Place, SessionCgroup } from "./SessionCgroup.ts"

/** What the kernel can hold a session to. */
export type KernelLimits = Pick<SessionLimits, "memoryBytes" | "cpuPercent" | "processes">

/** An empty cgroup of a session must be as old as that before it is taken for one that was left behind. */
const LEFT_BEHIND_MILLIS = 60_000
/** When a cgroup that could not be removed is tried again; each time doubled, and not for ever: daemons may live in it. */
const FIRST_RETRY_MILLIS = 50
const LAST_RETRY_MILLIS = 60_000
/** How long the end of this process waits for that. */
const SETTLE_MILLIS = 500
const SETTLE_LOOK_MILLIS = 10
/** Of version 1: where who belongs to a session is kept, in this order. */
const TRACKING = ["pids", "freezer", "name=systemd", "memory", "cpu", "cpu,cpuacct"]

/** The cgroups in which sessions can be held here: those below this process's own, if it may make any. */
export class Cgroups {
  readonly #hierarchies: () => ReadonlyArray<Hierarchy>
  #found: ReadonlyArray<Hierarchy> | undefined
  readonly #held = new Map<string, SessionCgroup>()
  /** Cgroups of sessions that have ended and left processes behind. */
  #left: Array<SessionCgroup> = []
  #retry: NodeJS.Timeout | null = null

  constructor(hierarchies: () => ReadonlyArray<Hierarchy> = ownHierarchies) {
    this.#hierarchies = hierarchies
  }

  /** Looked for once: the base of each, so that moving this process later changes nothing. */
  get #all(): ReadonlyArray<Hierarchy> {
    if (this.#found === undefined) {
      this.#found = this.#hierarchies().map(({ controllers, own, version }) => ({
        version,
        controllers,
        own: baseOf(own)
      }))
      for (const { own } of this.#found) removeLeftBehind(own)
    }
    return this.#found
  }

  /**
   * Makes the cgroup of a session. Which of its limits that can hold is in `held`, and `limit` puts them on it; the
   * others are for somebody else. Null without any cgroup that may be made: then `held` is empty.
   */
  make(
    id: string,
    limits: KernelLimits
  ): {
    readonly cgroup: SessionCgroup | null
    readonly held: ReadonlySet<keyof KernelLimits>
    readonly limit: () => void
  } {
    const held = new Map<keyof KernelLimits, Place>()
    const places = new Map<string, Place>()
    for (const name of limitNames) {
      if (limits[name] === undefined) continue
      const place = this.#holding(name, id)
      if (place === null) continue
      held.set(name, place)
      places.set(place.directory, place)
    }
    // Version 1 is entered in microseconds, version 2 in milliseconds.
    const onlyOne = held.size > 0 && [...held.values()].every(({ version }) => version === 1)
    const tracking = this.#tracking(id, onlyOne)
    const all = [tracking, ...places.values()].filter((place) => place !== null)
    const limit = () => {
      for (const [name, { directory, version }] of held) writeLimit(directory, version, name, limits[name]!)
    }
    if (all.length === 0) return { cgroup: null, held: new Set(), limit }
    const cgroup = new SessionCgroup(unique(all), held.get("memoryBytes") ?? null, held.size > 0)
    this.#held.set(id, cgroup)
    return { cgroup, held: new Set(held.keys()), limit }
  }

  /** The cgroup of a session, if it has one; also one that an earlier program of this process made. */
  of(id: string): SessionCgroup | null {
    const held = this.#held.get(id)
    if (held !== undefined) return held
    const found = this.#all
      .map(({ own, version }): Place => ({ version, directory: join(own, sessionGroup(id)) }))
      .filter(({ directory }) => existsSync(directory))
    if (found.length === 0) return null
    const memory = found.find(({ directory, version }) =>
      existsSync(join(directory, version === 2 ? "memory.events" : "memory.oom_control"))
    )
    const cgroup = new SessionCgroup(found, memory ?? null, true)
    this.#held.set(id, cgroup)
    return cgroup
  }

  /** Removes the cgroups of sessions of which `isOver` says that nobody holds them, unless processes are in them. */
  tidy(isOver: (id: string) => boolean): void {
    for (const { own } of this.#all) {
      for (const [id, directory] of sessionGroupsIn(own)) if (isOver(id)) tryRemove(directory)
    }
  }

  /** Lets go of the cgroup of a session that has ended. One that still has processes goes with the last of them. */
  release(id: string): void {
    const cgroup = this.#held.get(id)
    this.#held.delete(id)
    if (cgroup !== undefined) this.#left.push(cgroup)
    this.#removeLeft(FIRST_RETRY_MILLIS)
  }

  /** Resolves when the cgroups of all that has ended are gone, or some time has passed. */
  async settled(millis = SETTLE_MILLIS): Promise<void> {
    for (const until = performance.now() + millis; this.#left.length > 0 && performance.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_LOOK_MILLIS))
      this.#left = this.#left.filter((left) => !left.remove())
    }
  }

  /** The kernel lets a process that has been waited for stay in its cgroup for a moment. */
  #removeLeft(retryMillis: number): void {
    this.#left = this.#left.filter((left) => !left.remove())
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#retry = null
    if (this.#left.length === 0 || retryMillis > LAST_RETRY_MILLIS) return
    this.#retry = setTimeout(() => this.#removeLeft(retryMillis * 2), retryMillis).unref()
  }

  /** A place that tells who belongs to the session, made; null where none may be made. */
  #tracking(id: string, onlyOne: boolean): Place | null {
    const unified = this.#all.filter(({ version }) => version === 2 && !onlyOne)
    const others = TRACKING.flatMap((name) => this.#all.filter(({ controllers }) => controllers.join(",") === name))
    for (const { own, version } of [...unified, ...others]) {
      const place = { version, directory: join(own, sessionGroup(id)) }
      if (makePlace(place)) return place
    }
    return null
  }

  /** A place for the session where the kernel takes that limit, made; null where there is none. */
  #holding(limit: keyof KernelLimits, id: string): Place | null {
    const controller = controllerOf(limit)
    for (const { controllers, own, version } of this.#all) {
      if (version === 2 ? !enable(own, controller) : !controllers.includes(controller)) continue
      const place = { version, directory: join(own, sessionGroup(id)) }
      if (makePlace(place) && takesLimit(place.directory, version, limit)) return place
    }
    return null
  }
}

const limitNames = ["memoryBytes", "cpuPercent", "processes"] as const

const unique = (places: ReadonlyArray<Place>): ReadonlyArray<Place> => [
  ...new Map(places.map((place) => [place.directory, place])).values()
]

/** Makes a directory that may be there; false where that may not be. */
const makePlace = ({ directory }: Place): boolean => {
  try {
    mkdirSync(directory)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EEXIST"
  }
}

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
    mkdirSync(leaf, { recursive: true })
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

/** The cgroups of sessions below `own`: id and directory. */
const sessionGroupsIn = (own: string): ReadonlyArray<readonly [id: string, directory: string]> => {
  try {
    return readdirSync(own)
      .filter(isSessionGroup)
      .map((name) => [name.slice(sessionGroup("").length), join(own, name)])
  } catch {
    return []
  }
}

/** Removes cgroups of sessions, of whatever home, that a host which was killed could not remove. Those with processes in them stay. */
const removeLeftBehind = (own: string): void => {
  for (const [, directory] of sessionGroupsIn(own)) {
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
