/** What is to be done about a job whose time has come, or has passed. Pure. */
import type { Expression } from "../cron/expression.ts"
import { countSlots } from "../cron/slots.ts"
import type { Zone } from "../cron/zone.ts"
import type { Missed } from "../protocol/schedule.ts"
import { decide, type Decided, latestOpen, nextOpen } from "./decided.ts"
import { jitterOf } from "./jitter.ts"

/** When a job is due. */
export interface Timing {
  readonly namespace: string
  readonly id: string
  readonly expression: Expression
  readonly zone: Zone
  readonly jitterMillis: number
  readonly missed: Missed
}

/** How far a job has got. */
export interface Progress {
  readonly decided: Decided
  /** Slots after this instant are to be looked at. */
  readonly since: number
}

/** More missed slots than these are not counted. */
export const MOST_MISSED = 1000

/** Slots without a run: the first of them and how many. */
export interface MissedSlots {
  readonly first: number
  readonly slots: number
}

export interface Due {
  readonly progress: Progress
  readonly run: { readonly slot: number; readonly cause: "slot" | "catch-up" } | undefined
  readonly missed: MissedSlots | undefined
}

/** The next slot and when it begins; undefined when there is none any more. */
export const planNext = (timing: Timing, { decided, since }: Progress) => {
  const slot = nextOpen(timing.expression, timing.zone, since, decided)
  return slot === undefined
    ? undefined
    : { slot, at: slot + jitterOf(timing.namespace, timing.id, slot, timing.jitterMillis) }
}

/**
 * Decides a job whose slot `slot` is due at `now`. Of several that have passed the last one counts, and the others are
 * missed. One that is later than `graceMillis` is missed too, and made up for if the job wants that.
 */
export const decideDue = (
  timing: Timing,
  { decided, since }: Progress,
  slot: number,
  now: number,
  graceMillis: number
): Due => {
  const { expression, id, jitterMillis, namespace, zone } = timing
  // Later ones may not have begun yet, by their jitter.
  const latest = latestOpen(expression, zone, slot - 1, now - jitterMillis, decided) ?? slot
  const late = now - latest - jitterOf(namespace, id, latest, jitterMillis)
  const before = latest === slot ? 0 : countSlots(expression, zone, slot - 1, latest - 1, MOST_MISSED)
  const progress = { decided: decide(expression, zone, decided, latest), since: Math.max(since, latest) }
  if (late > graceMillis && timing.missed === "skip") {
    return { progress, run: undefined, missed: { first: slot, slots: before + 1 } }
  }
  const run = { slot: latest, cause: late > graceMillis ? ("catch-up" as const) : ("slot" as const) }
  return { progress, run, missed: before === 0 ? undefined : { first: slot, slots: before } }
}

/** The clock was set back: what lies ahead again is looked at again. */
export const setBack = (progress: Progress, now: number): Progress =>
  progress.since > now ? { ...progress, since: now } : progress
