import { closeSync, fstatSync } from "node:fs"
import type { HeldLock } from "../../config/exclusiveLock.ts"
import type { Paths } from "../../config/paths.ts"
import { childDescriptors } from "../ChildDescriptors.ts"
import type { HostServer } from "../HostServer.ts"
import type { SessionHost } from "../SessionHost.ts"
import { upgradeFailed } from "./check.ts"
import { adoptLock } from "./lock.ts"
import type { Handover, SessionState } from "./state.ts"
import {
  originOf,
  parseState,
  readStateFile,
  removeStateFile,
  returnedState,
  UnreadableState,
  writeStateFile
} from "./stateFile.ts"
import { descriptorsOf, execute } from "./Upgrade.ts"

type Log = (message: string) => void

/**
 * What the host that this process was tells. When some of it can't be understood or is not there, the process becomes
 * that host again; when that has been tried, what is there is taken. Throws when there is nothing to be had.
 */
export const receive = (path: string, log: Log): Handover => {
  const text = readStateFile(path)
  const origin = originOf(text)
  const { handover, problems } = inspect(text)
  if (problems.length > 0) {
    for (const problem of problems) log(`taking over: ${problem}`)
    if (origin !== null && origin.returned === null) {
      try {
        writeStateFile(path, returnedState(text, problems[0]!))
        execute(origin.from.node, [origin.from.entry, ...process.argv.slice(2)])
      } catch (error) {
        log(`hob ${origin.from.version} could not be given it back: ${(error as Error).message}`)
      }
    }
  }
  if (handover === null) throw new UnreadableState(problems[0])
  return handover
}

const inspect = (text: string): { readonly handover: Handover | null; readonly problems: ReadonlyArray<string> } => {
  try {
    const { handover, problems } = parseState(text)
    const missing = descriptorsOf(handover).filter((fd) => !isOpen(fd))
    return { handover, problems: [...problems, ...missing.map((fd) => `descriptor ${fd} is not there`)] }
  } catch (error) {
    return { handover: null, problems: [(error as Error).message] }
  }
}

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

/** The lock as it was held before; null when somebody else has it by now. */
export const takeOverLock = (path: string, handover: Handover): HeldLock | null =>
  handover.lock === null ? null : adoptLock(path, handover.lock)

/** Holds every session, then goes on with the connections. What can't be had is said in the log and costs only itself. */
export const takeOver = (handover: Handover, host: SessionHost, server: HostServer, paths: Paths, log: Log): void => {
  for (const session of handover.sessions) {
    try {
      host.adopt(session)
    } catch (error) {
      log(`session ${session.file.id} is lost: ${(error as Error).message}`)
      giveUp(session)
    }
  }
  for (const { grant, leftMillis, ticket } of handover.grants) {
    if (grant.op === "grant") host.tickets.add(ticket, grant, leftMillis)
  }
  host.upgradedAt = handover.returned === null ? new Date().toISOString() : host.upgradedAt
  const upgraded = async () => {
    if (handover.returned === null) return host.hello()
    throw upgradeFailed(
      "returned",
      `hob ${handover.to.version} started and gave everything back: ${handover.returned}.`
    )
  }
  for (const connection of handover.connections) {
    try {
      server.adoptConnection(connection, upgraded)
    } catch (error) {
      log(`a connection is lost: ${(error as Error).message}`)
    }
  }
  // What was inherited on purpose is no program's.
  childDescriptors.keep()
  removeStateFile(paths.hostState)
}

/** Its terminal is hung up and its pipes end, as if this process had died. */
const giveUp = ({ program }: SessionState): void => {
  if (program === null) return
  const all = program.kind === "pty" ? [program.master, program.slave] : [program.stdin, program.stdout, program.stderr]
  for (const fd of all) {
    try {
      if (fd !== null) closeSync(fd)
    } catch {
      // Closed while it was tried.
    }
  }
}
