import { assert, describe, it } from "vitest"
import { check, type Seen } from "./linearizable.ts"

/** `ada [1, 2] acquire` and so on, with the members that matter. */
const acquire = (who: string, from: number, to: number, answer: unknown, more: object = {}): Seen =>
  ({ type: "acquire", who, from, to, ttl: 1000, answer, ...more }) as Seen
const got = (token: number, renewed = false, waited = 0) => ({ token, renewed, waited })
const release = (who: string, from: number, to: number, token: number, answer: unknown = "done"): Seen =>
  ({ type: "release", who, from, to, token, answer }) as Seen
const renew = (who: string, from: number, to: number, token: number, answer: unknown = "done"): Seen =>
  ({ type: "renew", who, from, to, token, ttl: 1000, answer }) as Seen

const good: Record<string, ReadonlyArray<Seen>> = {
  "one after the other": [
    acquire("ada", 0, 1, got(1)),
    release("ada", 2, 3, 1),
    acquire("bob", 4, 5, got(2)),
    release("bob", 6, 7, 2)
  ],
  "at once: the order is free": [
    acquire("bob", 0, 9, got(2)),
    acquire("ada", 0, 9, got(1)),
    release("ada", 0, 9, 1),
    acquire("eve", 0, 9, { heldBy: "bob" })
  ],
  "a lease that is over when its ttl is": [
    acquire("ada", 0, 1, got(1)),
    acquire("bob", 1000, 1002, got(2)),
    release("ada", 1500, 1501, 1, "refused")
  ],
  "one that was renewed": [
    acquire("ada", 0, 1, got(1)),
    renew("ada", 500, 501, 1),
    acquire("bob", 1400, 1402, { heldBy: "ada" }),
    acquire("bob", 1400, 1602, got(2, false, 100))
  ],
  "the same holder again": [acquire("ada", 0, 1, got(1)), acquire("ada", 2, 3, got(1, true))],
  "the end of its connection": [
    acquire("ada", 0, 1, got(1), { client: 7 }),
    { type: "end", who: "ada", client: 7, from: 2, to: Infinity },
    acquire("bob", 1, 5, got(2))
  ],
  "a killed client that had it, or had not": [
    acquire("ada", 0, Infinity, undefined, { client: 7 }),
    acquire("bob", 1, 2, { heldBy: "ada" }),
    { type: "end", who: "ada", client: 7, from: 3, to: Infinity },
    acquire("bob", 3, 4, got(5))
  ]
}

const bad: Record<string, ReadonlyArray<Seen>> = {
  "two have it": [acquire("ada", 0, 1, got(1)), acquire("bob", 2, 3, got(2))],
  "it is over before its ttl is": [acquire("ada", 0, 1, got(1)), acquire("bob", 5, 900, got(2))],
  "it is held after its ttl is over": [acquire("ada", 0, 1, got(1)), acquire("bob", 1010, 1011, { heldBy: "ada" })],
  "it is held though it was released": [
    acquire("ada", 0, 1, got(1)),
    release("ada", 2, 3, 1),
    acquire("bob", 4, 5, { heldBy: "ada" })
  ],
  "a token goes back": [acquire("ada", 0, 1, got(2)), release("ada", 2, 3, 2), acquire("bob", 4, 5, got(1))],
  "a token comes again": [acquire("ada", 0, 1, got(2)), release("ada", 2, 3, 2), acquire("bob", 4, 5, got(2))],
  "who is over may release": [
    acquire("ada", 0, 1, got(1)),
    acquire("bob", 1000, 1001, got(2)),
    release("ada", 1002, 1003, 1)
  ],
  "its holder may not": [acquire("ada", 0, 1, got(1)), release("ada", 2, 3, 1, "refused")],
  "a renewal is forgotten": [
    acquire("ada", 0, 1, got(1)),
    renew("ada", 500, 501, 1),
    acquire("bob", 1001, 1003, got(2))
  ],
  "somebody holds it who never asked": [acquire("bob", 0, 1, { heldBy: "ada" })],
  "it is renewed with another token": [acquire("ada", 0, 1, got(1)), acquire("ada", 2, 3, got(2, true))],
  "another connection's end frees it": [
    acquire("ada", 0, 1, got(1), { client: 7 }),
    { type: "end", who: "eve", client: 8, from: 2, to: Infinity },
    acquire("bob", 3, 5, got(2))
  ]
}

describe("the checker of histories", () => {
  for (const [what, history] of Object.entries(good)) {
    it(`takes: ${what}`, () => assert.isUndefined(check(history)))
  }
  for (const [what, history] of Object.entries(bad)) {
    it(`sees: ${what}`, () => assert.isString(check(history)))
  }
})
