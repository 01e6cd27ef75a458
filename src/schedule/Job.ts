/** A job as the daemon has it in memory. */
import { Result } from "effect"
import { type Expression, parseExpression } from "../cron/expression.ts"
import { machineZone, type Zone, zoneOf } from "../cron/zone.ts"
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

export class Job implements Timing {
  readonly definition: Definition
  readonly expression: Expression
  readonly zone: Zone
  standing: Standing
  /** The next slot and when it begins; undefined while it is paused, and when there is none any more. */
  next: { readonly slot: number; readonly at: number } | undefined
  /** Runs that have begun, or are about to. */
  running = 0
  /** Runs that wait for one of those to end, or for a place; undefined for none, as most jobs have. */
  queued: Array<ActiveRun> | undefined
  /** The newest entry of its history, as long as it is of skipped slots: more are counted there. */
  skipped: number | undefined

  constructor(definition: Definition, standing: Standing, expression: Expression, zone: Zone) {
    this.definition = definition
    this.standing = standing
    this.expression = expression
    this.zone = zone
    this.plan()
  }

  get namespace() {
    return this.definition.namespace
  }
  get id() {
    return this.definition.id
  }
  get jitterMillis() {
    return this.definition.jitterMillis
  }
  get missed() {
    return this.definition.missed
  }

  /** Looks for its next slot anew. */
  plan(): void {
    this.next = this.standing.paused ? undefined : planNext(this, this.standing.progress)
  }
}

export const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`

/** A job of these parts, or why they are none: the expression or the zone is not understood (any more). */
export const makeJob = (
  definition: Definition,
  standing: Standing
): Result.Result<Job, { readonly part: "cron" | "timeZone"; readonly reason: string }> => {
  const expression = parseExpression(definition.cron)
  if (Result.isFailure(expression)) return Result.fail({ part: "cron", reason: expression.failure })
  const zone = definition.timeZone === null ? Result.succeed(machineZone()) : zoneOf(definition.timeZone)
  if (Result.isFailure(zone)) return Result.fail({ part: "timeZone", reason: zone.failure })
  return Result.succeed(new Job(definition, standing, expression.success, zone.success))
}

/** As everybody sees it. */
export const describe = ({ definition, next, queued, running, standing }: Job): JobInfo => {
  const { work, ...rest } = definition
  return {
    ...rest,
    ...work,
    paused: standing.paused,
    nextAt: next === undefined ? null : new Date(next.slot).toISOString(),
    running,
    queued: queued?.length ?? 0,
    runCount: standing.runCount,
    lastRun: standing.lastRun
  }
}
