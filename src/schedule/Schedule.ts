import { Context, Deferred, Effect, Latch, Layer, Option, Result, Stream } from "effect"
import type { Rpc } from "effect/rpc"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { clocks } from "../actors/monotonic.ts"
import { turnsOfLoop } from "../actors/turns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { Methods } from "../methods/Methods.ts"
import { UnknownMethod } from "../protocol/methodErrors.ts"
import { defaultNamespace, type Namespace } from "../protocol/namespaces.ts"
import {
  type AddJob,
  InvalidCron,
  InvalidJob,
  type Job as JobInfo,
  type JobHistory,
  type JobId,
  type JobNumber,
  JobNotFound,
  JobRunning,
  type JobRun,
  TooManyJobs,
  UnknownTimeZone
} from "../protocol/schedule.ts"
import type { StorageError } from "../protocol/storage.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { Database } from "../storage/Database.ts"
import { describeActive, isoOf } from "./ActiveRun.ts"
import { History } from "./History.ts"
import { describe, type Definition, type Job, makeJob, storedJob } from "./Job.ts"
import { JobTable } from "./JobTable.ts"
import { decideOverlap } from "./overlap.ts"
import { listJobs, listRuns } from "./listing.ts"
import * as rows from "./rows.ts"
import { Runner } from "./Runner.ts"
import { makeTicker } from "./Ticker.ts"
import type { Work } from "./work.ts"

interface Which {
  readonly namespace?: Namespace | undefined
  readonly id: JobId
}

/** Jobs that run when their time has come. Changes are answered once they are committed. */
export class Schedule extends Context.Service<
  Schedule,
  {
    add(
      request: Rpc.Payload<typeof AddJob>
    ): Effect.Effect<{ readonly job: JobInfo; readonly replaced: boolean }, Rpc.Error<typeof AddJob>>
    remove(
      which: Which
    ): Effect.Effect<{ readonly namespace: Namespace; readonly id: JobId }, JobNotFound | StorageError>
    /** In the order in which they were made. */
    list(which: {
      readonly namespace?: Namespace | undefined
      readonly all?: boolean | undefined
      readonly id?: JobId | undefined
      /** Only those with a greater number. */
      readonly after?: number | undefined
      readonly limit?: number | undefined
    }): Effect.Effect<ReadonlyArray<JobInfo>>
    run(
      which: Which & { readonly wait?: boolean | undefined }
    ): Effect.Effect<JobRun, JobNotFound | JobRunning | StorageError>
    pause(which: Which): Effect.Effect<JobInfo, JobNotFound | StorageError>
    resume(which: Which): Effect.Effect<JobInfo, JobNotFound | StorageError>
    history(which: Rpc.Payload<typeof JobHistory>): Effect.Effect<ReadonlyArray<JobRun>, JobNotFound | StorageError>
    /** Whether a job runs, or is to run: a reason to stay. */
    readonly waits: Effect.Effect<boolean>
  }
>()("hob/schedule/Schedule") {}

export const layer = Layer.effect(
  Schedule,
  Effect.gen(function* () {
    const announcer = yield* Announcer
    const concerns = yield* Concerns
    const config = yield* HobConfig
    const database = yield* Database
    const methods = yield* Methods
    const sessions = yield* Sessions
    const scope = yield* Effect.scope
    const earlier = yield* Latch.make()
    const { monotonic, wall } = yield* clocks
    let settings = (yield* config.get).schedule

    const table = new JobTable()
    // What can't be read is no ground to run anything on.
    const stored = yield* Effect.orDie(database.read((sql) => rows.loadJobs(sql, wall())))
    const last = yield* Effect.orDie(database.read(rows.loadNumbers))
    const open = yield* Effect.orDie(database.read(rows.loadOpen))
    const byNumber = new Map<number, Job>()
    const wanted = new Set(open.map(({ job }) => job))
    for (const { definition, standing } of stored) {
      const job = storedJob(definition, standing)
      if (job.problem !== undefined) {
        yield* Effect.logError(`job ${definition.id} of ${definition.namespace} can't run: ${job.problem}`)
      }
      table.set(job)
      if (wanted.has(definition.number)) byNumber.set(definition.number, job)
    }
    let lastJob = last.job

    const history = new History(database, () => settings)
    const runner = new Runner({
      announcer,
      database,
      methods,
      sessions,
      history,
      settings: () => settings,
      wall,
      scope,
      isThere: (job) => table.has(job),
      lastRun: last.run
    })
    yield* Effect.forEach(open, (row) => runner.resume(row, byNumber.get(row.job)), { discard: true })

    const turns = yield* turnsOfLoop
    const tick = makeTicker({
      turns,
      table,
      runner,
      history,
      database,
      wall,
      monotonic,
      earlier,
      settings: () => settings
    })
    yield* concerns.supervise("schedule", (up) =>
      Effect.gen(function* () {
        yield* up
        yield* Effect.forkScoped(
          Stream.runForEach(config.changes, ({ schedule }) => Effect.sync(() => void (settings = schedule)))
        )
        yield* Effect.forkScoped(history.sweep(wall))
        return yield* tick
      }).pipe(Effect.scoped)
    )

    const find = ({ id, namespace = defaultNamespace }: Which): Effect.Effect<Job, JobNotFound> =>
      Effect.suspend(() => {
        const job = table.get(namespace, id)
        return job === undefined ? Effect.fail(new JobNotFound({ namespace, id })) : Effect.succeed(job)
      })

    /** Whether it is to be looked at before the ticker would. */
    const wake = () => void earlier.openUnsafe()

    const add = Effect.fn("Schedule.add")(function* (request: Rpc.Payload<typeof AddJob>) {
      const { id, namespace = defaultNamespace } = request
      const work = yield* Effect.fromResult(workOf(request))
      if (
        "method" in work &&
        request.undeclared !== true &&
        Option.isNone(yield* methods.find(namespace, work.method))
      ) {
        return yield* new UnknownMethod({ namespace, method: work.method })
      }
      const now = wall()
      const definition: Definition = {
        number: ++lastJob as JobNumber,
        namespace,
        id,
        cron: request.cron,
        timeZone: request.timeZone ?? null,
        work,
        missed: request.missed ?? "once",
        overlap: request.overlap ?? "skip",
        guarantee: request.guarantee ?? "at-most-once",
        timeoutMillis: request.timeoutMillis ?? null,
        retries: request.retries ?? 0,
        jitterMillis: request.jitterMillis ?? 0,
        createdAt: isoOf(now),
        createdBy: request.createdBy ?? null
      }
      const standing = { progress: { decided: [], since: now }, paused: false, runCount: 0, lastRun: null }
      const made = makeJob(definition, standing)
      if (Result.isFailure(made)) {
        const { part, reason } = made.failure
        return yield* part === "cron"
          ? new InvalidCron({ cron: request.cron.slice(0, 256), reason })
          : new UnknownTimeZone({ timeZone: definition.timeZone!.slice(0, 64), reason })
      }
      if (table.get(namespace, id) === undefined && table.size >= settings.maxCount) {
        return yield* new TooManyJobs({ limit: settings.maxCount })
      }
      const job = made.success
      yield* database.write((sql) => {
        rows.removeJob(sql, definition, definition.createdAt)
        rows.insertJob(sql, definition, standing)
      })
      const before = table.set(job)
      if (before !== undefined) yield* forget(before, definition.createdAt)
      wake()
      return { job: describe(job), replaced: before !== undefined }
    })

    const forget = (job: Job, at: string): Effect.Effect<void> =>
      Effect.suspend(() => {
        const { definition } = job
        history.forget(definition.number)
        if (!runner.drop(job, at)) return Effect.void
        // One may have come to wait since its job was struck out. What is lost of this, the next daemon makes good.
        return Effect.ignore(database.write((sql) => rows.dropRuns(sql, definition, at)))
      })

    const remove = Effect.fn("Schedule.remove")(function* (which: Which) {
      const { id, namespace } = yield* find(which)
      const at = isoOf(wall())
      yield* database.write((sql) => rows.removeJob(sql, { id, namespace }, at))
      const job = table.delete(namespace, id)
      if (job !== undefined) yield* forget(job, at)
      return { namespace, id }
    })

    const run = Effect.fn("Schedule.run")(function* ({
      wait = false,
      ...which
    }: Which & { readonly wait?: boolean | undefined }) {
      const job = yield* find(which)
      const { id, namespace } = job
      const { overlap } = job.definition
      const verdict = decideOverlap(overlap, { running: job.running, queued: job.queued?.length ?? 0 }, settings)
      if (verdict === "skip") return yield* new JobRunning({ namespace, id, overlap })
      const active = runner.decide(job, null, "manual", verdict === "start")
      yield* database
        .write((sql) => {
          rows.insertRun(sql, active)
          history.add(rows.RUN_BYTES)
        })
        .pipe(
          // Once it may have been written down it goes on, whether who asked is still there or not.
          Effect.tapError(() => Effect.sync(() => runner.undo(active))),
          Effect.andThen(runner.commit(active)),
          Effect.uninterruptible
        )
      return wait ? yield* Deferred.await(active.ended) : describeActive(active)
    })

    const setPaused = (paused: boolean) =>
      Effect.fn("Schedule.pause")(function* (which: Which) {
        const job = yield* find(which)
        if (job.standing.paused === paused) return describe(job)
        const now = wall()
        yield* database.write((sql) => rows.savePaused(sql, job.definition.number, paused, now))
        const { decided } = job.standing.progress
        job.standing = { ...job.standing, paused, progress: { decided, since: now } }
        job.plan()
        if (table.has(job)) table.await(job)
        wake()
        return describe(job)
      })

    return Schedule.of({
      add,
      remove,
      list: ({ after = 0, all = false, id, limit = Infinity, namespace = defaultNamespace }) =>
        listJobs(table, turns, { namespace: all ? undefined : namespace, id, after, limit }),
      run,
      pause: setPaused(true),
      resume: setPaused(false),
      history: Effect.fn("Schedule.history")(function* ({ all = false, id, namespace = defaultNamespace, ...page }) {
        const where = all ? undefined : namespace
        const { before, limit = 50 } = page
        const runs = yield* listRuns(database, turns, { namespace: where, id, before, limit })
        if (runs.length > 0 || id === undefined || before !== undefined) return runs
        for (const job of table.all(where)) if (job.id === id) return runs
        return yield* new JobNotFound({ namespace, id })
      }),
      waits: Effect.sync(() => {
        for (const { next, running } of table.all()) if (next !== undefined || running > 0) return true
        return false
      })
    })
  })
)

/** What a request says of the work. */
const workOf = ({ command, cwd, env, method, params }: Rpc.Payload<typeof AddJob>): Result.Result<Work, InvalidJob> => {
  const given = params === undefined ? {} : { params }
  if (method !== undefined && command !== undefined) {
    return Result.fail(new InvalidJob({ reason: "A job calls a method or starts a command, not both." }))
  }
  if (method !== undefined) {
    return cwd === undefined && env === undefined
      ? Result.succeed({ method, ...given })
      : Result.fail(
          new InvalidJob({ reason: "`cwd` and `env` are of a command: a method runs where its module does." })
        )
  }
  if (command === undefined) {
    return Result.fail(new InvalidJob({ reason: "What is the job to do? Give a method, or a command." }))
  }
  return Result.succeed({
    command,
    ...given,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env === undefined ? {} : { env })
  })
}
