/** Long lists of jobs and of runs, gathered with the loop's turns in between. */
import { Effect } from "effect"
import type { Turns } from "../actors/turns.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { Job as JobInfo, JobId, JobRun } from "../protocol/schedule.ts"
import type { Database } from "../storage/Database.ts"
import { describe } from "./Job.ts"
import type { JobTable } from "./JobTable.ts"
import * as rows from "./rows.ts"

/** Jobs after which it is looked at whether they hold the loop. */
const LOOK_EACH = 128
/** Runs that are read at a time. */
const RUNS_AT_A_TIME = 500

/** Of every namespace where none is given; with a number greater than `after`. */
export const listJobs = Effect.fnUntraced(function* (
  table: JobTable,
  turns: Turns,
  which: {
    readonly namespace: Namespace | undefined
    readonly id: JobId | undefined
    readonly after: number
    readonly limit: number
  }
) {
  const { after, id, limit, namespace } = which
  const jobs: Array<JobInfo> = []
  let since = turns.enter()
  let seen = 0
  for (const job of table.all(namespace)) {
    if (jobs.length >= limit) break
    if (++seen % LOOK_EACH === 0 && turns.isLong(since)) {
      turns.leave(since)
      yield* turns.next
      since = turns.enter()
    }
    if (job.definition.number > after && (id === undefined || job.id === id)) jobs.push(describe(job))
  }
  turns.leave(since)
  return jobs
})

/** Newest first. */
export const listRuns = Effect.fnUntraced(function* (
  database: Database["Service"],
  turns: Turns,
  which: Parameters<typeof rows.history>[1]
) {
  const runs: Array<JobRun> = []
  let { before } = which
  while (runs.length < which.limit) {
    const since = turns.enter()
    const limit = Math.min(which.limit - runs.length, RUNS_AT_A_TIME)
    // Less than were asked for are no sign of the end: what can't be read is left out.
    const piece = yield* database.read((sql) => rows.history(sql, { ...which, before, limit }))
    if (piece.length === 0) break
    runs.push(...piece)
    before = piece.at(-1)!.run
    const isLong = turns.isLong(since)
    turns.leave(since)
    if (isLong) yield* turns.next
  }
  return runs
})
