import { assert, describe, it } from "vitest"
import { Exit } from "effect"
import { type Answer, Table } from "../../src/locks/Table.ts"
import type { LockEvent } from "../../src/protocol/locks.ts"
import { StorageFull } from "../../src/protocol/storage.ts"
import { Subject } from "./history.ts"
import { holder, name, namespace } from "./support.ts"

const where = { namespace: namespace("default"), name: name("x") }

/** A lock that ada holds for a second, bound to connection 1, and that bob waits for. */
const contended = () => {
  const subject = new Subject()
  const answers: Record<string, Answer> = {}
  const acquire = (who: string, waitMillis = 0, client?: number) => {
    const id = subject.table.newId()
    const happening = {
      type: "acquire",
      id,
      holder: holder(who),
      ttlMillis: 1000,
      waitMillis,
      bind: client === undefined ? "lease" : "connection",
      client,
      secretHash: client === undefined ? undefined : "hash"
    } as const
    subject.table.ask({ ...where, happening }, id, (answer) => void (answers[who] = answer))
  }
  acquire("ada", 0, 1)
  acquire("bob", 5000)
  subject.commit()
  const held = () => Array.from(subject.table.list(), ({ grant }) => grant.holder)
  const tokens = () => subject.stored()
  return { subject, answers, acquire, held, tokens }
}

describe("a store that can't be written", () => {
  it("changes nothing for who asks, and says why", () => {
    const { acquire, answers, held, subject, tokens } = contended()
    acquire("eve")
    acquire("ada")
    subject.commit("full")
    for (const who of ["eve", "ada"]) assert.deepInclude(answers[who], { type: "failed" })
    assert.deepStrictEqual(held(), ["ada"])
    assert.deepStrictEqual(tokens(), [1])
    subject.close()
  })

  for (const [what, end] of [
    ["is over at its deadline", (subject: Subject) => (subject.now += 1000)],
    ["is free when its connection is gone", (subject: Subject) => subject.table.disconnect(1)]
  ] as const) {
    it(`does not keep a lock: it ${what}, who waits is told, and its row is void`, () => {
      const { acquire, answers, held, subject, tokens } = contended()
      end(subject)
      subject.table.expire()
      subject.commit("full")
      assert.deepStrictEqual(held(), [])
      assert.include(["released", "expired"], subject.events.at(-1)?.event)
      assert.instanceOf((answers["bob"] as { error?: unknown }).error, StorageFull)
      // Once there is space: the row is gone with the next write, and the lock can be had.
      acquire("eve")
      subject.commit()
      assert.deepInclude(answers["eve"], { type: "granted" })
      assert.deepStrictEqual(held(), ["eve"])
      assert.deepStrictEqual(tokens(), [2])
      subject.close()
    })
  }

  it("tells those whose time to wait is over that it is", () => {
    const { acquire, answers, held, subject } = contended()
    acquire("eve", 500)
    subject.commit()
    subject.now += 500
    subject.table.expire()
    subject.commit("full")
    assert.deepInclude((answers["eve"] as { error?: object }).error, { _tag: "LockWaitTimedOut", holder: "ada" })
    assert.deepStrictEqual(held(), ["ada"])
    subject.close()
  })
})

describe("a store that was damaged", () => {
  it("may have lost how far tokens were given: they go on where none can have been", () => {
    const subject = new Subject()
    const events: Array<LockEvent> = []
    const table = new Table(
      {
        submit: (work, answer) => answer(Exit.succeed(work(subject.connection))),
        now: () => 0,
        wall: () => 0,
        bootId: null,
        limits: () => ({ maxCount: 10, maxWaiterCount: 10, resumeMillis: 10 }),
        batchAsks: () => Infinity,
        hasLeft: () => false,
        announce: (event) => void events.push(event),
        wake: () => {}
      },
      { rows: [], journal: new Map(), next: { round: 1, slot: 0 }, ceiling: 5 },
      1_700_000_000_000
    )
    const happening = {
      type: "acquire",
      id: 1,
      holder: holder("ada"),
      ttlMillis: 100,
      waitMillis: 0,
      bind: "lease"
    } as const
    table.ask({ ...where, happening: { ...happening, client: undefined, secretHash: undefined } }, 1, () => {})
    assert.strictEqual(events[0]?.token, 1_700_000_000_000)
    subject.close()
  })
})
