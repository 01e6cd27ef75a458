import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { baseOf, ownHierarchies } from "../../config/cgroups.ts"
import { writeLimit } from "./controllers.ts"

/** Rounds of looking for children that were forked before their parent was in, or stood still. */
const JOIN_ROUNDS = 16
/** How long is waited for one that was stopped to stand still: on a loaded machine it may not get a processor for that. */
const STOP_MILLIS = 2

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
   * Where there is only version 2 this takes some milliseconds: for sessions with limits. `most` processes may be in it,
   * where that is held here: while this process is inside there is room for it besides, and it leaves when the program
   * stands still. That it does until `goOn` is called: so the limits that would hold for this process too can be put on it.
   * Without `most` they are as many as they like until then. Throws when it can't enter or `most` is refused, or what
   * `start` throws.
   */
  startInside<A extends { readonly pid: number }>(
    start: () => A,
    most: number | null
  ): { readonly started: A; readonly goOn: () => void } {
    const homes = ownHierarchies().map(({ own }) => own)
    const home = ({ directory }: Place) => homes.find((own) => baseOf(own) === dirname(directory)) ?? dirname(directory)
    const entered: Array<Place> = []
    let still: ReadonlyArray<number> = []
    try {
      if (most !== null) this.#allow(most + this.#ownTasks())
      for (const place of this.#places) {
        writeFileSync(self(place, place.directory), "0")
        entered.push(place)
      }
      const started = start()
      still = this.#standStill(started.pid)
      // Where that is refused all the same, whoever puts the limits on it hears of it.
      if (most !== null) quietly(() => this.#allow(most))
      return { started, goOn: () => still.forEach((pid) => signal(pid, "SIGCONT")) }
    } finally {
      for (const place of entered) leave(place, home(place))
    }
  }

  /** How many tasks of this process are inside while it is: in version 1 the one thread that forks, else all. */
  #ownTasks(): number {
    return this.#places.some(({ version }) => version === 2) ? readdirSync("/proc/self/task").length : 1
  }

  #allow(processes: number): void {
    for (const { directory, version } of this.#places) {
      if (existsSync(join(directory, "pids.max"))) writeLimit(directory, version, "processes", processes)
    }
  }

  /** Stops the program and what it has forked already; ids of those that were stopped, the youngest first. */
  #standStill(root: number): ReadonlyArray<number> {
    const stopped = new Set<number>()
    for (let round = 0; round < JOIN_ROUNDS; round++) {
      const fresh = [root, ...this.pids()].filter((pid) => pid !== process.pid && !stopped.has(pid))
      if (fresh.length === 0) break
      for (const pid of new Set(fresh)) {
        signal(pid, "SIGSTOP")
        stopped.add(pid)
      }
      // One in the middle of fork(2) would be refused it: the limit is lowered before this process has left.
      const until = performance.now() + STOP_MILLIS
      while (fresh.some(isRunning) && performance.now() < until);
    }
    return [...stopped].toReversed()
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

const quietly = (act: () => void): void => {
  try {
    act()
  } catch {
    // Not possible, and not needed.
  }
}

const procs = ({ directory }: Place): string => join(directory, "cgroup.procs")

/** Where a process writes itself to be in `directory`. In version 1 the one thread that forks is enough, and quick. */
const self = ({ version }: Place, directory: string): string =>
  join(directory, version === 1 ? "tasks" : "cgroup.procs")

/** Goes from `place` to its home, with threads that were begun inside. */
const leave = (place: Place, home: string): void => {
  writeFileSync(self(place, home), "0")
  if (place.version === 2) return
  for (const task of numbers(read(join(place.directory, "tasks")))) {
    if (existsSync(`/proc/self/task/${task}`)) write(self(place, home), String(task))
  }
}

const isRunning = (pid: number): boolean => /^\d+ \(.*\) [RSD] /s.test(read(`/proc/${pid}/stat`))

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
