import { readFileSync } from "node:fs"

/** How often watched sessions are looked at, while there are any; less often where looking takes long. */
const LOOK_MILLIS = 500
/** Looking takes at most a tenth of the time. */
const LOOK_SHARE = 10

/** A session that is looked at, and what it must not go beyond. */
export interface Watched {
  /** Ids of its processes. */
  readonly pids: () => ReadonlyArray<number>
  readonly memoryBytes?: number
  readonly processes?: number
  /** How often the kernel has ended one of its processes for want of memory: more than before, and it is beyond. */
  readonly memoryKills?: () => number
  /** It is beyond: to be ended for this reason. Called once. */
  readonly beyond: (reason: "memory-limit" | "process-limit") => void
}

/** What is known of the memory of processes; another one for tests. */
export interface MemoryTable {
  /** Resident memory; pages that processes share are counted for each. 0 when it is not there. */
  readonly resident: (pid: number) => number
  /** The same with shared pages divided among those who share them; takes longer. */
  readonly proportional: (pid: number) => number
}

const kilobytes = (path: string, name: RegExp): number => {
  try {
    return Number(name.exec(readFileSync(path, "latin1"))?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

/** As `/proc` tells. */
export const procMemory: MemoryTable = {
  resident: (pid) => kilobytes(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB/m),
  proportional: (pid) => kilobytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+) kB/m)
}

/**
 * Holds sessions to limits that the kernel doesn't: looks every half second what their processes use together, and
 * says when that is more than they may.
 */
export class LimitWatcher {
  readonly #memory: MemoryTable
  readonly #watched = new Map<string, Watched>()
  #timer: NodeJS.Timeout | null = null

  constructor(memory: MemoryTable = procMemory) {
    this.#memory = memory
  }

  watch(id: string, watched: Watched): void {
    this.#watched.set(id, watched)
    this.#schedule(LOOK_MILLIS)
  }

  forget(id: string): void {
    this.#watched.delete(id)
    if (this.#watched.size > 0 || this.#timer === null) return
    clearTimeout(this.#timer)
    this.#timer = null
  }

  #schedule(millis: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      const began = performance.now()
      for (const [id, watched] of this.#watched) this.#look(id, watched)
      if (this.#watched.size > 0) this.#schedule(Math.max(LOOK_MILLIS, (performance.now() - began) * LOOK_SHARE))
    }, millis)
  }

  #look(id: string, watched: Watched): void {
    const reason = this.#reason(watched)
    if (reason === null) return
    this.#watched.delete(id)
    watched.beyond(reason)
  }

  #reason({ memoryBytes, memoryKills, pids, processes }: Watched): "memory-limit" | "process-limit" | null {
    if (memoryKills !== undefined && memoryKills() > 0) return "memory-limit"
    if (memoryBytes === undefined && processes === undefined) return null
    const now = pids()
    if (processes !== undefined && now.length > processes) return "process-limit"
    if (memoryBytes === undefined || sum(now, this.#memory.resident) <= memoryBytes) return null
    // Many processes of one program share most of it: only what they really take together counts.
    return sum(now, this.#memory.proportional) > memoryBytes ? "memory-limit" : null
  }
}

const sum = (pids: ReadonlyArray<number>, of: (pid: number) => number): number =>
  pids.reduce((total, pid) => total + of(pid), 0)
