/**
 * The instants at which an expression is due. What Vixie's cron does when clocks change:
 *
 * - A job whose minute or hour begins with `*` follows the clock: it is due in both of two hours that are the same, and
 *   not in one that is left out.
 * - Any other is due at the end of a gap that swallowed one of its times, once for all of them, and only in the first
 *   of two hours that are the same.
 * - A change of more than three hours is a correction, not summer: then what the clock says counts and nothing else.
 */
import type { Expression } from "./expression.ts"
import { nextLocal } from "./fields.ts"
import type { Zone } from "./zone.ts"

const CORRECTION_MILLIS = 3 * 3_600_000

/** No change moves clocks further, so that beyond it local time is never the same again. */
const REACH_MILLIS = 27 * 3_600_000

/** The local time up to which clocks are showing what they have shown before. */
const repeatedUntil = (zone: Zone, instant: number): number => {
  const change = zone.changeBetween(instant - CORRECTION_MILLIS, instant)
  if (change === undefined) return -Infinity
  const before = zone.offsetAt(change - 1)
  const back = before - zone.offsetAt(change)
  return back > 0 && back <= CORRECTION_MILLIS ? change + before : -Infinity
}

/** The first slot after `after`; undefined when there is none that a date can say. */
export const nextSlot = ({ fields, isFixed }: Expression, zone: Zone, after: number): number | undefined => {
  let from = Math.floor(after) + 1
  for (;;) {
    const offset = zone.offsetAt(from)
    const start = isFixed ? Math.max(from + offset, repeatedUntil(zone, from)) : from + offset
    const local = nextLocal(fields, start - 1)
    if (local === undefined) return undefined
    const slot = local - offset
    const reach = from + REACH_MILLIS
    const change = zone.changeBetween(from, Math.min(slot, reach))
    if (change === undefined) {
      if (slot <= reach) return slot
      // Nothing fits in between, whatever clocks do there.
      from = slot - REACH_MILLIS
      continue
    }
    const after = zone.offsetAt(change)
    const gap = after - offset
    if (isFixed && gap > 0 && gap <= CORRECTION_MILLIS && local < change + after) return change
    from = change
  }
}

/** The last slot after `after`, up to `through`; undefined when there is none. By halves: there may be millions. */
export const latestSlot = (expression: Expression, zone: Zone, after: number, through: number): number | undefined => {
  let latest = nextSlot(expression, zone, after)
  if (latest === undefined || latest > through) return undefined
  let empty = through
  while (empty - latest >= 1000) {
    const middle = latest + Math.floor((empty - latest) / 2)
    const later = nextSlot(expression, zone, middle)
    if (later !== undefined && later <= through) latest = later
    else empty = middle
  }
  return latest
}

/** How many slots there are after `after`, up to `through`; no more than `most` are counted. */
export const countSlots = (
  expression: Expression,
  zone: Zone,
  after: number,
  through: number,
  most: number
): number => {
  let count = 0
  let slot = nextSlot(expression, zone, after)
  while (count < most && slot !== undefined && slot <= through) {
    count++
    slot = nextSlot(expression, zone, slot)
  }
  return count
}
