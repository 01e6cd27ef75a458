import { Effect, type Latch } from "effect"
import type { Turns } from "../actors/turns.ts"
import type { Settings } from "../config/settings.ts"
import type { Database } from "../storage/Database.ts"
import { type ActiveRun, isoOf } from "./ActiveRun.ts"
import { decideDue, type Due } from "./decideDue.ts"
import type { History } from "./History.ts"
import type { Job } from "./Job.ts"
import type { JobTable } from "./JobTable.ts"
import { decideOverlap } from "./overlap.ts"
import * as rows from "./rows.ts"
import type { Runner } from "./Runner.ts"
import { kindOf } from "./work.ts"

/** The clock may be set, or the machine sleep, while this fiber does: so it looks this often. */
const LONGEST_SLEEP_MILLIS = 30_000
/** Jobs that are decided in one transaction: the daemon answers others in between. */
const BATCH = 256
/** What the store did not take is decided anew after so long. */
const RETRY_MILLIS = 1000

export interface TickerOptions {
  readonly table: JobTable
  readonly runner: Runner
  readonly history: History
  readonly database: Database["Service"]
  readonly settings: () => Settings["schedule"]
  readonly wall: () => number
  /** In milliseconds too. */
  readonly monotonic: () => number
  readonly turns: Turns
  /** Opened when something may be due before what is slept for. */
  readonly earlier: Latch.Latch
}

/** What is to be written of one job that was due. */
interface Decision {
  readonly job: Job
  readonly due: Due
  readonly run: ActiveRun | undefined
  readonly unrun: ReadonlyArray<rows.Unrun>
  /** The entry of skipped slots that counts one more. */
  readonly counted: number | undefined
}

/** One fiber that looks at the wall clock, and decides the jobs whose time has come. Nothing runs that is not committed. */
export const makeTicker = ({
  database,
  earlier,
  history,
  monotonic,
  runner,
  settings,
  table,
  turns,
  wall
}: TickerOptions) => {
  const decide = (job: Job, now: number): Decision => {
    const { definition, next, standing, timing } = job
    const due = decideDue(timing!, standing.progress, next!.slot, now, settings().missedMillis)
    const about = {
      job: definition.number,
      namespace: job.namespace,
      id: job.id,
      kind: kindOf(definition.work),
      at: isoOf(now)
    }
    const unrun: Array<rows.Unrun> = []
    const { missed } = due
    if (missed !== undefined) {
      const error = due.run === undefined ? MISSED : CAUGHT_UP
      unrun.push({ ...about, run: runner.newNumber(), slot: missed.first, slots: missed.slots, state: "missed", error })
    }
    if (due.run === undefined) return { job, due, run: undefined, unrun, counted: undefined }
    const queued = job.queued?.length ?? 0
    const verdict = decideOverlap(definition.overlap, { running: job.running, queued }, settings())
    if (verdict !== "skip") {
      const run = runner.decide(job, due.run.slot, due.run.cause, verdict === "start")
      return { job, due, run, unrun, counted: undefined }
    }
    if (job.skipped !== undefined && unrun.length === 0) {
      return { job, due, run: undefined, unrun, counted: job.skipped }
    }
    const error = definition.overlap === "skip" ? STILL_RUNS : HAS_ENOUGH
    unrun.push({ ...about, run: runner.newNumber(), slot: due.run.slot, slots: 1, state: "skipped", error })
    return { job, due, run: undefined, unrun, counted: undefined }
  }

  const decideAll = Effect.fnUntraced(function* (jobs: ReadonlyArray<Job>, now: number) {
    const decisions = jobs.map((job) => decide(job, now))
    const written = yield* Effect.result(
      database.write((sql) => {
        for (const { counted, due, job, run, unrun } of decisions) {
          rows.saveProgress(sql, job.definition.number, due.progress)
          for (const each of unrun) {
            rows.insertUnrun(sql, each)
            history.grow(sql, job.definition, rows.RUN_BYTES)
          }
          if (counted !== undefined) rows.countSkipped(sql, counted, isoOf(now))
          if (run !== undefined) {
            rows.insertRun(sql, run)
            history.add(rows.RUN_BYTES)
          }
        }
      })
    )
    if (written._tag === "Failure") {
      yield* Effect.logWarning(`jobs are due and can't be written down, so none is run: ${written.failure.message}`)
      for (const { job, run } of decisions) {
        if (run !== undefined) runner.undo(run)
        if (table.has(job)) table.await(job, now + RETRY_MILLIS)
      }
      return
    }
    let since = turns.enter()
    for (const { counted, due, job, run, unrun } of decisions) {
      if (turns.isLong(since)) {
        turns.leave(since)
        yield* turns.next
        since = turns.enter()
      }
      job.standing = { ...job.standing, progress: due.progress }
      const last = unrun.at(-1)
      job.skipped = counted ?? (run === undefined && last?.state === "skipped" ? last.run : undefined)
      job.plan()
      if (table.has(job)) table.await(job)
      if (run !== undefined) yield* runner.commit(run)
    }
    turns.leave(since)
  }, Effect.uninterruptible)

  return Effect.gen(function* () {
    let before = wall()
    let beforeMonotonic = monotonic()
    // The clock may have been set while no daemon ran; and the run of this fiber before may have had jobs in its hands.
    table.setBack(before)
    for (const job of table.all()) table.await(job)
    for (;;) {
      yield* earlier.close
      const now = wall()
      const passed = monotonic() - beforeMonotonic
      // It was set back no longer ago than that: what it has shown since is still to be looked at.
      if (now < before) table.setBack(now - passed)
      before = now
      beforeMonotonic += passed
      const due = table.takeDue(now, BATCH)
      if (due.length > 0) {
        yield* decideAll(due, now)
        continue
      }
      const sleep = Math.min(LONGEST_SLEEP_MILLIS, Math.max(1, (table.next ?? Infinity) - now))
      yield* Effect.raceFirst(Effect.sleep(sleep), earlier.await)
    }
  })
}

const MISSED = "Nobody could run it when it was due."
const CAUGHT_UP = "Nobody could run it when it was due; a later slot is run in its place."
const STILL_RUNS = "The job still ran."
const HAS_ENOUGH = "The job had as many runs as may be."
