import { Context, Effect, Layer } from "effect"
import { VERSION } from "../config/version.ts"
import { Database } from "../storage/Database.ts"
import { type DaemonRun, previous, recordStart, recordStop } from "../storage/daemonRuns.ts"

/**
 * This run of the daemon, noted in the store: that it began and, if it comes to that, that it was stopped. So the next
 * one can say whether its predecessor was stopped or died. A store that can't be written costs the note, not the daemon.
 */
export class ThisRun extends Context.Service<
  ThisRun,
  {
    readonly startedAt: string
    /** The run before this one; null when there was none, or nobody knows. */
    readonly previous: DaemonRun | null
  }
>()("hob/daemon/ThisRun") {
  static readonly layer = Layer.effect(
    ThisRun,
    Effect.gen(function* () {
      const database = yield* Database
      const startedAt = new Date().toISOString()
      const id = yield* recordStart({ pid: process.pid, version: VERSION, startedAt }).pipe(
        Effect.catch((error) => Effect.as(Effect.logWarning(`this start is not noted: ${error.message}`), null))
      )
      if (id === null) return ThisRun.of({ startedAt, previous: null })
      yield* Effect.addFinalizer(() =>
        recordStop(id, new Date().toISOString()).pipe(Effect.provideService(Database, database), Effect.ignore)
      )
      return ThisRun.of({ startedAt, previous: yield* Effect.orElseSucceed(previous(id), () => null) })
    })
  )
}
