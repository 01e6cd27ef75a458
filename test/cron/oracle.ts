/** Independent answers to when an expression is due: they look at every day, and at every minute, and know no arithmetic. */

export interface Sets {
  readonly seconds: ReadonlySet<number>
  readonly minutes: ReadonlySet<number>
  readonly hours: ReadonlySet<number>
  readonly days: ReadonlySet<number>
  readonly months: ReadonlySet<number>
  readonly weekdays: ReadonlySet<number>
  readonly and: boolean
  readonly isFixed: boolean
}

const bounds = [
  [0, 59],
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7]
] as const

const valuesOf = (field: string, [min, max]: readonly [number, number]): Set<number> => {
  const values = new Set<number>()
  for (const piece of field.split(",")) {
    const [range, step] = piece.split("/")
    const [from, to] = range === "*" ? [min, max] : range!.split("-").map(Number)
    const end = to ?? (step === undefined ? from! : max)
    for (let value = from!; value <= end; value += Number(step ?? 1)) values.add(value)
  }
  return values
}

/** Numbers only: five fields, or six. */
export const setsOf = (expression: string): Sets => {
  const fields = expression.split(" ")
  if (fields.length === 5) fields.unshift("0")
  const [seconds, minutes, hours, days, months, weekdays] = fields.map((field, at) => valuesOf(field, bounds[at]!))
  if (weekdays!.has(7)) weekdays!.add(0)
  return {
    seconds: seconds!,
    minutes: minutes!,
    hours: hours!,
    days: days!,
    months: months!,
    weekdays: weekdays!,
    and: fields[3]!.startsWith("*") || fields[5]!.startsWith("*"),
    isFixed: !fields[1]!.startsWith("*") && !fields[2]!.startsWith("*")
  }
}

export const dayMatches = (sets: Sets, day: number, month: number, weekday: number): boolean => {
  if (!sets.months.has(month)) return false
  const [byDay, byWeekday] = [sets.days.has(day), sets.weekdays.has(weekday)]
  return sets.and ? byDay && byWeekday : byDay || byWeekday
}

/** The first instant after `after` in UTC, day by day; undefined when there is none in 60 years. */
export const nextInUtc = (sets: Sets, after: number): number | undefined => {
  const sorted = (values: ReadonlySet<number>) => [...values].sort((a, b) => a - b)
  const [hours, minutes, seconds] = [sorted(sets.hours), sorted(sets.minutes), sorted(sets.seconds)]
  const start = new Date(after)
  for (let days = 0; days < 60 * 366; days++) {
    const date = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth(), start.getUTCDate() + days))
    if (!dayMatches(sets, date.getUTCDate(), date.getUTCMonth() + 1, date.getUTCDay())) continue
    for (const hour of hours) {
      for (const minute of minutes) {
        for (const second of seconds) {
          const at = date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000
          if (at > after) return at
        }
      }
    }
  }
  return undefined
}

const MINUTE = 60_000

/** What a clock shows, taken apart. */
interface Shown {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly weekday: number
}

/** What the clocks of a zone show in each minute of a stretch of time, as milliseconds as if it were UTC. */
export interface Clocks {
  readonly from: number
  readonly shown: ReadonlyArray<number>
  /** Every minute from the first that they show to the last, those that they leave out among them, taken apart. */
  readonly parts: ReadonlyArray<Shown>
  readonly first: number
}

const partsOf = (shown: number): Shown => {
  const date = new Date(shown)
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay()
  }
}

export const clocksOf = (zone: string, from: number, through: number): Clocks => {
  const format = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23"
  })
  const shown: Array<number> = []
  for (let at = from; at <= through; at += MINUTE) {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    shown.push(Date.UTC(parts["year"]!, parts["month"]! - 1, parts["day"], parts["hour"], parts["minute"]))
  }
  const [first, last] = [Math.min(...shown), Math.max(...shown)]
  const parts: Array<Shown> = []
  for (let at = first; at <= last; at += MINUTE) parts.push(partsOf(at))
  return { from, shown, parts, first }
}

const THREE_HOURS = 180 * MINUTE

const matches = (sets: Sets, { day, hour, minute, month, weekday }: Shown): boolean =>
  sets.minutes.has(minute) && sets.hours.has(hour) && dayMatches(sets, day, month, weekday)

/** Every instant of the stretch at which Vixie's cron runs an expression of five fields, minute by minute. */
export const vixie = (sets: Sets, { first, from, parts, shown }: Clocks): ReadonlyArray<number> => {
  const runs: Array<number> = []
  let showedAlreadyUntil = -Infinity
  const fits = (at: number) => matches(sets, parts[(at - first) / MINUTE]!)
  for (let index = 0; index < shown.length; index++) {
    const now = shown[index]!
    const before = shown[index - 1] ?? now - MINUTE
    const jump = now - before - MINUTE
    if (jump < 0 && -jump <= THREE_HOURS) showedAlreadyUntil = before
    let due = fits(now) && !(sets.isFixed && now <= showedAlreadyUntil)
    if (sets.isFixed && jump > 0 && jump <= THREE_HOURS) {
      for (let skipped = before + MINUTE; skipped < now; skipped += MINUTE) due ||= fits(skipped)
    }
    if (due) runs.push(from + index * MINUTE)
  }
  return runs
}
