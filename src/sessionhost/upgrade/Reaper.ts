import { libc } from "../libc.ts"
import type { ProgramExit } from "../program.ts"
import { ProcessTable } from "../ProcessTable.ts"
import { signalName } from "../signals.ts"

/** Nobody can say how it ended. */
const unknown: ProgramExit = { code: null, signal: null }

/** How a child of this process ended; null while it runs. It is waited for where this Node can do that. */
export const exitOf = (pid: number, table = new ProcessTable()): ProgramExit | null => {
  const status = libc()?.waitFor(pid) ?? table.zombieStatus(pid)
  if (status === "running") return null
  return status === "gone" ? unknown : decodeStatus(status)
}

/** A status as wait(2) packs it. */
export const decodeStatus = (status: number): ProgramExit => {
  const signal = status & 0x7f
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: signalName(signal) }
}

/**
 * Waits for programs for which nothing else in this process does: no thread and not Node. It looks when the system says
 * that a child has ended; and as it says that too of one that was stopped or continued, first whether any has.
 */
export class Reaper {
  readonly #watched = new Map<number, (exit: ProgramExit) => void>()
  readonly #exitOf: (pid: number) => ProgramExit | null
  readonly #anyEnded: () => boolean
  #lookScheduled = false

  constructor(
    find: (pid: number) => ProgramExit | null = exitOf,
    anyEnded: () => boolean = () => libc()?.anyEnded() ?? true
  ) {
    this.#exitOf = find
    this.#anyEnded = anyEnded
  }

  /** Calls `exited` once, never before the next turn; one that has ended already is noticed too. */
  watch(pid: number, exited: (exit: ProgramExit) => void): void {
    if (this.#watched.size === 0) process.on("SIGCHLD", this.#look)
    this.#watched.set(pid, exited)
    if (!this.#lookScheduled) setImmediate(this.#look)
    this.#lookScheduled = true
  }

  readonly #look = (): void => {
    this.#lookScheduled = false
    if (!this.#anyEnded()) return
    for (const [pid, exited] of this.#watched) {
      const exit = this.#exitOf(pid)
      if (exit === null) continue
      this.#watched.delete(pid)
      exited(exit)
    }
    if (this.#watched.size === 0) process.off("SIGCHLD", this.#look)
  }
}

/** That of this process. */
export const reaper = new Reaper()
