/** What events of `core.get_jobs` say, and who wants to hear it. */
import type { JobProgress } from "../protocol/upstream.ts"
import { arrayElements, integerOf, objectMembers, textOf } from "./scan.ts"

/** The collection whose events tell of jobs. */
export const JOBS = "core.get_jobs"

/** A job, as an event or a row of `core.get_jobs` shows it. Texts of JSON are as they were written. */
export interface Job {
  readonly id: number
  /** Requests that began it, of everybody. */
  readonly requests: ReadonlyArray<string>
  readonly progress: JobProgress
}

const ended = new Set(["SUCCESS", "FAILED", "ABORTED"])
export const hasEnded = ({ progress }: Pick<Job, "progress">): boolean => ended.has(progress.state)

/** The job that an object tells of; undefined where it tells of none. */
export const readJob = (fields: string): Job | undefined => {
  const members = objectMembers(fields)
  const id = integerOf(members?.get("id"))
  if (members === undefined || id === undefined) return undefined
  const progress = objectMembers(members.get("progress") ?? "")
  return {
    id,
    requests: (arrayElements(members.get("message_ids") ?? "[]") ?? []).flatMap((text) => textOf(text) ?? []),
    progress: {
      percent: numberOf(progress?.get("percent")),
      description: textOf(progress?.get("description")) ?? null,
      state: textOf(members.get("state")) ?? "RUNNING"
    }
  }
}

const numberOf = (text: string | undefined): number | null => {
  const value = text === undefined || text === "null" ? NaN : Number(text)
  return Number.isFinite(value) ? value : null
}

/** Somebody who has sent a request that may be a job. */
export interface Follower {
  /** It is one: heard once, before any progress. */
  readonly began: (job: number) => void
  readonly progress: (progress: JobProgress) => void
}

/** Whoever waits for a job, by the request that began it, and by the job's id from then on. */
export class Followers {
  readonly #requests = new Map<string, Follower>()
  readonly #jobs = new Map<number, Set<Follower>>()

  /** Somebody hears of jobs, or might. */
  get isEmpty(): boolean {
    return this.#requests.size === 0 && this.#jobs.size === 0
  }

  get jobs(): number {
    return this.#jobs.size
  }

  /** From now on until {@link leave}. */
  expect(request: string, follower: Follower): void {
    this.#requests.set(request, follower)
  }

  /** Of a job that is known to be one. */
  follow(job: number, follower: Follower): void {
    const followers = this.#jobs.get(job)
    if (followers === undefined) this.#jobs.set(job, new Set([follower]))
    else followers.add(follower)
  }

  leave(request: string, job: number | null, follower: Follower): void {
    this.#requests.delete(request)
    const followers = job === null ? undefined : this.#jobs.get(job)
    followers?.delete(follower)
    if (followers?.size === 0) this.#jobs.delete(job!)
  }

  /** Several requests may have begun the same job: one that was queued already is used again. */
  hear(job: Job): void {
    for (const request of job.requests) {
      const follower = this.#requests.get(request)
      if (follower === undefined || this.#jobs.get(job.id)?.has(follower) === true) continue
      this.follow(job.id, follower)
      follower.began(job.id)
    }
    for (const follower of this.#jobs.get(job.id) ?? []) follower.progress(job.progress)
  }
}
