/** Jobs in the store: what was asked for, how far each has got, and the history of their runs. */
import { Option, Schema } from "effect"
import { Namespace } from "../protocol/namespaces.ts"
import {
  Guarantee,
  Job as JobInfo,
  JobId,
  JobNumber,
  JobRun,
  Missed,
  Overlap,
  RunNumber
} from "../protocol/schedule.ts"
import type { Reads, Sql } from "../storage/sqlite.ts"
import { type ActiveRun, isoOf, type Outcome } from "./ActiveRun.ts"
import type { Progress } from "./decideDue.ts"
import type { Definition, Standing } from "./Job.ts"
import { Work, type WorkKind } from "./work.ts"

/** What a run takes in the store beside its texts. */
export const RUN_BYTES = 256

const JobRow = Schema.Struct({
  number: JobNumber,
  namespace: Namespace,
  id: JobId,
  cron: Schema.String,
  time_zone: Schema.NullOr(Schema.String),
  work: Schema.fromJsonString(Work),
  missed: Missed,
  overlap: Overlap,
  guarantee: Guarantee,
  timeout_millis: Schema.NullOr(Schema.Int),
  retries: Schema.Int,
  jitter_millis: Schema.Int,
  created_at: Schema.String,
  created_by: Schema.NullOr(Schema.String),
  decided: Schema.NullOr(Schema.fromJsonString(Schema.Array(Schema.Int))),
  since_millis: Schema.NullOr(Schema.Int),
  paused: Schema.NullOr(Schema.Int),
  run_count: Schema.NullOr(Schema.Int),
  last_run: Schema.NullOr(Schema.fromJsonString(JobInfo.fields.lastRun))
})
const decodeJob = Schema.decodeUnknownOption(JobRow)
const encodeWork = Schema.encodeSync(Schema.fromJsonString(Work))

/** Every job, in the order in which they were made. One that has lost its progress to damage begins anew at `now`. */
export const loadJobs = (
  sql: Reads,
  now: number
): ReadonlyArray<{ readonly definition: Definition; readonly standing: Standing }> =>
  sql
    .all(
      "SELECT jobs.number, namespace, id, cron, time_zone, work, missed, overlap, guarantee, timeout_millis, retries, jitter_millis, created_at, created_by, decided, since_millis, paused, run_count, last_run FROM jobs LEFT JOIN job_progress USING (number) ORDER BY jobs.number"
    )
    .flatMap((row) => {
      const decoded = decodeJob(row)
      if (Option.isNone(decoded)) return []
      const {
        created_at,
        created_by,
        decided,
        jitter_millis,
        last_run,
        paused,
        run_count,
        since_millis,
        time_zone,
        timeout_millis,
        ...same
      } = decoded.value
      return [
        {
          definition: {
            ...same,
            timeZone: time_zone,
            timeoutMillis: timeout_millis,
            jitterMillis: jitter_millis,
            createdAt: created_at,
            createdBy: created_by
          },
          standing: {
            progress: { decided: decided ?? [], since: since_millis ?? now },
            paused: paused === 1,
            runCount: run_count ?? 0,
            lastRun: last_run
          }
        }
      ]
    })

/** The highest numbers that were given. */
export const loadNumbers = (sql: Reads): { readonly job: number; readonly run: number } => {
  const highest = (query: string) => Number(sql.get(query)?.["highest"] ?? 0)
  return {
    job: Math.max(
      highest("SELECT max(number) AS highest FROM jobs"),
      highest("SELECT job AS highest FROM job_runs ORDER BY run DESC LIMIT 1")
    ),
    run: highest("SELECT max(run) AS highest FROM job_runs")
  }
}

export const insertJob = (sql: Sql, definition: Definition, standing: Standing): void => {
  sql.run(
    "INSERT INTO jobs (number, namespace, id, cron, time_zone, work, missed, overlap, guarantee, timeout_millis, retries, jitter_millis, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    definition.number,
    definition.namespace,
    definition.id,
    definition.cron,
    definition.timeZone,
    encodeWork(definition.work),
    definition.missed,
    definition.overlap,
    definition.guarantee,
    definition.timeoutMillis,
    definition.retries,
    definition.jitterMillis,
    definition.createdAt,
    definition.createdBy
  )
  sql.run(
    "INSERT INTO job_progress (number, decided, since_millis, paused, run_count, last_run) VALUES (?, ?, ?, ?, ?, ?)",
    definition.number,
    ...standingValues(standing)
  )
}

const standingValues = ({ lastRun, paused, progress, runCount }: Standing) =>
  [
    JSON.stringify(progress.decided),
    progress.since,
    paused ? 1 : 0,
    runCount,
    lastRun === null ? null : JSON.stringify(lastRun)
  ] as const

/** Which slots are decided. Each of these writes what is its own: others may be on their way. */
export const saveProgress = (sql: Sql, number: number, { decided, since }: Progress): void => {
  sql.run(
    "UPDATE job_progress SET decided = ?, since_millis = ? WHERE number = ?",
    JSON.stringify(decided),
    since,
    number
  )
}

export const savePaused = (sql: Sql, number: number, paused: boolean, since: number): void => {
  sql.run("UPDATE job_progress SET paused = ?, since_millis = ? WHERE number = ?", paused ? 1 : 0, since, number)
}

/** One more run has ended; those that succeeded are counted. */
export const countRun = (sql: Sql, number: number, lastRun: NonNullable<Standing["lastRun"]>): void => {
  sql.run(
    "UPDATE job_progress SET run_count = run_count + ?, last_run = ? WHERE number = ?",
    Number(lastRun.state === "succeeded"),
    JSON.stringify(lastRun),
    number
  )
}

/** Every job of that name, with what waits of it. */
export const removeJob = (sql: Sql, { id, namespace }: Pick<Definition, "namespace" | "id">, at: string): void => {
  for (const { number } of sql.all("SELECT number FROM jobs WHERE namespace = ? AND id = ?", namespace, id)) {
    sql.run("DELETE FROM jobs WHERE number = ?", number!)
    sql.run("DELETE FROM job_progress WHERE number = ?", number!)
    dropRuns(sql, { id, namespace, number: Number(number) }, at)
  }
}

/** What waits of a job that is no more. */
export const dropRuns = (
  sql: Sql,
  { id, namespace, number }: { readonly number: number; readonly namespace: string; readonly id: string },
  at: string
): void => {
  sql.run(
    "UPDATE job_runs SET state = 'skipped', ended_at = ?, error = ? WHERE namespace = ? AND id = ? AND job = ? AND state = 'queued'",
    at,
    REMOVED,
    namespace,
    id,
    number
  )
}

export const REMOVED = "The job was removed or replaced before this run could begin."

const RunRow = Schema.Struct({
  run: RunNumber,
  job: JobNumber,
  kind: Schema.Literals(["method", "command"]),
  namespace: Namespace,
  id: JobId,
  slot: Schema.NullOr(Schema.String),
  cause: JobRun.fields.cause,
  state: JobRun.fields.state,
  slots: Schema.Int,
  attempts: Schema.Int,
  decided_at: Schema.String,
  started_at: Schema.NullOr(Schema.String),
  ended_at: Schema.NullOr(Schema.String),
  duration_millis: Schema.NullOr(Schema.Int),
  exit_code: Schema.NullOr(Schema.Int),
  output: Schema.NullOr(Schema.String),
  error: Schema.NullOr(Schema.String),
  session: JobRun.fields.session
})
export type RunRow = typeof RunRow.Type
const decodeRun = Schema.decodeUnknownOption(RunRow)

const RUN_COLUMNS =
  "run, job, kind, namespace, id, slot, cause, state, slots, attempts, decided_at, started_at, ended_at, duration_millis, exit_code, output, error, session"

const describeRow = (row: RunRow): JobRun => ({
  run: row.run,
  namespace: row.namespace,
  id: row.id,
  slot: row.slot,
  cause: row.cause,
  state: row.state,
  slots: row.slots,
  attempts: row.attempts,
  decidedAt: row.decided_at,
  startedAt: row.started_at,
  endedAt: row.ended_at,
  durationMillis: row.duration_millis,
  exitCode: row.exit_code,
  output: row.output,
  error: row.error,
  session: row.session
})

/** Runs that had not ended when the daemon did, in order. */
export const loadOpen = (sql: Reads): ReadonlyArray<RunRow> =>
  sql
    .all(`SELECT ${RUN_COLUMNS} FROM job_runs WHERE state IN ('queued', 'running') ORDER BY run`)
    .flatMap((row) => Option.toArray(decodeRun(row)))

/** Newest first. */
export const history = (
  sql: Reads,
  which: {
    readonly namespace?: string | undefined
    readonly id?: string | undefined
    readonly before?: number | undefined
    readonly limit: number
  }
): ReadonlyArray<JobRun> => {
  const { before = Number.MAX_SAFE_INTEGER, id, limit, namespace } = which
  const conditions = [namespace === undefined ? [] : ["namespace = ?"], id === undefined ? [] : ["id = ?"], "run < ?"]
  const values = [namespace === undefined ? [] : [namespace], id === undefined ? [] : [id], before, limit]
  return sql
    .all(
      `SELECT ${RUN_COLUMNS} FROM job_runs WHERE ${conditions.flat().join(" AND ")} ORDER BY run DESC LIMIT ?`,
      ...values.flat()
    )
    .flatMap((row) => Option.toArray(Option.map(decodeRun(row), describeRow)))
}

export const runOf = (sql: Reads, run: number): JobRun | undefined =>
  Option.getOrUndefined(
    Option.map(decodeRun(sql.get(`SELECT ${RUN_COLUMNS} FROM job_runs WHERE run = ?`, run)), describeRow)
  )

/** Writes down that something is to run, or waits. */
export const insertRun = (sql: Sql, active: ActiveRun): void => {
  sql.run(
    "INSERT INTO job_runs (run, job, namespace, id, kind, slot, cause, state, slots, attempts, decided_at, started_at, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
    active.run,
    active.of.number,
    active.of.namespace,
    active.of.id,
    active.kind,
    active.slot === null ? null : isoOf(active.slot),
    active.cause,
    active.startedAt === null ? "queued" : "running",
    active.startedAt === null ? 0 : 1,
    active.decidedAt,
    active.startedAt,
    RUN_BYTES
  )
}

/** Slots without a run. */
export interface Unrun {
  readonly run: number
  readonly job: number
  readonly namespace: string
  readonly id: string
  readonly kind: WorkKind
  readonly slot: number
  readonly state: "skipped" | "missed"
  readonly slots: number
  readonly at: string
  readonly error: string
}

export const insertUnrun = (
  sql: Sql,
  { at, id, job, kind, namespace, error, run, slot, slots, state }: Unrun
): void => {
  sql.run(
    "INSERT INTO job_runs (run, job, namespace, id, kind, slot, cause, state, slots, attempts, decided_at, ended_at, error, bytes) VALUES (?, ?, ?, ?, ?, ?, 'slot', ?, ?, 0, ?, ?, ?, ?)",
    run,
    job,
    namespace,
    id,
    kind,
    isoOf(slot),
    state,
    slots,
    at,
    at,
    error,
    RUN_BYTES
  )
}

/** One more slot that was skipped as those before it. */
export const countSkipped = (sql: Sql, run: number, at: string): void => {
  sql.run("UPDATE job_runs SET slots = slots + 1, ended_at = ? WHERE run = ?", at, run)
}

export const startRun = (sql: Sql, run: number, at: string): void => {
  sql.run("UPDATE job_runs SET state = 'running', attempts = 1, started_at = ? WHERE run = ?", at, run)
}

export const setSession = (sql: Sql, run: number, session: string | null, attempts: number): void => {
  sql.run("UPDATE job_runs SET session = ?, attempts = ? WHERE run = ?", session, attempts, run)
}

/** How much the run takes now. */
export const bytesOf = ({ output, error }: Outcome): number =>
  RUN_BYTES + Buffer.byteLength(output ?? "") + Buffer.byteLength(error ?? "")

export const endRun = (
  sql: Sql,
  run: number,
  outcome: Outcome,
  end: { readonly at: string; readonly durationMillis: number | null; readonly attempts: number }
): void => {
  sql.run(
    "UPDATE job_runs SET state = ?, attempts = ?, ended_at = ?, duration_millis = ?, exit_code = ?, output = ?, error = ?, session = NULL, bytes = ? WHERE run = ?",
    outcome.state,
    end.attempts,
    end.at,
    end.durationMillis,
    outcome.exitCode ?? null,
    outcome.output ?? null,
    outcome.error ?? null,
    bytesOf(outcome),
    run
  )
}
