import { Cron, Result } from "effect"
import { assert, describe, it } from "vitest"
import { type Expression, parseExpression } from "../../src/cron/expression.ts"
import { countSlots, latestSlot, nextSlot } from "../../src/cron/slots.ts"
import { type Zone, zoneOf } from "../../src/cron/zone.ts"
import { clocksOf, nextInUtc, setsOf, vixie } from "./oracle.ts"
import { expressionAbout, randomExpression, randomOf, whole } from "./random.ts"

/**
 * How many random expressions in UTC; at each of the sixteen changes a fifth of that. A whole run is
 *
 *     HOB_CRON_RUNS=100000 npx vitest run test/cron/slots.test.ts
 *
 * 100,000 in UTC and 20,000 at each change, 320,000 of those in all: 142 s, 80 of them of a processor, no difference.
 */
const RUNS = Number(process.env["HOB_CRON_RUNS"] ?? 3000)
const CHANGE_RUNS = Math.max(50, Math.ceil(RUNS / 5))
const SEED = Number(process.env["HOB_CRON_SEED"] ?? Date.now() % 1_000_000_007)

const understood = (text: string): Expression =>
  Result.getOrThrowWith(parseExpression(text), (why) => new Error(`${text}: ${why}`))
const zone = (name: string): Zone => Result.getOrThrowWith(zoneOf(name), (why) => new Error(why))
const iso = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())

/** An instant near which clocks change, of every kind there has been: by how much, and at what hour. */
const changes: ReadonlyArray<readonly [string, string]> = [
  ["America/New_York", "2026-03-08T07:00Z"],
  ["America/New_York", "2026-11-01T06:00Z"],
  ["Europe/Berlin", "2026-03-29T01:00Z"],
  ["Europe/Berlin", "2026-10-25T01:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T15:30Z"],
  ["Australia/Lord_Howe", "2026-04-04T15:00Z"],
  ["Africa/Cairo", "2026-04-23T22:00Z"],
  ["America/Havana", "2026-11-01T05:00Z"],
  ["Asia/Beirut", "2026-03-28T22:00Z"],
  ["America/Santiago", "2026-09-06T04:00Z"],
  ["Antarctica/Troll", "2026-03-29T01:00Z"],
  ["Antarctica/Troll", "2026-10-25T01:00Z"],
  ["America/St_Johns", "2026-03-08T05:30Z"],
  ["Antarctica/Casey", "2023-03-08T16:00Z"],
  ["Pacific/Apia", "2011-12-30T10:00Z"],
  ["Africa/Casablanca", "2026-03-22T02:00Z"]
]

describe("slots", () => {
  it(`${RUNS} random expressions come out in UTC as by looking at every day`, { timeout: 1_200_000 }, () => {
    const random = randomOf(SEED)
    for (let run = 0; run < RUNS; run++) {
      const text = randomExpression(random, run % 4 === 0)
      const parsed = parseExpression(text)
      const sets = setsOf(text)
      let from = whole(random, Date.UTC(2000, 0), Date.UTC(2040, 0))
      if (Result.isFailure(parsed)) {
        assert.match(parsed.failure, /never run/, `seed ${SEED}: ${text}`)
        assert.strictEqual(nextInUtc(sets, from), undefined, `seed ${SEED}: ${text}`)
        continue
      }
      for (let step = 0; step < 2; step++) {
        const slot = nextSlot(parsed.success, zone("UTC"), from)
        const message = `seed ${SEED}: ${text} after ${iso(from)}`
        assert.strictEqual(iso(slot), iso(nextInUtc(sets, from)), message)
        assert.isAbove(slot!, from, message)
        from = slot!
      }
    }
  })

  it("comes out in UTC as effect's own", () => {
    const random = randomOf(SEED + 1)
    for (let run = 0; run < Math.min(RUNS, 20_000) / 4; run++) {
      const text = randomExpression(random)
      const parsed = parseExpression(text)
      if (Result.isFailure(parsed)) continue
      const from = whole(random, Date.UTC(2000, 0), Date.UTC(2040, 0))
      const theirs = Cron.next(Cron.parseUnsafe(text, "UTC"), from).getTime()
      assert.strictEqual(iso(nextSlot(parsed.success, zone("UTC"), from)), iso(theirs), `seed ${SEED}: ${text}`)
    }
  })

  for (const [name, when] of changes) {
    it(
      `${name} at ${when}: random expressions come out as in Vixie's cron, minute by minute`,
      { timeout: 1_200_000 },
      () => {
        const random = randomOf(SEED + Date.parse(when))
        const change = Date.parse(when)
        const [from, through] = [change - 30 * 3_600_000, change + 30 * 3_600_000]
        const clocks = clocksOf(name, from, through)
        const hour = new Date(clocks.shown[30 * 60]!).getUTCHours()
        for (let run = 0; run < CHANGE_RUNS;) {
          const text = run % 4 === 0 ? randomExpression(random) : expressionAbout(random, hour)
          const parsed = parseExpression(text)
          if (Result.isFailure(parsed)) continue
          run++
          const slots: Array<number> = []
          for (let at = nextSlot(parsed.success, zone(name), from - 1); at !== undefined && at <= through;) {
            slots.push(at)
            const next = nextSlot(parsed.success, zone(name), at)
            if (next !== undefined && next <= at) assert.fail(`seed ${SEED}: ${text} does not go on after ${iso(at)}`)
            at = next
          }
          const expected = vixie(setsOf(text), clocks)
          const isSame = slots.length === expected.length && slots.every((slot, index) => slot === expected[index])
          if (!isSame) assert.deepStrictEqual(slots.map(iso), expected.map(iso), `seed ${SEED}: ${text}`)
        }
      }
    )
  }

  const table: ReadonlyArray<readonly [string, string, string, ReadonlyArray<string>]> = [
    // A time that a gap swallows: at its end.
    ["30 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:30Z"]],
    ["30 2 * * *", "Europe/Berlin", "2026-03-29T00:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
    ["30 2 * * *", "Africa/Casablanca", "2026-03-22T00:00Z", ["2026-03-22T02:00Z"]],
    ["30 0 * * *", "Africa/Cairo", "2026-04-23T12:00Z", ["2026-04-23T22:00Z"]],
    ["30 2 8 3 *", "America/New_York", "2026-01-01T00:00Z", ["2026-03-08T07:00Z", "2027-03-08T07:30Z"]],
    ["0,30 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:00Z"]],
    ["*/15 0 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:00Z"]],
    ["15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["2026-10-03T15:30Z", "2026-10-04T15:15Z"]],
    ["15,35 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["2026-10-03T15:30Z", "2026-10-03T15:35Z"]],
    ["27,33 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["2026-10-03T15:30Z", "2026-10-03T15:33Z"]],
    ["0 2 * * *", "Antarctica/Troll", "2026-03-29T00:00Z", ["2026-03-29T01:00Z"]],
    ["53 2-6 * * *", "Antarctica/Troll", "2026-03-29T00:00Z", ["2026-03-29T01:00Z", "2026-03-29T01:53Z"]],
    ["0 2-4 * * *", "Antarctica/Troll", "2026-03-29T00:00Z", ["2026-03-29T01:00Z", "2026-03-29T02:00Z"]],
    ["0 0 * * *", "America/Santiago", "2026-09-06T03:00Z", ["2026-09-06T04:00Z", "2026-09-07T03:00Z"]],
    // One that follows the clock: not in a gap.
    ["*/30 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-09T06:00Z"]],
    ["* 2 * * *", "America/New_York", "2026-03-08T00:00Z", ["2026-03-09T06:00Z"]],
    ["29 * * * *", "Australia/Lord_Howe", "2026-10-03T14:59Z", ["2026-10-03T16:29Z"]],
    // Hours that come twice: both, where the job follows the clock.
    [
      "0 * * * *",
      "America/New_York",
      "2026-11-01T04:30Z",
      ["2026-11-01T05:00Z", "2026-11-01T06:00Z", "2026-11-01T07:00Z"]
    ],
    [
      "*/30 1 * * *",
      "America/New_York",
      "2026-11-01T04:30Z",
      ["2026-11-01T05:00Z", "2026-11-01T05:30Z", "2026-11-01T06:00Z", "2026-11-01T06:30Z"]
    ],
    [
      "*/10 * * * *",
      "Australia/Lord_Howe",
      "2026-04-04T14:45Z",
      ["2026-04-04T14:50Z", "2026-04-04T15:00Z", "2026-04-04T15:10Z"]
    ],
    // And the first alone, where it is fixed.
    ["30 1 * * *", "America/New_York", "2026-11-01T04:00Z", ["2026-11-01T05:30Z", "2026-11-02T06:30Z"]],
    ["30 1 * * *", "America/New_York", "2026-11-01T06:15Z", ["2026-11-02T06:30Z"]],
    ["0 0 * * *", "America/Havana", "2026-10-31T12:00Z", ["2026-11-01T04:00Z", "2026-11-02T05:00Z"]],
    ["30 0 * * *", "Antarctica/Casey", "2023-03-08T12:00Z", ["2023-03-08T13:30Z", "2023-03-09T16:30Z"]],
    // A day that a zone left out.
    ["0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00Z", ["2012-12-29T22:00Z"]],
    // Odd offsets, and none that change.
    ["0 9 * * *", "Asia/Kathmandu", "2026-01-01T00:00Z", ["2026-01-01T03:15Z"]],
    ["0 9 * * *", "+05:30", "2026-01-01T00:00Z", ["2026-01-01T03:30Z"]],
    ["0 9 * * *", "europe/berlin", "2026-01-01T00:00Z", ["2026-01-01T08:00Z"]],
    // Either day, unless one begins with a star.
    ["0 0 13 * 5", "UTC", "2026-02-01T00:00Z", ["2026-02-06T00:00Z", "2026-02-13T00:00Z"]],
    ["0 0 */2 * 1", "UTC", "2026-02-01T00:00Z", ["2026-02-09T00:00Z", "2026-02-23T00:00Z"]],
    ["0 12 1 * *,mon", "UTC", "2026-02-02T00:00Z", ["2026-03-01T12:00Z"]],
    ["0 0 29 2 */7", "UTC", "2026-01-01T00:00Z", ["2032-02-29T00:00Z", "2060-02-29T00:00Z"]],
    ["0 0 * * FRI-SUN", "UTC", "2026-02-02T00:00Z", ["2026-02-06T00:00Z", "2026-02-07T00:00Z", "2026-02-08T00:00Z"]],
    ["@weekly", "UTC", "2026-02-02T00:00Z", ["2026-02-08T00:00Z"]],
    ["30 0 0 1 1 *", "UTC", "2026-02-02T00:00Z", ["2027-01-01T00:00:30Z"]]
  ]
  for (const [text, name, from, expected] of table) {
    it(`${text} in ${name} after ${from}`, () => {
      let at: number | undefined = Date.parse(from)
      for (const each of expected) {
        at = nextSlot(understood(text), zone(name), at!)
        assert.strictEqual(iso(at), iso(Date.parse(each)))
      }
    })
  }

  it("what it was asked about is never the answer, to the millisecond", () => {
    const every = understood("0 9 * * *")
    const nine = Date.parse("2026-01-01T09:00Z")
    assert.strictEqual(nextSlot(every, zone("UTC"), nine - 1), nine)
    assert.strictEqual(nextSlot(every, zone("UTC"), nine), nine + 86_400_000)
  })

  it("beyond what a date can say there is nothing", () => {
    assert.strictEqual(nextSlot(understood("0 9 * * *"), zone("UTC"), 8.64e15), undefined)
    assert.strictEqual(nextSlot(understood("0 9 * * *"), zone("Europe/Berlin"), 8.64e15 - 3_600_000), undefined)
  })

  it("the last slot of a long time is found as by walking through all of them", () => {
    const random = randomOf(SEED + 2)
    for (let run = 0; run < 200; run++) {
      const text = randomExpression(random)
      const parsed = parseExpression(text)
      if (Result.isFailure(parsed)) continue
      const name = ["UTC", "America/New_York", "Australia/Lord_Howe"][run % 3]!
      const from = whole(random, Date.UTC(2024, 0), Date.UTC(2026, 0))
      const through = from + whole(random, 0, 3 * 86_400_000)
      let [walked, count] = [undefined as number | undefined, 0]
      for (let at = nextSlot(parsed.success, zone(name), from); at !== undefined && at <= through; count++) {
        walked = at
        at = nextSlot(parsed.success, zone(name), at)
      }
      assert.strictEqual(
        iso(latestSlot(parsed.success, zone(name), from, through)),
        iso(walked),
        `seed ${SEED}: ${text}`
      )
      assert.strictEqual(countSlots(parsed.success, zone(name), from, through, 1e9), count, `seed ${SEED}: ${text}`)
    }
  })

  it("a year of seconds has a last one, at once", () => {
    const now = Date.parse("2026-06-01T00:00:00.500Z")
    const latest = latestSlot(understood("* * * * * *"), zone("Europe/Berlin"), now - 366 * 86_400_000, now)
    assert.strictEqual(iso(latest), "2026-06-01T00:00:00.000Z")
    assert.strictEqual(countSlots(understood("* * * * * *"), zone("UTC"), now - 366 * 86_400_000, now, 1000), 1000)
  })
})
