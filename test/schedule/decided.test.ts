import * as fc from "fast-check"
import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { parseExpression } from "../../src/cron/expression.ts"
import { nextSlot } from "../../src/cron/slots.ts"
import { zoneOf } from "../../src/cron/zone.ts"
import { decide, type Decided, latestOpen, nextOpen } from "../../src/schedule/decided.ts"
import { decideDue } from "../../src/schedule/decideDue.ts"
import { jitterOf } from "../../src/schedule/jitter.ts"
import { decideOverlap } from "../../src/schedule/overlap.ts"
import { retryPause } from "../../src/schedule/attempt.ts"
import { Duration } from "effect"

const utc = Result.getOrThrow(zoneOf("UTC"))
const every = (text: string) => Result.getOrThrow(parseExpression(text))
const minutely = every("* * * * *")
const MINUTE = 60_000

describe("decided slots", () => {
  it("are those that were decided, whatever their order, as long as there are few stretches", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(14), { maxLength: 40 }), (minutes) => {
        let decided: Decided = []
        for (const minute of minutes) decided = decide(minutely, utc, decided, minute * MINUTE)
        const wanted = new Set(minutes)
        for (let minute = 0; minute < 15; minute++) {
          const next = nextOpen(minutely, utc, minute * MINUTE - 1, decided)
          let expected = minute
          while (wanted.has(expected)) expected++
          assert.strictEqual(next, expected * MINUTE)
          const latest = latestOpen(minutely, utc, -1, minute * MINUTE, decided)
          expected = minute
          while (wanted.has(expected)) expected--
          assert.strictEqual(latest, expected < 0 ? undefined : expected * MINUTE)
        }
      })
    )
  })

  it("are never open again, however many stretches there are, and take bounded room", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(500), { maxLength: 200 }), (minutes) => {
        let decided: Decided = []
        for (const minute of minutes) decided = decide(minutely, utc, decided, minute * MINUTE)
        assert.isAtMost(decided.length, 16)
        for (const minute of minutes) {
          assert.notStrictEqual(nextOpen(minutely, utc, minute * MINUTE - 1, decided), minute * MINUTE)
        }
      })
    )
  })

  it("of a whole day in order are one stretch", () => {
    let decided: Decided = []
    let slot = 0
    for (let count = 0; count < 1440; count++)
      decided = decide(minutely, utc, decided, (slot = nextSlot(minutely, utc, slot)!))
    assert.deepStrictEqual(decided, [MINUTE, 1440 * MINUTE])
  })
})

describe("what is due", () => {
  const timing = {
    namespace: "default",
    id: "a",
    expression: minutely,
    zone: utc,
    jitterMillis: 0,
    missed: "once" as const
  }
  const progress = { decided: [], since: 0 }

  it("is the last of several slots that have passed; a month of seconds is no work", () => {
    const month = 30 * 1440 * MINUTE
    const due = decideDue({ ...timing, expression: every("* * * * * *") }, progress, 1000, month + 500, MINUTE)
    assert.deepStrictEqual(due.run, { slot: month, cause: "slot" })
    assert.deepStrictEqual(due.missed, { first: 1000, slots: 1000 })
    assert.strictEqual(due.progress.since, month)
  })

  it("is late from the grace on, and not before", () => {
    const late = (now: number) =>
      decideDue({ ...timing, expression: every("0 * * * *") }, progress, 60 * MINUTE, now, MINUTE)
    assert.strictEqual(late(61 * MINUTE).run?.cause, "slot")
    assert.strictEqual(late(61 * MINUTE + 1).run?.cause, "catch-up")
  })

  it("spreads over all of the jitter, evenly, and the same each time", () => {
    const jitters = Array.from({ length: 1000 }, (_, slot) => jitterOf("default", "a", slot, 1000))
    assert.deepStrictEqual(
      jitters,
      Array.from({ length: 1000 }, (_, slot) => jitterOf("default", "a", slot, 1000))
    )
    assert.isTrue(jitters.every((jitter) => jitter >= 0 && jitter < 1000))
    for (let part = 0; part < 4; part++) {
      assert.isAbove(jitters.filter((jitter) => Math.floor(jitter / 250) === part).length, 180)
    }
    assert.strictEqual(jitterOf("default", "a", 5, 0), 0)
  })

  it("with a jitter longer than its interval loses no slot", () => {
    const jittery = { ...timing, jitterMillis: 10 * MINUTE }
    const due = decideDue(jittery, progress, MINUTE, MINUTE + jitterOf("default", "a", MINUTE, 10 * MINUTE), MINUTE)
    assert.deepStrictEqual(due.run, { slot: MINUTE, cause: "slot" })
    assert.isUndefined(due.missed)
  })
})

describe("overlaps", () => {
  const limits = { queueCount: 2, overlapCount: 3 }
  it("begin where nothing runs or waits", () => {
    for (const overlap of ["skip", "queue", "allow"] as const) {
      assert.strictEqual(decideOverlap(overlap, { running: 0, queued: 0 }, limits), "start")
    }
  })
  it("are skipped, queued up to a limit, or allowed up to one", () => {
    assert.strictEqual(decideOverlap("skip", { running: 0, queued: 1 }, limits), "skip")
    assert.strictEqual(decideOverlap("queue", { running: 1, queued: 1 }, limits), "queue")
    assert.strictEqual(decideOverlap("queue", { running: 1, queued: 2 }, limits), "skip")
    assert.strictEqual(decideOverlap("allow", { running: 2, queued: 0 }, limits), "start")
    assert.strictEqual(decideOverlap("allow", { running: 2, queued: 1 }, limits), "skip")
  })
  it("a pause before another attempt grows, up to five minutes", () => {
    assert.deepStrictEqual(
      [1, 2, 3, 9, 10, 100].map((attempts) => Duration.toMillis(retryPause(attempts))),
      [1000, 2000, 4000, 256_000, 300_000, 300_000]
    )
  })
})
