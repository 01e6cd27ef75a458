/**
 * What an expression lets through, on a clock that never changes: pure arithmetic on local time, in milliseconds as if
 * it were UTC.
 */

const SECOND = 1000
const DAY_SECONDS = 86_400
export const DAY_MILLIS = DAY_SECONDS * SECOND

/** The 29th of February is on a given day of the week every 28 years, and once 40 years later around 2100. */
const LONGEST_SEARCH_MONTHS = 45 * 12

/** Values 0 to 59 as bits: 30 in each number. */
export interface Bits {
  readonly low: number
  readonly high: number
}

/** The fields of an expression. Days of the month and of the week are null where any will do. */
export interface Fields {
  readonly seconds: Bits
  readonly minutes: Bits
  readonly hours: number
  /** Bit 1 is the first of the month. */
  readonly days: number | null
  /** Bit 1 is January. */
  readonly months: number
  /** Bit 0 is Sunday. */
  readonly weekdays: number | null
  /** Both days have to fit, since one of them begins with `*`; otherwise, where both are restricted, either. */
  readonly and: boolean
}

export const bitsOf = (values: Iterable<number>): Bits => {
  let low = 0
  let high = 0
  for (const value of values) {
    if (value < 30) low |= 1 << value
    else high |= 1 << (value - 30)
  }
  return { low, high }
}

export const maskOf = (values: Iterable<number>): number => {
  let mask = 0
  for (const value of values) mask |= 1 << value
  return mask
}

const lowest = (mask: number): number => 31 - Math.clz32(mask & -mask)

/** The least value from `from` on; -1 when there is none. */
const inMask = (mask: number, from: number): number => {
  const rest = from > 31 ? 0 : (mask >>> from) << from
  return rest === 0 ? -1 : lowest(rest)
}

const inBits = ({ high, low }: Bits, from: number): number => {
  if (from < 30) {
    const found = inMask(low, from)
    if (found !== -1) return found
  }
  const found = inMask(high, Math.max(0, from - 30))
  return found === -1 ? -1 : found + 30
}

/** The second of the day from `second` on that fits; -1 when none of this day does. */
const timeFrom = ({ hours, minutes, seconds }: Fields, second: number): number => {
  const hour = Math.floor(second / 3600)
  const minute = Math.floor(second / 60) % 60
  if (inMask(hours, hour) === hour) {
    if (inBits(minutes, minute) === minute) {
      const found = inBits(seconds, second % 60)
      if (found !== -1) return hour * 3600 + minute * 60 + found
    }
    const later = inBits(minutes, minute + 1)
    if (later !== -1) return hour * 3600 + later * 60 + inBits(seconds, 0)
  }
  const later = inMask(hours, hour + 1)
  return later === -1 ? -1 : later * 3600 + inBits(minutes, 0) * 60 + inBits(seconds, 0)
}

const dayFits = ({ and, days, weekdays }: Fields, day: number, weekday: number): boolean => {
  if (days === null) return weekdays === null || (weekdays & (1 << weekday)) !== 0
  const byDay = (days & (1 << day)) !== 0
  if (weekdays === null) return byDay
  const byWeekday = (weekdays & (1 << weekday)) !== 0
  return and ? byDay && byWeekday : byDay || byWeekday
}

/** The first day from `from` on that fits, counted from 1970-01-01; -1 when there is none. */
const dayFrom = (fields: Fields, from: number): number => {
  const start = new Date(from * DAY_MILLIS)
  let year = start.getUTCFullYear()
  let month = start.getUTCMonth()
  let first = start.getUTCDate()
  for (let searched = 0; searched < LONGEST_SEARCH_MONTHS; searched++) {
    if ((fields.months & (1 << (month + 1))) !== 0) {
      const before = new Date(0).setUTCFullYear(year, month, 1) / DAY_MILLIS - 1
      const length = new Date(new Date(0).setUTCFullYear(year, month + 1, 0)).getUTCDate()
      for (let day = first; day <= length; day++) {
        // 1970-01-01 was a Thursday.
        const weekday = (((before + day + 4) % 7) + 7) % 7
        if (dayFits(fields, day, weekday)) return before + day
      }
    }
    first = 1
    month++
    if (month === 12) {
      month = 0
      year++
    }
  }
  return Number.NaN
}

/** The first local time after `after` that fits; undefined when there is none that a date can say. */
export const nextLocal = (fields: Fields, after: number): number | undefined => {
  const second = Math.floor(after / SECOND) + 1
  const today = Math.floor(second / DAY_SECONDS)
  let day = dayFrom(fields, today)
  if (day === today) {
    const time = timeFrom(fields, second - today * DAY_SECONDS)
    if (time !== -1) return (day * DAY_SECONDS + time) * SECOND
    day = dayFrom(fields, today + 1)
  }
  const found = (day * DAY_SECONDS + timeFrom(fields, 0)) * SECOND
  return Number.isNaN(new Date(found).getTime()) ? undefined : found
}

const LONGEST_MONTHS = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** Whether any day of any year fits. */
export const isPossible = ({ and, days, months, weekdays }: Fields): boolean =>
  days === null ||
  (weekdays !== null && !and) ||
  LONGEST_MONTHS.some((length, month) => {
    const day = (months & (1 << month)) === 0 ? -1 : inMask(days, 1)
    return day !== -1 && day <= length
  })
