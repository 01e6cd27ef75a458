/** photon's functions about jobs, over hob's own protocol: each photon is a namespace. */
import { askPhoton } from "./photonAsk.ts"
import type { Job } from "../protocol/schedule.ts"
import { CallError } from "./wire/bare.ts"

/** What became of scheduling a job; `nextRun` in milliseconds since 1970. */
export interface PhotonScheduled {
  readonly scheduled: boolean
  readonly jobId: string
  readonly nextRun?: number
  /** Why it was not. */
  readonly reason?: string
}

/** A job as photon lists it: instants in milliseconds since 1970. */
export interface PhotonJob {
  readonly id: string
  readonly method: string
  readonly args?: Record<string, unknown>
  readonly cron: string
  readonly runCount: number
  readonly createdAt: number
  readonly createdBy?: string
  readonly nextRun?: number
  readonly lastRun?: number
}

/** Calls a method of the photon whenever `cron` says, in place of a job of the same id. The method may come later. */
export const scheduleJob = async (
  photonName: string,
  jobId: string,
  method: string,
  cron: string,
  args?: Record<string, unknown>
): Promise<PhotonScheduled> => {
  const params = args === undefined ? {} : { params: args }
  try {
    const asked = { namespace: photonName, id: jobId, cron, method, undeclared: true, ...params }
    const { job } = (await askPhoton("schedule.add", asked)) as { readonly job: Job }
    return { scheduled: true, jobId, ...(job.nextAt === null ? {} : { nextRun: Date.parse(job.nextAt) }) }
  } catch (error) {
    if (!(error instanceof CallError) || error.data?._tag !== "InvalidCron") throw error
    return { scheduled: false, jobId, reason: error.message }
  }
}

/** Forgets a job. False when there was none. */
export const unscheduleJob = async (photonName: string, jobId: string): Promise<boolean> => {
  try {
    await askPhoton("schedule.remove", { namespace: photonName, id: jobId })
    return true
  } catch (error) {
    if (error instanceof CallError && error.data?._tag === "JobNotFound") return false
    throw error
  }
}

/** The photon's jobs, in the order in which they were made. */
export const listJobs = async (photonName: string): Promise<Array<PhotonJob>> => {
  const jobs: Array<Job> = []
  for (let isMore = true; isMore;) {
    const last = jobs.at(-1)
    const page = (await askPhoton("schedule.list", {
      namespace: photonName,
      ...(last === undefined ? {} : { after: last.number })
    })) as { readonly jobs: ReadonlyArray<Job>; readonly truncated?: boolean }
    jobs.push(...page.jobs)
    isMore = page.truncated === true
  }
  return jobs.flatMap(({ createdAt, createdBy, cron, id, lastRun, method, nextAt, params, runCount }) =>
    // Others start commands.
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
            ...(nextAt === null ? {} : { nextRun: Date.parse(nextAt) }),
            ...(lastRun === null ? {} : { lastRun: Date.parse(lastRun.startedAt) })
          }
        ]
  )
}
