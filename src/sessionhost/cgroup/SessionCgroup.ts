import { existsSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { baseOf, ownHierarchies } from "../../config/cgroups.ts"

/** Rounds of looking for children that were forked before their parent was in. */
const JOIN_ROUNDS = 16

/** A session's directory in one hierarchy. */
export interface Place {
  readonly version: 1 | 2
  readonly directory: string
}

/** Programs that stand still until they are taken in: this process must be there to let them go on. */
export const joining = new Set<Promise<void>>()

/**
 * The cgroup of one session: a directory in each hierarchy that is of use. Whatever its processes do to their parents,
 * sessions, environments and descriptors, they stay in it.
 */
export class SessionCgroup {
  /** The first one tells who is in it. */
  readonly #places: ReadonlyArray<Place>
  /** Where memory is counted. */
  readonly #memory: Place | null
  readonly #bornInside: boolean

  /** The places exist. `bornInside`: programs are started from inside it, so none has to be taken in. */
  constructor(places: ReadonlyArray<Place>, memory: Place | null, bornInside: boolean) {
    this.#places = places
    this.#memory = memory
    this.#bornInside = bornInside
  }

  /**
   * Starts a program with this process inside the cgroup, so that the program is never anywhere else, and goes back.
   * Where there is only version 2 this takes some milliseconds: for sessions with limits. There must be no limit on it
   * yet: they would hold for this process too. Throws when it can't enter, or what `start` throws.
   */
  startInside<A>(start: () => A): A {
    const homes = ownHierarchies().map(({ own }) => own)
    const home = ({ directory }: Place) => homes.find((own) => baseOf(own) === dirname(directory)) ?? dirname(directory)
    const entered: Array<Place> = []
    try {
      for (const place of this.#places) {
        writeFileSync(self(place, place.directory), "0")
        entered.push(place)
      }
      return start()
    } finally {
      for (const place of entered) writeFileSync(self(place, home(place)), "0")
    }
  }

  /**
   * Takes a program in that was just started. On many kernels that takes ten milliseconds, and this process has other
   * sessions to serve: so it isn't waited for. The program stands still meanwhile: what it forks before it is in would
   * be outside for good.
   */
  join(pid: number): void {
    if (this.#bornInside) return
    signal(pid, "SIGSTOP")
    const joined = writeFile(procs(this.#places[0]!), String(pid))
      .then(() => this.#joinChildren(pid, 0))
      .catch(() => {})
      .finally(() => {
        signal(pid, "SIGCONT")
        joining.delete(joined)
      })
    joining.add(joined)
  }

  // A child forked before its parent was in is outside, with all that comes of it.
  #joinChildren(pid: number, round: number): void {
    if (round === JOIN_ROUNDS) return
    const inside = new Set(this.pids())
    for (const child of childrenOf(pid)) {
      if (inside.has(child)) continue
      for (const place of this.#places) write(procs(place), String(child))
      this.#joinChildren(child, round + 1)
    }
  }

  /** Ids of the processes in it, zombies too. */
  pids(): ReadonlyArray<number> {
    return numbers(read(procs(this.#places[0]!)))
  }

  /**
   * Ends every process in it at once, those forked meanwhile included; false where the kernel can't. Nothing is
   * waited for.
   */
  kill(): boolean {
    for (const { directory } of this.#places) {
      if (write(join(directory, "cgroup.kill"), "1")) return true
    }
    // No more forks, at least: SIGKILL to each of them then leaves nobody behind.
    for (const { directory } of this.#places) write(join(directory, "pids.max"), "0")
    return false
  }

  /** How often the kernel ended a process of it because its memory was used up. */
  get memoryKills(): number {
    if (this.#memory === null) return 0
    const { directory, version } = this.#memory
    const text = read(join(directory, version === 2 ? "memory.events" : "memory.oom_control"))
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0)
  }

  /** True when the kernel ends single processes for want of memory, not all of the session. */
  get killsOneByOne(): boolean {
    return this.#memory !== null && read(join(this.#memory.directory, "memory.oom.group")).trim() !== "1"
  }

  /** Removes it; false while processes are in it. */
  remove(): boolean {
    let removed = true
    for (const { directory } of this.#places) {
      try {
        rmdirSync(directory)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") removed = false
      }
    }
    return removed
  }
}

const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

const procs = ({ directory }: Place): string => join(directory, "cgroup.procs")

/** Where a process writes itself to be in `directory`. In version 1 the one thread that forks is enough, and quick. */
const self = ({ version }: Place, directory: string): string =>
  join(directory, version === 1 ? "tasks" : "cgroup.procs")

const numbers = (text: string): ReadonlyArray<number> =>
  text
    .split(/\s+/)
    .map(Number)
    .filter((pid) => pid > 0)

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    return ""
  }
}

const write = (path: string, text: string): boolean => {
  // Only what the kernel offers: anything else would be a new file where cgroups are played on plain directories.
  if (!existsSync(path)) return false
  try {
    writeFileSync(path, text)
    return true
  } catch {
    return false
  }
}

/** Its children, where this kernel tells at once; else none. */
const childrenOf = (pid: number): ReadonlyArray<number> => numbers(read(`/proc/${pid}/task/${pid}/children`))
