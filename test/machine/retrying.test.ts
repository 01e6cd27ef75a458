import { assert, describe, it } from "vitest"
import { nextWindow } from "../../src/machine/retrying.ts"
import { MAX_ATTEMPTS } from "../../src/machine/Versioned.ts"

const WRITERS = 10
const UPDATES = 100

/** The same numbers each time, for the same seed. */
const numbers = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
  return seed / 2 ** 31
}

/** Writers of one version, in a time of their own: the most attempts that an update of theirs needs. */
const storm = (answerMillis: number, seed: number): number => {
  const random = numbers(seed)
  /** One way, there or back. */
  const way = () => (answerMillis / 2) * (0.5 + random())
  const events: Array<{ readonly at: number; readonly happens: () => void }> = []
  let now = 0
  let version = 0
  let most = 0
  const after = (millis: number, happens: () => void) => void events.push({ at: now + millis, happens })
  const writers = Array.from({ length: WRITERS }, () => ({ known: 0, window: 0, left: UPDATES / WRITERS, attempts: 1 }))

  const write = (writer: (typeof writers)[number]): void => {
    const asked = now
    const expected = writer.known
    const arrives = () => {
      const isSuccess = expected === version
      if (isSuccess) version++
      const told = version
      if (isSuccess) for (const each of writers) after(way(), () => void (each.known = Math.max(each.known, told)))
      after(way(), () => answered(isSuccess, told))
    }
    const answered = (isSuccess: boolean, told: number) => {
      writer.known = Math.max(writer.known, told)
      writer.window = nextWindow(writer.window, Math.round(now - asked), isSuccess)
      most = Math.max(most, writer.attempts)
      writer.attempts = isSuccess ? 1 : writer.attempts + 1
      if (isSuccess) writer.left--
      if (writer.left > 0) after(Math.round(random() * writer.window), () => write(writer))
    }
    after(way(), arrives)
  }

  for (const writer of writers) after(0, () => write(writer))
  while (events.length > 0) {
    const first = events.reduce((least, event, at) => (event.at < events[least]!.at ? at : least), 0)
    const [{ at, happens }] = events.splice(first, 1) as [(typeof events)[number]]
    now = at
    happens()
  }
  assert.strictEqual(version, UPDATES)
  return most
}

describe("ten writers of one version", () => {
  for (const answerMillis of [1, 20, 100, 400, 2000]) {
    it(`need no more than ten retries each where an answer takes ${answerMillis} ms`, () => {
      for (let seed = 1; seed <= 20; seed++) assert.isAtMost(storm(answerMillis, seed), MAX_ATTEMPTS, `seed ${seed}`)
    })
  }

  it("hold back for no more than twice an answer after the first time that they were too late", () => {
    assert.strictEqual(nextWindow(0, 50, false), 100)
    assert.strictEqual(nextWindow(100, 50, true), 0)
  })
})
