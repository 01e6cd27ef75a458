import { Cron } from "croner"
import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parseExpression } from "../../src/cron/expression.ts"
import { nextSlot } from "../../src/cron/slots.ts"
import { zoneOf } from "../../src/cron/zone.ts"
import { randomExpression, randomOf, whole } from "./random.ts"

const RUNS = 1000
const SEED = Number(process.env["HOB_CRON_SEED"] ?? Date.now() % 1_000_000_007)

/** croner takes both days for either one where a star with a step is one of them; Vixie's cron, and hob, do not. */
const meansAnother = (text: string): boolean => {
  const [days, , weekdays] = text.split(" ").slice(-3) as [string, string, string]
  return days !== "*" && weekdays !== "*" && (days.startsWith("*") || weekdays.startsWith("*"))
}

const next = (text: string, zone: string, from: number): string | undefined => {
  const expression = Result.getOrThrowWith(parseExpression(text), (why) => new Error(`${text}: ${why}`))
  const slot = nextSlot(expression, Result.getOrThrow(zoneOf(zone)), from)
  return slot === undefined ? undefined : new Date(slot).toISOString()
}

const theirs = (text: string, zone: string, from: number): string | undefined =>
  new Cron(text, { timezone: zone, paused: true }).nextRun(new Date(from))?.toISOString()

describe("croner agrees", () => {
  it(`about ${RUNS} random expressions in UTC`, () => {
    const random = randomOf(SEED)
    for (let run = 0; run < RUNS; run++) {
      const text = randomExpression(random, run % 4 === 0)
      // What it calls a step on a number is none to croner.
      if (meansAnother(text) || /(?:^|[\s,])\d+\//.test(text) || Result.isFailure(parseExpression(text))) continue
      const from = whole(random, Date.UTC(2000, 0), Date.UTC(2040, 0))
      assert.strictEqual(next(text, "UTC", from), theirs(text, "UTC", from), `seed ${SEED}: ${text} after ${from}`)
    }
  })

  const patterns = [
    "* * * * *",
    "0 0 1 1 *",
    "*/5 9-17 * * mon-fri",
    "0 0 29 2 *",
    "0 12 * * sun,WED",
    "15,45 */2 1-7 jan,jul *",
    "0 0 * * 5-7",
    "0 0 13 * 5",
    "10-20/5 8 * * *",
    "30 0 0 * * *",
    "@hourly",
    "@daily",
    "@weekly",
    "@monthly",
    "@yearly"
  ]
  for (const text of patterns) {
    it(`about ${text}, in zones with summers and without`, () => {
      for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]) {
        for (const from of ["2026-01-15T10:20:30Z", "2026-06-15T23:59:59Z", "2027-02-28T12:00:00Z"]) {
          const at = Date.parse(from)
          assert.strictEqual(next(text, zone, at), theirs(text, zone, at), `${zone} after ${from}`)
        }
      }
    })
  }
})
