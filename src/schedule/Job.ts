/** A job as the daemon has it in memory. */
import { Result } from "effect"
import { parseExpression } from "../cron/expression.ts"
import { machineZone, zoneOf } from "../cron/zone.ts"
import type { Namespace } from "../protocol/namespaces.ts"
import type { Job as JobInfo, Guarantee, JobId, JobNumber, Missed, Overlap } from "../protocol/schedule.ts"
import { type Progress, planNext, type Timing } from "./decideDue.ts"
import type { Work } from "./work.ts"
import type { ActiveRun } from "./ActiveRun.ts"

/** What was asked for, and stays. */
export interface Definition {
  /** Of this very job: one that replaces it has another. */
  readonly number: JobNumber
  readonly namespace: Namespace
  readonly id: JobId
  readonly cron: string
  readonly timeZone: string | null
  readonly work: Work
  readonly missed: Missed
  readonly overlap: Overlap
  readonly guarantee: Guarantee
  readonly timeoutMillis: number | null
  readonly retries: number
  readonly jitterMillis: number
  readonly createdAt: string
  readonly createdBy: string | null
}

/** How far it has got: what a later daemon has to know. */
export interface Standing {
  readonly progress: Progress
  readonly paused: boolean
  /** Runs that have succeeded. */
  readonly runCount: number
  readonly lastRun: JobInfo["lastRun"]
}

export class Job {
  readonly definition: Definition
  /** When it is due; undefined where that can't be told any more. */
  readonly timing: Timing | undefined
  /** Why it can't. */
  readonly problem: string | undefined
  standing: Standing
  /** The next slot and when it begins; undefined while it is paused, and when there is none any more. */
  next: { readonly slot: number; readonly at: number } | undefined
  /** Runs that have begun, or are about to. */
  running = 0
  /** Runs that wait for one of those to end, or for a place; undefined for none, as most jobs have. */
  queued: Array<ActiveRun> | undefined
  /** The newest entry of its history, as long as it is of skipped slots: more are counted there. */
  skipped: number | undefined

  constructor(definition: Definition, standing: Standing, timing: Timing | string) {
    this.definition = definition
    this.standing = standing
    if (typeof timing === "string") this.problem = timing
    else this.timing = timing
    this.plan()
  }

  get namespace() {
    return this.definition.namespace
  }
  get id() {
    return this.definition.id
  }

  /** Looks for its next slot anew. */
  plan(): void {
    const { paused, progress } = this.standing
    this.next = paused || this.timing === undefined ? undefined : planNext(this.timing, progress)
  }
}

export const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`

/** A job of these parts, or why they are none: the expression or the zone is not understood. */
export const makeJob = (
  definition: Definition,
  standing: Standing
): Result.Result<Job, { readonly part: "cron" | "timeZone"; readonly reason: string }> => {
  const expression = parseExpression(definition.cron)
  if (Result.isFailure(expression)) return Result.fail({ part: "cron", reason: expression.failure })
  const zone = definition.timeZone === null ? Result.succeed(machineZone()) : zoneOf(definition.timeZone)
  if (Result.isFailure(zone)) return Result.fail({ part: "timeZone", reason: zone.failure })
  const { id, jitterMillis, missed, namespace } = definition
  const timing = { namespace, id, jitterMillis, missed, expression: expression.success, zone: zone.success }
  return Result.succeed(new Job(definition, standing, timing))
}

/** As it lies in the store: what another release, or a machine with other time zones, has understood stays a job. */
export const storedJob = (definition: Definition, standing: Standing): Job =>
  Result.getOrElse(makeJob(definition, standing), ({ reason }) => new Job(definition, standing, reason))

/** As everybody sees it. */
export const describe = ({ definition, next, problem, queued, running, standing }: Job): JobInfo => {
  const { work, ...rest } = definition
  return {
    ...rest,
    ...work,
    paused: standing.paused,
    nextAt: next === undefined ? null : new Date(next.slot).toISOString(),
    running,
    queued: queued?.length ?? 0,
    ...(problem === undefined ? {} : { problem }),
    runCount: standing.runCount,
    lastRun: standing.lastRun
  }
}
