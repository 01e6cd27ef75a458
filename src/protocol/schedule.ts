import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Endless } from "./endless.ts"
import { Millis, SessionId, Timestamp } from "./ids.ts"
import { UnknownMethod } from "./methodErrors.ts"
import { MethodName } from "./methodNames.ts"
import { Namespace } from "./namespaces.ts"
import { StorageError } from "./storage.ts"

/** What happens to the jobs of the namespace `x` is said on the channel `jobs:x` of that namespace. */
export const JOBS_PREFIX = "jobs:"

/** What a job is called within its namespace: 1 to 128 of any characters but control characters, no space at either end. */
export const JobId = Schema.String.check(
  Schema.isPattern(/^(?!\s)\P{Cc}{1,128}(?<!\s)$/u, {
    expected: "1 to 128 characters without control characters, and without spaces at its ends"
  }),
  Schema.makeFilter((text) => (text.isWellFormed() ? undefined : "must be well-formed Unicode"))
).pipe(Schema.brand("JobId"))
export type JobId = typeof JobId.Type

/** The number of a run: greater than those of all runs before it. */
export const RunNumber = Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.brand("RunNumber"))
export type RunNumber = typeof RunNumber.Type

/** The number of a job: greater than those of all jobs made before it. One that replaces another has its own. */
export const JobNumber = Schema.Int.check(Schema.isGreaterThan(0)).pipe(Schema.brand("JobNumber"))
export type JobNumber = typeof JobNumber.Type

/** Of slots that passed while nobody could run them: `skip` none is made up for, `once` the last one is. */
export const Missed = Schema.Literals(["skip", "once"])
export type Missed = typeof Missed.Type

/** Of a slot that comes while the job still runs: `skip` it, `queue` it until the run has ended, or `allow` both. */
export const Overlap = Schema.Literals(["skip", "queue", "allow"])
export type Overlap = typeof Overlap.Type

/**
 * What becomes of a run that the daemon's death has cut off: `at-most-once` it is not run again, `at-least-once` it is,
 * by the next daemon.
 */
export const Guarantee = Schema.Literals(["at-most-once", "at-least-once"])
export type Guarantee = typeof Guarantee.Type

/** The longest parameters of a job, as JSON. */
export const MAX_PARAMS_BYTES = 64 * 1024

/** What a job hands to its method, or to its command on standard input: a JSON object of at most 64 KiB. */
export const JobParams = Schema.Record(Schema.String, Schema.Json).check(
  Schema.makeFilter((params) =>
    new TextEncoder().encode(JSON.stringify(params)).length <= MAX_PARAMS_BYTES
      ? undefined
      : `must be at most ${MAX_PARAMS_BYTES} bytes of JSON`
  )
)

const withoutNul = Schema.String.check(Schema.isPattern(/^[^\0]*$/u, { expected: "without NUL" }))

/** What a job does: calls a method of its namespace, or starts a command. */
const work = {
  method: Schema.optionalKey(MethodName),
  params: Schema.optionalKey(JobParams),
  /** A program and its arguments; never a shell line. */
  command: Schema.optionalKey(
    Schema.Array(withoutNul).check(
      Schema.makeFilter((words) => (words.length > 0 && words[0] !== "" ? undefined : "must name a program"))
    )
  ),
  /** Of a command: where it runs. Default: the home. */
  cwd: Schema.optionalKey(withoutNul),
  /** Of a command: variables beside those of a login. */
  env: Schema.optionalKey(Schema.Record(Schema.String, withoutNul))
}

const policies = {
  missed: Missed,
  overlap: Overlap,
  guarantee: Guarantee,
  /** A run that takes longer is stopped, and has failed. Null: no limit of the job's own. */
  timeoutMillis: Schema.NullOr(Millis),
  /** How often a run that fails is tried again, after a pause that grows. */
  retries: Schema.Int,
  /** Runs begin up to so much after their slot, each by an amount of its own. */
  jitterMillis: Millis
}

/** How a run is, or how it went. */
export const RunState = Schema.Literals([
  /** It waits for another run to end. */
  "queued",
  "running",
  "succeeded",
  "failed",
  "timed-out",
  /** The daemon ended while it ran. Whether it took effect is not known. */
  "interrupted",
  /** It was not begun, since the job still ran, or had enough waiting. */
  "skipped",
  /** It was not begun: its time passed while no daemon ran, or the machine slept, or its clock was set forward. */
  "missed"
])
export type RunState = typeof RunState.Type

/**
 * Why there is a run: `slot` its time had come, `catch-up` its time had passed when somebody could look, `again` for one
 * that was interrupted, `manual` somebody asked for it.
 */
export const RunCause = Schema.Literals(["slot", "catch-up", "again", "manual"])
export type RunCause = typeof RunCause.Type

/** One run of a job, or slots without one. */
export const JobRun = Schema.Struct({
  run: RunNumber,
  namespace: Namespace,
  id: JobId,
  /** The instant that the expression names, without jitter; null of a run that somebody asked for. */
  slot: Schema.NullOr(Timestamp),
  cause: RunCause,
  state: RunState,
  /** How many slots this stands for, where it is `skipped` or `missed`; the first of them is `slot`. */
  slots: Schema.Int,
  /** How often it was tried. */
  attempts: Schema.Int,
  /** When it was written down that it is to run. */
  decidedAt: Timestamp,
  startedAt: Schema.NullOr(Timestamp),
  endedAt: Schema.NullOr(Timestamp),
  durationMillis: Schema.NullOr(Schema.Int),
  /** What a command exited with. */
  exitCode: Schema.NullOr(Schema.Int),
  /** The end of what a command printed, or what a method answered with, as JSON. */
  output: Schema.NullOr(Schema.String),
  /** Why it failed, or was not begun, as a sentence. */
  error: Schema.NullOr(Schema.String),
  /** Of a command that runs: its session. */
  session: Schema.NullOr(SessionId)
})
export type JobRun = typeof JobRun.Type

/** A job as everybody sees it. */
export const Job = Schema.Struct({
  number: JobNumber,
  namespace: Namespace,
  id: JobId,
  /** As it was written. */
  cron: Schema.String,
  /** Null: the machine's. */
  timeZone: Schema.NullOr(Schema.String),
  ...work,
  ...policies,
  paused: Schema.Boolean,
  createdAt: Timestamp,
  /** Who made it, in their own words. */
  createdBy: Schema.NullOr(Schema.String),
  /** The next slot; null while it is paused, and when there is none any more. */
  nextAt: Schema.NullOr(Timestamp),
  /** Why it is never due, as sentences: this machine does not know its time zone any more, say. */
  problem: Schema.optionalKey(Schema.String),
  /** Runs that have begun and not ended. */
  running: Schema.Int,
  /** Runs that wait. */
  queued: Schema.Int,
  /** Runs that have succeeded. */
  runCount: Schema.Int,
  /** The last one that has ended, however. */
  lastRun: Schema.NullOr(Schema.Struct({ run: RunNumber, state: RunState, startedAt: Timestamp, endedAt: Timestamp }))
})
export type Job = typeof Job.Type

/** The expression says no time, or one that never comes. */
export class InvalidCron extends Schema.TaggedError<InvalidCron>()("InvalidCron", {
  cron: Schema.String,
  /** What is wrong, as sentences. */
  reason: Schema.String
}) {
  override get message() {
    return `${JSON.stringify(this.cron)} can't be scheduled. ${this.reason}`
  }
}

/** This machine knows no time zone of this name. */
export class UnknownTimeZone extends Schema.TaggedError<UnknownTimeZone>()("UnknownTimeZone", {
  timeZone: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return this.reason
  }
}

/** The job's parts don't go together. */
export class InvalidJob extends Schema.TaggedError<InvalidJob>()("InvalidJob", { reason: Schema.String }) {
  override get message() {
    return this.reason
  }
}

/** There are as many jobs as may be. */
export class TooManyJobs extends Schema.TaggedError<TooManyJobs>()("TooManyJobs", { limit: Schema.Int }) {
  override get message() {
    return `There are ${this.limit} jobs, as many as may be (schedule.maxCount). Remove some with \`hob cron rm\`.`
  }
}

const which = { namespace: Namespace, id: JobId }

/** There is no job of this name in this namespace. */
export class JobNotFound extends Schema.TaggedError<JobNotFound>()("JobNotFound", which) {
  override get message() {
    return `There is no job ${JSON.stringify(this.id)} in the namespace "${this.namespace}". \`hob cron ls --all\` lists them.`
  }
}

/** The job runs, and what it says of overlaps lets no other run begin or wait. */
export class JobRunning extends Schema.TaggedError<JobRunning>()("JobRunning", { ...which, overlap: Overlap }) {
  override get message() {
    return this.overlap === "skip"
      ? `The job ${JSON.stringify(this.id)} runs already. \`hob cron add … --overlap queue\` lets the next run wait for it.`
      : `The job ${JSON.stringify(this.id)} has as many runs as may be. \`hob cron history\` shows them.`
  }
}

const where = { namespace: Schema.optionalKey(Namespace), id: JobId }

/**
 * Schedules a job, in place of one of the same name, if there is one: a run of that goes on, and those that wait are
 * dropped. Answers once that is safe from the death of every process. Exactly one of `method` and `command` is needed.
 */
export const AddJob = Rpc.make("schedule.add", {
  payload: {
    ...where,
    /** Five fields, six with seconds in front, or a name such as `@daily`; at most 256 bytes. */
    cron: Schema.String,
    /** The method need not be there yet: a run that comes before it fails. */
    undeclared: Schema.optionalKey(Schema.Boolean),
    /** As in `Europe/Berlin` or `+05:30`. Default: the machine's, whatever that comes to be. */
    timeZone: Schema.optionalKey(Schema.String),
    ...work,
    /** Default: `once`. */
    missed: Schema.optionalKey(Missed),
    /** Default: `skip`. */
    overlap: Schema.optionalKey(Overlap),
    /** Default: `at-most-once`. */
    guarantee: Schema.optionalKey(Guarantee),
    timeoutMillis: Schema.optionalKey(Millis.check(Schema.isGreaterThan(0))),
    /** Default: 0. */
    retries: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 }))),
    /** Default: 0. */
    jitterMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 * 3_600_000 }))),
    /** Who makes it, in their own words. */
    createdBy: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256)))
  },
  success: Schema.Struct({ job: Job, replaced: Schema.Boolean }),
  error: Schema.Union([InvalidCron, UnknownTimeZone, InvalidJob, UnknownMethod, TooManyJobs, StorageError])
})

/** Forgets a job. A run of it goes on, and is in its history; runs that wait are dropped. */
export const RemoveJob = Rpc.make("schedule.remove", {
  payload: where,
  success: Schema.Struct(which),
  error: Schema.Union([JobNotFound, StorageError])
})

/** The jobs of a namespace, or with `all` of every one, in the order in which they were made; one, if it is named. */
export const ListJobs = Rpc.make("schedule.list", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    all: Schema.optionalKey(Schema.Boolean),
    id: Schema.optionalKey(JobId),
    /** Only those with a greater number: the rest of a list, behind the last job of an answer that was `truncated`. */
    after: Schema.optionalKey(JobNumber),
    /** Default: 1000. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })))
  },
  success: Schema.Struct({
    jobs: Schema.Array(Job),
    /** There are more: they are had by asking again, `after` the last number. */
    truncated: Schema.optionalKey(Schema.Boolean)
  }),
  error: StorageError
})

/** Runs a job now, paused or not. Answers once that is written down; with `wait` once the run has ended. */
export const RunJob = Rpc.make("schedule.run", {
  payload: { ...where, wait: Schema.optionalKey(Schema.Boolean) },
  success: JobRun,
  error: Schema.Union([JobNotFound, JobRunning, StorageError])
}).annotate(Endless, true)

/** Lets slots pass until the job is resumed. What runs goes on. */
export const PauseJob = Rpc.make("schedule.pause", {
  payload: where,
  success: Job,
  error: Schema.Union([JobNotFound, StorageError])
})

/** Takes a paused job up again, from the next slot on. */
export const ResumeJob = Rpc.make("schedule.resume", {
  payload: where,
  success: Job,
  error: Schema.Union([JobNotFound, StorageError])
})

/**
 * Runs of a job, of a namespace, or with `all` of every one, newest first; also of jobs that are no more, as long as their
 * runs are kept.
 */
export const JobHistory = Rpc.make("schedule.history", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    all: Schema.optionalKey(Schema.Boolean),
    id: Schema.optionalKey(JobId),
    /** Only those with a smaller number: the rest of a list, behind the last run of an answer. */
    before: Schema.optionalKey(RunNumber),
    /** Default: 50. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000 })))
  },
  success: Schema.Struct({ runs: Schema.Array(JobRun) }),
  error: Schema.Union([JobNotFound, StorageError])
})

/** What is said of jobs on the channel `jobs:<namespace>`. */
export const JobEvent = Schema.Struct({
  /** `job-failed` also of one that timed out or was interrupted. */
  event: Schema.Literals(["job-started", "job-completed", "job-failed"]),
  jobId: JobId,
  run: RunNumber,
  slot: Schema.NullOr(Timestamp),
  cause: RunCause,
  /** Runs that have succeeded so far. */
  runCount: Schema.Int,
  method: Schema.optionalKey(MethodName),
  command: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Of one that has ended. */
  state: Schema.optionalKey(RunState),
  durationMillis: Schema.optionalKey(Schema.Int),
  attempts: Schema.optionalKey(Schema.Int),
  error: Schema.optionalKey(Schema.String)
})
export type JobEvent = typeof JobEvent.Type

export const ScheduleRpcs = RpcGroup.make(AddJob, RemoveJob, ListJobs, RunJob, PauseJob, ResumeJob, JobHistory)
