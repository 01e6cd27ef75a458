import { Effect } from "effect"
import { identityOf, isAlive } from "../config/processIdentity.ts"
import type { Database } from "../storage/Database.ts"
import * as rows from "./rows.ts"

/**
 * Modules' processes are written down while they run: where the kernel does not end them with their daemon, the next
 * daemon does, before it starts others of the same modules.
 */
export const makeProcesses = (database: Database["Service"]) =>
  Effect.sync(() => {
    const note = (pid: number, isThere: boolean): void => {
      if (!isThere)
        return database.submit(
          (sql) => rows.removeProcess(sql, pid),
          () => {}
        )
      const identity = identityOf(pid)
      if (identity !== null)
        database.submit(
          (sql) => rows.saveProcess(sql, identity),
          () => {}
        )
    }
    return Object.assign(note, {
      endLeftOver: Effect.gen(function* () {
        const left = yield* Effect.orDie(database.read(rows.processes))
        for (const identity of left) {
          if (isAlive(identity)) {
            yield* Effect.logWarning(`process ${identity.pid} of a module was left over, and is ended`)
            kill(identity.pid)
          }
          note(identity.pid, false)
        }
      })
    })
  })

const kill = (pid: number): void => {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, "SIGKILL")
    } catch {
      // gone meanwhile, or no group of its own
    }
  }
}
