import { bootId } from "../config/processIdentity.ts"
import type { LimitHolders } from "../protocol/limits.ts"
import type { SessionFile } from "../protocol/sessionHost.ts"
import { Cgroups, cgroups as ownCgroups, type KernelLimits } from "./cgroup/Cgroups.ts"
import { killSession, type Killable } from "./kill.ts"
import { LimitWatcher } from "./LimitWatcher.ts"
import { posixSpawn } from "./posixSpawn.ts"
import { ProcessTable } from "./ProcessTable.ts"
import { type ProgramListener, SpawnError, type StartProgram } from "./program.ts"
import { bombLimit, Resource, withSoftLimit } from "./softLimits.ts"

/** The part of a session that is held to limits. */
export interface Limited extends Killable {
  readonly endingBecause: (reason: string) => void
}

/** Holds sessions to what they may use up: by a cgroup where there is one, else by looking. */
export class Limits {
  readonly #cgroups: Cgroups
  readonly #watcher: LimitWatcher
  readonly #table: ProcessTable
  /** By session, what puts its limits on its cgroup once its program is in. */
  readonly #toLimit = new Map<string, () => void>()

  constructor(cgroups: Cgroups = ownCgroups, watcher = new LimitWatcher(), table = new ProcessTable()) {
    this.#cgroups = cgroups
    this.#watcher = watcher
    this.#table = table
  }

  /**
   * Makes all that holds a session before it is started, and says in its file what holds what. Throws a `SpawnError`
   * `limit-unavailable` for a limit that nothing here can hold.
   */
  prepare(file: SessionFile): SessionFile {
    const { cpuPercent, memoryBytes, processes } = file.limits ?? {}
    const wanted: KernelLimits = {
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
      ...(cpuPercent === undefined ? {} : { cpuPercent }),
      ...(processes === undefined ? {} : { processes })
    }
    const { held, limit } = this.#cgroups.make(file.id, wanted)
    if (held.size > 0) this.#toLimit.set(file.id, limit)
    const by = (limit: keyof KernelLimits): string => {
      if (held.has(limit)) return "cgroup"
      if (limit !== "cpuPercent" && this.#table.pids() !== null) return "watcher"
      this.release(file.id)
      throw new SpawnError("limit-unavailable", limit, unavailable[limit])
    }
    const limitedBy: LimitHolders = {
      ...(memoryBytes === undefined ? {} : { memory: by("memoryBytes") }),
      ...(cpuPercent === undefined ? {} : { cpu: by("cpuPercent") }),
      ...(processes === undefined ? {} : { processes: by("processes") })
    }
    const told = Object.keys(limitedBy).length === 0 ? file : { ...file, limitedBy }
    return boot === null ? told : { ...told, bootId: boot }
  }

  /**
   * How the program of a session whose file was prepared is started: where the kernel holds its limits, it is under
   * them with all that it forks. Throws what `start` throws, and a `SpawnError` `limit-unavailable` when the kernel
   * refuses a limit.
   */
  starting({ id, kind, limitedBy, limits }: SessionFile, begin: StartProgram): StartProgram {
    const bounded = limitedBy?.processes === "watcher" ? limits?.processes : undefined
    const start: StartProgram =
      bounded === undefined
        ? begin
        : (spec, listener) => withSoftLimit(Resource.processes, bombLimit(bounded), () => begin(spec, listener))
    return (spec, listener) => {
      const limit = this.#toLimit.get(id)
      const cgroup = this.#cgroups.of(id)
      if (limit === undefined || cgroup === null) return start(spec, listener)
      let refused = false
      const most = limitedBy?.processes === "cgroup" && !beginsThread(kind) ? limits!.processes! : null
      const deaf = unless(() => refused, listener)
      const { goOn, started } = orUnavailable(id, () => cgroup.startInside(() => start(spec, deaf), most))
      try {
        orUnavailable(id, limit)
        return started
      } catch (error) {
        refused = true
        started.signalAll("SIGKILL")
        throw error
      } finally {
        goOn()
      }
    }
  }

  /** Begins to look at a session that has been started, where something has to be looked at. */
  begin({ id, limitedBy = {}, limits = {} }: SessionFile, session: Limited): void {
    const cgroup = this.#cgroups.of(id)
    const { memoryBytes, processes } = limits
    const watchesMemory = limitedBy.memory === "watcher" && memoryBytes !== undefined
    const watchesProcesses = limitedBy.processes === "watcher" && processes !== undefined
    const watchesKills = limitedBy.memory === "cgroup" && cgroup !== null && cgroup.killsOneByOne
    if (!watchesMemory && !watchesProcesses && !watchesKills) return
    this.#watcher.watch(id, {
      pids: () => cgroup?.pids() ?? session.survivors(),
      ...(watchesMemory ? { memoryBytes } : {}),
      ...(watchesProcesses ? { processes } : {}),
      ...(watchesKills ? { memoryKills: () => cgroup.memoryKills } : {}),
      beyond: (reason) => {
        session.endingBecause(reason)
        void killSession(session, "SIGKILL", 0)
      }
    })
  }

  /** Why the program of this session has just ended, if the kernel ended it for a limit. */
  reasonOf(id: string): string | null {
    return (this.#cgroups.of(id)?.memoryKills ?? 0) > 0 ? "memory-limit" : null
  }

  /** Lets go of all that held a session. */
  release(id: string): void {
    this.#watcher.forget(id)
    this.#toLimit.delete(id)
    this.#cgroups.release(id)
  }
}

/** What `act` gives; what goes wrong that is no `SpawnError` is the kernel's no to a limit. */
const orUnavailable = <A>(id: string, act: () => A): A => {
  try {
    return act()
  } catch (cause) {
    if (cause instanceof SpawnError) throw cause
    throw new SpawnError("limit-unavailable", id, `The kernel refused a limit: ${(cause as Error).message}`, { cause })
  }
}

/**
 * node-pty begins a thread of this process when it has forked, and ends the process where it can't: it must not meet a
 * limit that the program has used up by then.
 */
const beginsThread = (kind: SessionFile["kind"]): boolean => kind === "pty" && posixSpawn() === null

/** Holds nothing, and knows of nobody: for programs that are no processes. */
export const noLimits = (): Limits => new Limits(new Cgroups(() => []))

const unavailable: Readonly<Record<keyof KernelLimits, string>> = {
  memoryBytes:
    "Memory can't be limited here: there is no cgroup that hob may write to, and no /proc that tells what processes use.",
  cpuPercent:
    "Processor time can't be limited here: it takes a cgroup with the cpu controller that hob may write to (root, or a systemd unit with Delegate=yes).",
  processes:
    "The number of processes can't be limited here: there is no cgroup that hob may write to, and no /proc that tells what processes there are."
}

/** A listener that hears nothing once `deaf` says so. */
const unless = (deaf: () => boolean, listener: ProgramListener): ProgramListener => ({
  output: (direction, chunk) => deaf() || listener.output(direction, chunk),
  exited: (exit) => deaf() || listener.exited(exit),
  closed: () => deaf() || listener.closed(),
  inputDrained: () => deaf() || listener.inputDrained()
})

const boot = bootId()
