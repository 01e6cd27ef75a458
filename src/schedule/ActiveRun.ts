import type { Deferred } from "effect"
import type { JobRun, RunCause, RunNumber } from "../protocol/schedule.ts"
import type { Definition, Job } from "./Job.ts"
import type { Work, WorkKind } from "./work.ts"

/** A run that waits or goes on. */
export interface ActiveRun {
  readonly run: RunNumber
  /** The job; undefined when it was gone before this daemon began. It may have been replaced, or removed. */
  readonly job: Job | undefined
  /** What it is a run of, as it was when this was decided. */
  readonly of: Pick<Definition, "number" | "namespace" | "id" | "retries" | "timeoutMillis" | "guarantee"> & {
    readonly work: Work | undefined
  }
  readonly kind: WorkKind
  /** Milliseconds since 1970. */
  readonly slot: number | null
  readonly cause: RunCause
  readonly decidedAt: string
  startedAt: string | null
  /** Until then it begins only if it was decided to begin at once: nothing is run that may not be on record. */
  isWritten: boolean
  session: JobRun["session"]
  /** How it has ended, or was dropped. */
  readonly ended: Deferred.Deferred<JobRun>
}

/** What a run, or an attempt of it, came to. */
export interface Outcome {
  readonly state: "succeeded" | "failed" | "timed-out" | "interrupted" | "skipped"
  readonly exitCode?: number
  readonly output?: string
  readonly error?: string
  /** How long it took, where this daemon has not seen it begin; null: nobody knows. */
  readonly tookMillis?: number | null
}

export const isoOf = (millis: number): string => new Date(millis).toISOString()

/** A run as everybody sees it while it has not ended. */
export const describeActive = (active: ActiveRun): JobRun => ({
  run: active.run,
  namespace: active.of.namespace,
  id: active.of.id,
  slot: active.slot === null ? null : isoOf(active.slot),
  cause: active.cause,
  state: active.startedAt === null ? "queued" : "running",
  slots: 1,
  attempts: active.startedAt === null ? 0 : 1,
  decidedAt: active.decidedAt,
  startedAt: active.startedAt,
  endedAt: null,
  durationMillis: null,
  exitCode: null,
  output: null,
  error: null,
  session: active.session
})
