import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"

/** Rounds of looking for children that were forked before their parent was in. */
const JOIN_ROUNDS = 16

/**
 * The cgroup of one session: a directory in each hierarchy that is of use. Whatever its processes do to their parents,
 * sessions, environments and descriptors, they stay in it.
 */
export class SessionCgroup {
  /** The first one tells who is in it. */
  readonly #directories: ReadonlyArray<string>
  /** Where memory is counted, and how that hierarchy spells it. */
  readonly #memory: { readonly directory: string; readonly version: 1 | 2 } | null

  readonly #isLimited: boolean

  /** `directories` exist. */
  constructor(
    directories: ReadonlyArray<string>,
    memory: { readonly directory: string; readonly version: 1 | 2 } | null,
    isLimited: boolean
  ) {
    this.#directories = directories
    this.#memory = memory
    this.#isLimited = isLimited
  }

  /**
   * Takes a program in that was just started. On some kernels that takes ten milliseconds, and this process has other
   * sessions to serve: so where there are no limits, it isn't waited for. The program stands still meanwhile: what it
   * forks before it is in would be outside for good. With limits it is in when this returns; one that can't be is
   * ended, and this throws.
   */
  join(pid: number): void {
    if (this.#isLimited) {
      try {
        this.joinNow(pid)
      } catch (error) {
        signal(pid, "SIGKILL")
        throw error
      }
      this.#joinChildren(pid, 0)
      return
    }
    signal(pid, "SIGSTOP")
    void writeFile(procs(this.#directories[0]!), String(pid))
      .then(() => this.#joinChildren(pid, 0))
      .catch(() => {})
      .finally(() => signal(pid, "SIGCONT"))
  }

  /** Throws when it is not possible and the process is there. */
  joinNow(pid: number): void {
    for (const directory of this.#directories) {
      try {
        writeFileSync(procs(directory), String(pid))
      } catch (error) {
        // It has ended already.
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
      }
    }
  }

  // A child forked before its parent was in is outside, with all that comes of it.
  #joinChildren(pid: number, round: number): void {
    if (round === JOIN_ROUNDS) return
    const inside = new Set(this.pids())
    for (const child of childrenOf(pid)) {
      if (inside.has(child)) continue
      try {
        this.joinNow(child)
      } catch {
        // Another user's by now.
      }
      this.#joinChildren(child, round + 1)
    }
  }

  /** Ids of the processes in it, zombies too. */
  pids(): ReadonlyArray<number> {
    return numbers(read(procs(this.#directories[0]!)))
  }

  /**
   * Ends every process in it at once, those forked meanwhile included; false where the kernel can't. Nothing is
   * waited for.
   */
  kill(): boolean {
    for (const directory of this.#directories) {
      if (write(join(directory, "cgroup.kill"), "1")) return true
    }
    // No more forks, at least: SIGKILL to each of them then leaves nobody behind.
    for (const directory of this.#directories) write(join(directory, "pids.max"), "0")
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
    for (const directory of this.#directories) {
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

const procs = (directory: string): string => join(directory, "cgroup.procs")

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

/** Makes a directory that may be there. Throws where that is not possible. */
export const makeDirectory = (directory: string): void => {
  try {
    mkdirSync(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error
  }
}
