import { VERSION } from "../../config/version.ts"
import type { Paths } from "../../config/paths.ts"
import type { HostRequest } from "../../protocol/sessionHost.ts"
import { joining } from "../cgroup/SessionCgroup.ts"
import { childDescriptors } from "../ChildDescriptors.ts"
import { HostFailure } from "../HostFailure.ts"
import type { HostServer } from "../HostServer.ts"
import { libc } from "../libc.ts"
import { ProcessTable } from "../ProcessTable.ts"
import type { SessionHost } from "../SessionHost.ts"
import { checkSuccessor, inPlaceUnavailable, TAKE_OVER_ARGUMENT, upgradeFailed } from "./check.ts"
import { lockDescriptor } from "./lock.ts"
import { type Handover, type HostBuild, STATE_FORMAT } from "./state.ts"
import { removeStateFile, writeStateFile } from "./stateFile.ts"
import { waiters } from "./Waiters.ts"

type Request = Extract<HostRequest, { readonly op: "upgrade" }>

/** Starting a session waits for file systems, but not for ever. */
const SETTLE_MILLIS = 20_000
/** How often the event loop is let run for exits that were on their way. */
const HOLD_ATTEMPTS = 1_000

export interface UpgradeOptions {
  readonly paths: Paths
  readonly host: SessionHost
  readonly server: () => HostServer
  readonly log: (message: string) => void
  /** Whether SIGTERM has been received. */
  readonly terminating: () => boolean
  /** Makes sure that the lock at its path is this process's, if it can be. */
  readonly keepLock: () => void
  /** Ends what would not survive and the successor starts anew. */
  readonly letGo: () => Promise<void>
  /** Begins it anew: nothing came of it. */
  readonly takeBack: () => void
  /** Replaces this process; throws when the system refuses. Default: execve(2). */
  readonly replace?: (node: string, args: ReadonlyArray<string>) => void
  readonly checkMillis?: number
}

/**
 * Replaces this process by another version of hob, in place: the process, its children, its open descriptors and its
 * lock stay, the program in it is exchanged by execve(2). Until that moment nothing has been given up: whatever fails
 * before it, this host goes on.
 */
export class Upgrade {
  readonly #options: UpgradeOptions
  #running = false

  constructor(options: UpgradeOptions) {
    this.#options = options
  }

  /** Returns only from a mere check; throws `HostFailure` when nothing came of it. */
  readonly run = async (request: Request): Promise<unknown> => {
    const { host, log } = this.#options
    const unavailable = inPlaceUnavailable()
    if (unavailable !== null)
      throw upgradeFailed("unsupported", `This session-host can't replace itself: ${unavailable}.`)
    if (this.#running) throw upgradeFailed("busy", "An upgrade is under way.")
    this.#running = true
    const to: HostBuild = { version: request.version, entry: request.entry, node: request.node }
    try {
      this.#options.keepLock()
      await checkSuccessor(to, JSON.stringify(this.#describe(to)), this.#options.checkMillis)
      if (request.check === true) return {}
      const thaw = host.freeze()
      try {
        await this.#settle()
        await this.#options.letGo()
        return await this.#exchange(to)
      } finally {
        this.#options.takeBack()
        thaw()
      }
    } catch (error) {
      const failure = error instanceof HostFailure ? error : upgradeFailed("state", (error as Error).message)
      log(`hob ${to.version} did not take over: ${failure.message}`)
      throw failure
    } finally {
      this.#running = false
    }
  }

  async #settle(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<"late">((resolve) => (timer = setTimeout(() => resolve("late"), SETTLE_MILLIS)))
    const settled = this.#options.host.settled().then(() => Promise.all(joining))
    const first = await Promise.race([settled, late])
    clearTimeout(timer)
    if (first === "late") throw upgradeFailed("busy", "Sessions are being started, and that takes long. Try again.")
    // The answers to what has just ended are written in this turn.
    await turn()
  }

  async #exchange(to: HostBuild): Promise<never> {
    const table = new ProcessTable()
    try {
      // Not in the middle of a turn either: libuv waits for all children that have ended, and then tells of one by one.
      for (let attempt = 0; attempt < HOLD_ATTEMPTS; attempt++) {
        await turn()
        if (waiters.hold((pid) => table.read(pid) !== null)) return this.#replace(to)
        waiters.release()
      }
      throw upgradeFailed("busy", "Programs end faster than they can be waited for.")
    } finally {
      waiters.release()
    }
  }

  /** In one turn of the event loop: what is described does not change any more. */
  #replace(to: HostBuild): never {
    const { log, paths, replace = execute } = this.#options
    const handover = this.#describe(to)
    writeStateFile(paths.hostState, JSON.stringify(handover))
    try {
      inheritOnly(descriptorsOf(handover))
      log(`hob ${to.version} takes over from hob ${VERSION}, with ${handover.sessions.length} sessions`)
      replace(to.node, [to.entry, TAKE_OVER_ARGUMENT, paths.hostState])
      throw new Error("execve returned")
    } catch (error) {
      childDescriptors.keep()
      removeStateFile(paths.hostState)
      if (error instanceof HostFailure) throw error
      throw upgradeFailed("exec", `${to.node} could not be started: ${(error as Error).message}.`)
    }
  }

  #describe(to: HostBuild): Handover {
    const { host, paths, server, terminating } = this.#options
    let sessions
    try {
      sessions = host.handOver()
    } catch (error) {
      throw upgradeFailed("unsupported", `This session-host can't replace itself: ${(error as Error).message}.`)
    }
    return {
      format: STATE_FORMAT,
      from: { version: VERSION, entry: process.argv[1]!, node: process.execPath },
      to,
      returned: null,
      startedAt: host.startedAt,
      terminating: terminating(),
      lock: lockDescriptor(paths.hostLock),
      ...server().handOver(),
      sessions,
      grants: host.tickets.handOver()
    }
  }
}

/** Every descriptor that the successor is told of. */
export const descriptorsOf = ({ connections, listener, lock, sessions }: Handover): ReadonlyArray<number> => {
  const ofPrograms = sessions.flatMap(({ program }) => {
    if (program === null) return []
    return program.kind === "pty" ? [program.master, program.slave] : [program.stdin, program.stdout, program.stderr]
  })
  const all = [lock, listener.fd, ...connections.map(({ fd }) => fd), ...ofPrograms]
  return all.filter((fd) => fd !== null)
}

const inheritOnly = (descriptors: ReadonlyArray<number>): void => {
  const calls = libc()
  if (calls?.closeOnExec() !== true) throw upgradeFailed("unsupported", "This system has no close_range(2).")
  for (const fd of descriptors) {
    if (!calls.inherit(fd)) throw upgradeFailed("state", `Descriptor ${fd} is gone.`)
  }
}

/** Becomes another program. Node's warning that this is experimental is not for the host's log. */
export const execute = (node: string, args: ReadonlyArray<string>): void => {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    process.execve!(node, [node, ...args], process.env)
  } finally {
    process.emitWarning = emitWarning
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
