/** The offset of a time zone from UTC and the instants at which it changes. By `Intl`: there is no Temporal in Node 24. */
import { Result } from "effect"
import { nearest } from "../config/nearest.ts"
import { DAY_MILLIS } from "./fields.ts"

/** Days whose offset is remembered, of each zone. */
const REMEMBERED_DAYS = 8192

/** A time zone. Assumes what has been true everywhere since 1970: that an offset doesn't change twice in one day. */
export class Zone {
  /** As it is written best: `Europe/Berlin`, `+05:30`. */
  readonly name: string
  readonly #format: Intl.DateTimeFormat
  /** Null: of a zone that does change. */
  readonly #fixed: number | null
  /** The offset at the beginning of a day of UTC. */
  readonly #days = new Map<number, number>()
  /** Within these days it changes. */
  readonly #changes = new Map<number, number>()

  constructor(name: string) {
    this.#format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset", year: "numeric" })
    this.name = this.#format.resolvedOptions().timeZone
    this.#fixed = /^(?:UTC|Etc\/.*|[-+].*)$/.test(this.name) ? this.#ask(0) : null
  }

  /** How many milliseconds its clocks are ahead of UTC. */
  offsetAt(instant: number): number {
    if (this.#fixed !== null) return this.#fixed
    const day = Math.floor(instant / DAY_MILLIS)
    const change = this.#changeOf(day)
    return this.#dayOffset(change === undefined || instant < change ? day : day + 1)
  }

  /** The first instant after `from`, up to `through`, from which on the offset is another one. */
  changeBetween(from: number, through: number): number | undefined {
    if (this.#fixed !== null) return undefined
    const last = Math.floor(through / DAY_MILLIS)
    for (let day = Math.floor(from / DAY_MILLIS); day <= last; day++) {
      const change = this.#changeOf(day)
      if (change !== undefined && change > from) return change <= through ? change : undefined
    }
    return undefined
  }

  #changeOf(day: number): number | undefined {
    const before = this.#dayOffset(day)
    if (before === this.#dayOffset(day + 1)) return undefined
    let change = this.#changes.get(day)
    if (change === undefined) {
      let low = day * DAY_MILLIS
      let high = low + DAY_MILLIS
      while (high - low > 1000) {
        const middle = low + Math.floor((high - low) / 2000) * 1000
        if (this.#ask(middle) === before) low = middle
        else high = middle
      }
      change = high
      this.#changes.set(day, change)
    }
    return change
  }

  #dayOffset(day: number): number {
    let offset = this.#days.get(day)
    if (offset === undefined) {
      if (this.#days.size >= REMEMBERED_DAYS) {
        this.#days.clear()
        this.#changes.clear()
      }
      offset = this.#ask(day * DAY_MILLIS)
      this.#days.set(day, offset)
    }
    return offset
  }

  #ask(instant: number): number {
    // "2026, GMT+05:30"; seconds only before there were standard times.
    const [, sign, hours = "0", minutes = "0", seconds = "0"] =
      /GMT(?:([-+])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(this.#format.format(clamp(instant))) ?? []
    const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
    return sign === "-" ? -offset : offset
  }
}

const clamp = (instant: number): number => Math.max(-8.64e15, Math.min(8.64e15, instant))

/** By the names that were asked for, which may differ in case. */
const zones = new Map<string, Zone>()
const MOST_ZONES = 1024
/** Of all zones, once a name has been none. */
let names: ReadonlyArray<string> | undefined

/** The zone of this name, in whatever case; or a sentence that says why there is none. */
export const zoneOf = (name: string): Result.Result<Zone, string> => {
  const known = zones.get(name)
  if (known !== undefined) return Result.succeed(known)
  try {
    const zone = new Zone(name)
    if (zones.size >= MOST_ZONES) zones.clear()
    zones.set(name, zone)
    return Result.succeed(zone)
  } catch {
    const likely = name === "" ? undefined : nearest(name, (names ??= Intl.supportedValuesOf("timeZone")))
    const hint =
      likely === undefined ? 'They are called as in "Europe/Berlin", "UTC" or "+05:30".' : `Did you mean "${likely}"?`
    return Result.fail(`There is no time zone ${JSON.stringify(name.slice(0, 64))}. ${hint}`)
  }
}

let machine: Zone | undefined

/** The zone of this machine, as this process found it when it first asked. */
export const machineZone = (): Zone =>
  (machine ??= Result.getOrElse(zoneOf(new Intl.DateTimeFormat().resolvedOptions().timeZone), () => new Zone("UTC")))
