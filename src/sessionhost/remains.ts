import { existsSync, readdirSync, realpathSync } from "node:fs"
import { join } from "node:path"
import { birthmarkOf } from "./birthmark.ts"
import { cgroups } from "./cgroup/Cgroups.ts"
import { killSession } from "./kill.ts"
import { processTable, ProcessTable } from "./ProcessTable.ts"
import { SessionProcesses } from "./SessionProcesses.ts"

/** How long what is left of a session may take to end. */
const GRACE_MILLIS = 2000

/**
 * Ends what is left of a session that this host does not hold: of one whose host died, programs on pipes and all that
 * has left its terminal live on; one that has ended may have left daemons behind. Resolves to the ids of those that
 * don't end, and to null when there was nothing. Where there is no /proc nothing can be found.
 */
export const endRemains = async (
  id: string,
  signal: NodeJS.Signals = "SIGTERM",
  graceMillis = GRACE_MILLIS,
  table = processTable
): Promise<ReadonlyArray<number> | null> => {
  if (table.pids() === null) return null
  const processes = new SessionProcesses(
    {
      // Nobody's number: its own may be another's by now.
      root: { pid: -1, start: 0 },
      ended: 0,
      marker: `HOB_SESSION_ID=${id}`,
      files: [],
      terminal: 0
    },
    table
  )
  const survivors = () => processes.survivors()
  if (survivors().length === 0) {
    cgroups.release(id)
    return null
  }
  const signalAll = (name: NodeJS.Signals) => processes.signalAll(name)
  const gone = await killSession({ closed: true, survivors, signalAll }, signal, graceMillis)
  cgroups.release(id)
  return gone ? [] : survivors()
}

/** What a host that was killed may have left in the way: to be called by the next one, which holds none of `directory` yet. */
export const clearUp = (directory: string, lock: string, log: (text: string) => void): void => {
  endUnborn(lock)
  const count = hangUpStopped(directory)
  if (count > 0) log(`${count} processes that an earlier host had stopped were hung up`)
  tidyCgroups(directory)
}

/** Removes the empty cgroups of the sessions in `directory`. */
export const tidyCgroups = (directory: string): void => cgroups.tidy((id) => existsSync(join(directory, id)))

/**
 * Hangs up what a host that died had stopped to take it into a cgroup, in the sessions of `directory`: nobody else would ever let it go on. It is what the system does with a terminal's stopped jobs.
 */
export const hangUpStopped = (directory: string, table = new ProcessTable()): number => {
  let ids: ReadonlyArray<string>
  try {
    ids = readdirSync(directory)
  } catch {
    return 0
  }
  const marks = new Set(ids.map(birthmarkOf).filter((mark) => mark !== null))
  let count = 0
  for (const pid of table.pids() ?? []) {
    if (table.read(pid)?.state !== "T" || table.isDaemon(pid) || !marks.has(table.birthmark(pid) ?? "")) continue
    try {
      process.kill(pid, "SIGHUP")
      process.kill(pid, "SIGCONT")
      count++
    } catch {
      // It ended between.
    }
  }
  return count
}

/**
 * Ends what an earlier host was about to make a program of when it died: a copy of it that stands still until it is in
 * its cgroup, for ever now, and with it the terminals of all sessions stay open. To be called by who holds the lock: the
 * lock's file is open in such a copy, and in no program.
 */
export const endUnborn = (lock: string, table = new ProcessTable()): void => {
  for (const pid of table.stoppedWith([realpathSync(lock)])) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended between.
    }
  }
}
