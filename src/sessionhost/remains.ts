import { realpathSync } from "node:fs"
import { cgroups } from "./cgroup/Cgroups.ts"
import { killSession } from "./kill.ts"
import { ProcessTable } from "./ProcessTable.ts"

/** How long what an earlier host has left of a session may take to end. */
const GRACE_MILLIS = 2000

/**
 * Ends what is left of a session whose host died: programs on pipes, and all that has left its terminal, live on. To be
 * done before it is started anew, or there would be two of it. Where there is no /proc nothing can be found.
 */
export const endRemains = async (id: string, table = new ProcessTable()): Promise<void> => {
  const traits = {
    // Nobody's number: its own may be another's by now.
    root: { pid: -1, start: 0 },
    ended: 0,
    marker: `HOB_SESSION_ID=${id}`,
    files: [],
    terminal: 0
  }
  const cgroup = cgroups.of(id)
  const living = (): ReadonlyArray<number> => {
    const marked = table.members(traits, new Map(), performance.now())?.map(({ pid }) => pid) ?? []
    const grouped = (cgroup?.pids() ?? []).filter((pid) => table.read(pid)?.state !== "Z" && !table.isDaemon(pid))
    return [...new Set([...marked, ...grouped])]
  }
  const signalAll = (signal: NodeJS.Signals): void => {
    for (const pid of living()) {
      try {
        process.kill(pid, signal)
      } catch {
        // It ended between.
      }
    }
  }
  if (living().length > 0) await killSession({ closed: true, survivors: living, signalAll }, "SIGTERM", GRACE_MILLIS)
  cgroups.release(id)
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
