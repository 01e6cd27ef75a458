import { Deadlines } from "../actors/Deadlines.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import { setBack } from "./decideDue.ts"
import { type Job, keyOf } from "./Job.ts"

/** Every job, and when the next of them is due. */
export class JobTable {
  readonly #jobs = new Map<string, Job>()
  readonly #deadlines = new Deadlines()

  get size(): number {
    return this.#jobs.size
  }

  /** When something is to be looked at next. */
  get next(): number | undefined {
    return this.#deadlines.next
  }

  get(namespace: string, id: string): Job | undefined {
    return this.#jobs.get(keyOf(namespace, id))
  }

  /** Whether this very job is there still. */
  has(job: Job): boolean {
    return this.get(job.namespace, job.id) === job
  }

  /** In place of one of the same name, which it gives back. */
  set(job: Job): Job | undefined {
    const key = keyOf(job.namespace, job.id)
    const before = this.#jobs.get(key)
    // So that it is the last one made.
    this.#jobs.delete(key)
    this.#jobs.set(key, job)
    this.await(job)
    return before
  }

  delete(namespace: string, id: string): Job | undefined {
    const job = this.get(namespace, id)
    this.#jobs.delete(keyOf(namespace, id))
    return job
  }

  *all(namespace?: Namespace): Iterable<Job> {
    for (const job of this.#jobs.values()) if (namespace === undefined || job.namespace === namespace) yield job
  }

  /** Has it looked at when its next slot begins, but not before `least`. */
  await(job: Job, least = -Infinity): void {
    if (job.next !== undefined) this.#deadlines.add(Math.max(job.next.at, least), keyOf(job.namespace, job.id))
  }

  /** Up to `most` jobs that are due. */
  takeDue(now: number, most: number): Array<Job> {
    const due: Array<Job> = []
    while (due.length < most) {
      const key = this.#deadlines.take(now)
      if (key === undefined) break
      const job = this.#jobs.get(key)
      if (job?.next === undefined) continue
      // It may have been replaced, or resumed, since.
      if (job.next.at > now) this.await(job)
      else due.push(job)
    }
    return due
  }

  /** The clock was set back: jobs that were further are planned anew. */
  setBack(now: number): void {
    for (const job of this.#jobs.values()) {
      const { progress } = job.standing
      if (progress.since <= now) continue
      job.standing = { ...job.standing, progress: setBack(progress, now) }
      job.plan()
      this.await(job)
    }
  }
}
