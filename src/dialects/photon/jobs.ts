/** photon's jobs: those of its namespace that call a method. */
import { Effect, Schema } from "effect"
import { MethodName } from "../../protocol/methodNames.ts"
import type { Namespace } from "../../protocol/namespaces.ts"
import { type Job, JobId, JobParams } from "../../protocol/schedule.ts"
import type { Schedule } from "../../schedule/Schedule.ts"
import type { Request } from "./messages.ts"
import { error, result, sentences } from "./translate.ts"

type Of<Type extends Request["type"]> = Extract<Request, { readonly type: Type }>

export interface JobsOptions {
  readonly schedule: Schedule["Service"]
  readonly namespace: Namespace
}

/**
 * Answers a request about jobs with a line, once what it did is safe from the death of every process. What one connection
 * asks in a row has to be done in a row: one is run to its end before the next.
 */
export interface Jobs {
  schedule(request: Of<"schedule">): Effect.Effect<string>
  unschedule(request: Of<"unschedule">): Effect.Effect<string>
  list(request: Of<"list_jobs">): Effect.Effect<string>
}

const isJobId = Schema.is(JobId)
const isMethodName = Schema.is(MethodName)
const isParams = Schema.is(JobParams)
const MAX_CREATED_BY = 256

export const makeJobs = ({ namespace, schedule }: JobsOptions): Jobs => ({
  schedule: ({ args, cron, id: requestId, jobId, method, sessionId }) => {
    const id = JSON.stringify(requestId)
    if (!isJobId(jobId)) return Effect.succeed(error(id, sentences.badJobId))
    if (!isMethodName(method)) return Effect.succeed(error(id, sentences.badMethod))
    if (args !== undefined && args !== null && !isParams(args)) return Effect.succeed(error(id, sentences.badArgs))
    const params = args === undefined || args === null ? {} : { params: args }
    const by = typeof sessionId === "string" ? sessionId.slice(0, MAX_CREATED_BY) : ""
    const createdBy = by === "" ? {} : { createdBy: by }
    return schedule.add({ namespace, id: jobId, cron, method, ...params, ...createdBy, undeclared: true }).pipe(
      Effect.match({
        onSuccess: ({ job }) => {
          const nextRun = job.nextAt === null ? {} : { nextRun: Date.parse(job.nextAt) }
          return result(id, JSON.stringify({ scheduled: true, jobId, ...nextRun }))
        },
        onFailure: (failure) =>
          failure._tag === "InvalidCron"
            ? result(id, JSON.stringify({ scheduled: false, reason: sentences.badCron(failure.reason) }), false)
            : error(id, failure.message)
      })
    )
  },
  unschedule: ({ id: requestId, jobId }) => {
    const id = JSON.stringify(requestId)
    const answer = (unscheduled: boolean) => result(id, JSON.stringify({ unscheduled, jobId }))
    // No job has such a name.
    if (!isJobId(jobId)) return Effect.succeed(answer(false))
    return schedule.remove({ namespace, id: jobId }).pipe(
      Effect.match({
        onSuccess: () => answer(true),
        onFailure: (failure) => (failure._tag === "JobNotFound" ? answer(false) : error(id, failure.message))
      })
    )
  },
  list: ({ id }) =>
    Effect.map(schedule.list({ namespace }), (jobs) =>
      result(JSON.stringify(id), JSON.stringify({ jobs: jobs.flatMap(toForeignJob) }))
    )
})

/** As photon lists it: instants in milliseconds since 1970. A job that starts a command is none of photon's. */
const toForeignJob = ({ createdAt, createdBy, cron, id, lastRun, method, nextAt, params, runCount }: Job) =>
  method === undefined
    ? []
    : [
        {
          id,
          method,
          ...(params === undefined ? {} : { args: params }),
          cron,
          runCount,
          createdAt: Date.parse(createdAt),
          ...(createdBy === null ? {} : { createdBy }),
          ...(lastRun === null ? {} : { lastRun: Date.parse(lastRun.startedAt) }),
          ...(nextAt === null ? {} : { nextRun: Date.parse(nextAt) })
        }
      ]
