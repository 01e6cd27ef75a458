import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import type { Answer } from "../../src/locks/Table.ts"
import { Subject } from "./history.ts"
import { holder, name, namespace } from "./support.ts"

/** `HOB_LOCK_RUNS=10000 vitest run test/locks/fifo.test.ts` for as long as you like. */
const RUNS = Number(process.env["HOB_LOCK_RUNS"] ?? 200)

const where = { namespace: namespace("default"), name: name("x") }

/** How somebody waits: until when, and whether they leave, or their connection does, before they have it. */
const waiter = fc.record({
  /** Between their coming and the next one's. */
  after: fc.nat(3),
  waits: fc.oneof({ weight: 2, arbitrary: fc.constant(1_000_000) }, fc.integer({ min: 1, max: 2000 })),
  holds: fc.integer({ min: 1, max: 30 }),
  /** Gives it back, lets it expire, or loses the connection it is bound to. */
  ends: fc.constantFrom("release", "expire", "disconnect"),
  leaves: fc.option(fc.nat(3000), { nil: undefined, freq: 4 })
})

type Waiter = typeof waiter extends fc.Arbitrary<infer A> ? A : never

/** One lock and all who wait for it, with the clock set forward to whatever comes next. */
const run = (waiters: ReadonlyArray<Waiter>): void => {
  const subject = new Subject()
  const come = new Set<number>()
  const granted: Array<number> = []
  /** Who has left or was turned away. */
  const gone = new Set<number>()
  let plan: Array<{ readonly at: number; readonly act: () => void }> = []
  const later = (millis: number, act: () => void) => void plan.push({ at: subject.now + millis, act })

  const end = (index: number) => {
    if (waiters[index]!.ends === "disconnect") subject.table.disconnect(index)
    if (waiters[index]!.ends !== "release") return
    const id = subject.table.newId()
    const happening = { type: "release", id, holder: holder(`h${index}`), token: undefined } as const
    subject.table.ask({ ...where, happening }, id, () => {})
  }
  const acquire = (index: number) => {
    const { ends, holds, leaves, waits } = waiters[index]!
    const id = subject.table.newId()
    const isBound = ends === "disconnect"
    const happening = {
      type: "acquire",
      id,
      holder: holder(`h${index}`),
      ttlMillis: ends === "expire" ? holds : 1_000_000,
      waitMillis: waits,
      bind: isBound ? "connection" : "lease",
      client: isBound ? index : undefined,
      secretHash: isBound ? `hash ${index}` : undefined
    } as const
    come.add(index)
    const since = subject.now
    subject.table.ask({ ...where, happening }, id, (answer: Answer) => {
      assert.isFalse(gone.has(index), `${index} is answered though it has left`)
      if (answer.type === "granted") {
        granted.push(index)
        later(holds, () => end(index))
      } else {
        assert.isAtLeast(subject.now, since + waits, `${index} is turned away before its time`)
        gone.add(index)
      }
    })
    if (leaves === undefined) return
    later(leaves, () => {
      if (granted.includes(index) || gone.has(index)) return
      gone.add(index)
      subject.table.leave(where, id)
    })
  }

  let at = 0
  for (const [index, { after }] of waiters.entries()) later((at += after), () => acquire(index))
  for (;;) {
    const next = subject.table.expire() ?? Infinity
    while (subject.submitted.length > 0) subject.commit()
    const isFree = [...subject.table.list()].length === 0
    if (isFree) assert.strictEqual(granted.length + gone.size, come.size, "somebody waits for a free lock")
    if (plan.length === 0 && isFree) break
    subject.now = Math.max(subject.now, Math.min(next, ...plan.map((each) => each.at)))
    const due = plan.filter((each) => each.at <= subject.now)
    plan = plan.filter((each) => each.at > subject.now)
    for (const { act } of due.sort((a, b) => a.at - b.at)) act()
  }
  assert.deepStrictEqual(
    granted,
    granted.toSorted((a, b) => a - b)
  )
  assert.strictEqual(granted.length + gone.size, waiters.length)
  subject.close()
}

describe("those who wait for a lock", () => {
  it("have it in the order of coming, however it ends and whoever leaves, and nobody waits for a free one", () => {
    fc.assert(fc.property(fc.array(waiter, { maxLength: 60, size: "max" }), run), { numRuns: RUNS })
  }, 3_600_000)
})
