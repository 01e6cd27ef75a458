import { Effect, Schema } from "effect"
import type { StorageError, StorageFailed } from "../protocol/storage.ts"
import { Database } from "./Database.ts"

/** Runs that are remembered. */
const KEEP = 100

/** One run of a daemon, as the store has it. */
export const DaemonRun = Schema.Struct({
  id: Schema.Int,
  pid: Schema.Int,
  version: Schema.String,
  /** ISO 8601, as is `ended_at`. */
  started_at: Schema.String,
  /** Null while it runs, and for ever when it was killed or crashed. */
  ended_at: Schema.NullOr(Schema.String),
  how: Schema.NullOr(Schema.Literal("stopped"))
})
export type DaemonRun = typeof DaemonRun.Type

const decode = Schema.decodeUnknownEffect(Schema.NullOr(DaemonRun))

/** Notes that this daemon has started; the run's id is for {@link recordStop} and {@link previous}. */
export const recordStart = (run: {
  readonly pid: number
  readonly version: string
  readonly startedAt: string
}): Effect.Effect<number, StorageError, Database> =>
  Effect.flatMap(Database, ({ write }) =>
    write((sql) => {
      sql.run("DELETE FROM daemon_runs WHERE id <= (SELECT max(id) FROM daemon_runs) - ?", KEEP - 1)
      const row = sql.get(
        "INSERT INTO daemon_runs (pid, version, started_at) VALUES (?, ?, ?) RETURNING id",
        run.pid,
        run.version,
        run.startedAt
      )
      return Number(row?.["id"])
    })
  ).pipe(Effect.withSpan("daemonRuns.recordStart"))

/** Notes that the run ended in an orderly way. */
export const recordStop = (id: number, endedAt: string): Effect.Effect<void, StorageError, Database> =>
  Effect.flatMap(Database, ({ write }) =>
    write((sql) => void sql.run("UPDATE daemon_runs SET ended_at = ?, how = 'stopped' WHERE id = ?", endedAt, id))
  ).pipe(Effect.withSpan("daemonRuns.recordStop"))

/** The run before this one; null when there was none. */
export const previous = (id: number): Effect.Effect<DaemonRun | null, StorageFailed, Database> =>
  Effect.flatMap(Database, ({ read }) =>
    read(
      (sql) =>
        sql.get(
          "SELECT id, pid, version, started_at, ended_at, how FROM daemon_runs WHERE id < ? ORDER BY id DESC LIMIT 1",
          id
        ) ?? null
    )
  ).pipe(
    Effect.flatMap((row) => Effect.orDie(decode(row))),
    Effect.withSpan("daemonRuns.previous")
  )
