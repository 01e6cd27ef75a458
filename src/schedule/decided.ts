/**
 * Which slots of a job are decided: run, skipped or missed, once and for all. As stretches of slots without a hole, so
 * that a clock may be set back and forth: no slot is run twice, and none is left out that was not decided.
 */
import type { Expression } from "../cron/expression.ts"
import { latestSlot, nextSlot } from "../cron/slots.ts"
import type { Zone } from "../cron/zone.ts"

/** The first and the last slot of each stretch, in order: `[from, to, from, to]`. */
export type Decided = ReadonlyArray<number>

/** When there are more, the two oldest are taken for one: what lies between counts as decided. */
const MOST_STRETCHES = 8

/** The end of the stretch that an instant is in. */
const endOfStretch = (decided: Decided, slot: number): number | undefined => {
  for (let index = decided.length - 2; index >= 0; index -= 2) {
    if (decided[index]! <= slot) return slot <= decided[index + 1]! ? decided[index + 1] : undefined
  }
  return undefined
}

const startOfStretch = (decided: Decided, slot: number): number | undefined => {
  for (let index = decided.length - 2; index >= 0; index -= 2) {
    if (decided[index]! <= slot) return slot <= decided[index + 1]! ? decided[index] : undefined
  }
  return undefined
}

/** The first slot after `after` that is not decided. */
export const nextOpen = (expression: Expression, zone: Zone, after: number, decided: Decided): number | undefined => {
  let slot = nextSlot(expression, zone, after)
  while (slot !== undefined) {
    const end = endOfStretch(decided, slot)
    if (end === undefined) return slot
    slot = nextSlot(expression, zone, end)
  }
  return undefined
}

/** The last slot after `after`, up to `through`, that is not decided. */
export const latestOpen = (
  expression: Expression,
  zone: Zone,
  after: number,
  through: number,
  decided: Decided
): number | undefined => {
  let slot = latestSlot(expression, zone, after, through)
  while (slot !== undefined) {
    const start = startOfStretch(decided, slot)
    if (start === undefined) return slot
    slot = latestSlot(expression, zone, after, start - 1)
  }
  return undefined
}

/** With one more slot. */
export const decide = (expression: Expression, zone: Zone, decided: Decided, slot: number): Decided => {
  const last = decided.length - 1
  // As nearly always: the one after the last.
  if (last === 1 && slot > decided[1]! && nextSlot(expression, zone, decided[1]!) === slot) return [decided[0]!, slot]
  const stretches: Array<number> = []
  let [from, to] = [slot, slot]
  for (let index = 0; index < decided.length; index += 2) {
    const [start, end] = [decided[index]!, decided[index + 1]!]
    if (start <= slot && slot <= end) return decided
    const joins = end < slot ? nextSlot(expression, zone, end) === slot : nextSlot(expression, zone, slot) === start
    if (!joins) stretches.push(start, end)
    else {
      from = Math.min(from, start)
      to = Math.max(to, end)
    }
  }
  const at = stretches.findIndex((start, index) => index % 2 === 0 && start > to)
  stretches.splice(at === -1 ? stretches.length : at, 0, from, to)
  while (stretches.length > 2 * MOST_STRETCHES) stretches.splice(1, 2)
  return stretches
}
