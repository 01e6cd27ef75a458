import { assert, describe, it } from "vitest"
import { type Circumstances, decide, type Happening, resumed, without } from "../../src/locks/decide.ts"
import { freeLock, type LockState } from "../../src/locks/state.ts"
import { holder, name, namespace, token } from "./support.ts"

const free = freeLock(namespace("default"), name("x"))
const at = (now: number, more: Partial<Circumstances> = {}): Circumstances => ({
  now,
  wall: 1_700_000_000_000,
  nextToken: 7,
  hasRoom: true,
  maxLocks: 10,
  maxWaiters: 2,
  ...more
})

const acquire = (id: number, who: string, waitMillis = 0, ttlMillis = 100): Happening => ({
  type: "acquire",
  id,
  holder: holder(who),
  ttlMillis,
  waitMillis,
  bind: "lease",
  client: undefined,
  secretHash: undefined
})

const held = (who: string, now = 0): LockState => decide(free, acquire(1, who), at(now)).state

/** Effects in short. */
const said = (state: LockState, happening: Happening, circumstances: Circumstances) =>
  decide(state, happening, circumstances).effects.map((effect) => {
    if (effect.type === "refused") return `${effect.id} ${effect.error._tag}`
    if (effect.type === "waiting") return `waiting until ${effect.until}`
    const id = "id" in effect && effect.id !== undefined ? `${effect.id} ` : ""
    return `${id}${effect.type} ${effect.grant.holder} ${effect.grant.token} until ${effect.grant.deadline}`
  })

describe("what becomes of a lock", () => {
  it("a free one is given with the next token, until its ttl is over", () => {
    const { effects, nextToken, state } = decide(free, acquire(1, "ada"), at(1000))
    assert.lengthOf(effects, 1)
    assert.strictEqual(nextToken, 8)
    assert.deepInclude(state.grant, { holder: holder("ada"), token: 7, deadline: 1100, acquiredAt: 1_700_000_000_000 })
    assert.strictEqual(free.grant, undefined)
  })

  it("one that is held is refused, or waited for as long as there is room", () => {
    const lock = held("ada")
    assert.deepStrictEqual(said(lock, acquire(2, "bob"), at(50)), ["2 LockHeld"])
    assert.deepStrictEqual(said(lock, acquire(2, "bob", 30), at(50)), ["waiting until 80"])
    assert.deepStrictEqual(said(lock, acquire(2, "bob", 30), at(50, { maxWaiters: 0 })), ["2 LockQueueFull"])
    assert.deepStrictEqual(said(free, acquire(2, "bob"), at(50, { hasRoom: false })), ["2 TooManyLocks"])
  })

  it("its holder may have it for longer, and for shorter", () => {
    assert.deepStrictEqual(said(held("ada"), acquire(2, "ada", 0, 20), at(50)), ["2 granted ada 7 until 70"])
    const renew = { type: "renew", id: 3, holder: holder("ada"), token: token(7), ttlMillis: undefined } as const
    assert.deepStrictEqual(said(held("ada"), renew, at(50)), ["3 renewed ada 7 until 150"])
  })

  it("it is over at its deadline and not before", () => {
    assert.deepStrictEqual(said(held("ada"), { type: "tick" }, at(99)), [])
    assert.deepStrictEqual(said(held("ada"), { type: "tick" }, at(100)), ["expired ada 7 until 100"])
  })

  it("noticed late, it goes to who still waited when it was over; others have timed out", () => {
    let lock = held("ada")
    lock = decide(lock, acquire(2, "early", 99), at(0)).state
    lock = decide(lock, acquire(3, "bob", 100), at(0)).state
    assert.deepStrictEqual(said(lock, { type: "tick" }, at(5000, { nextToken: 8 })), [
      "expired ada 7 until 100",
      "3 granted bob 8 until 5100",
      "2 LockWaitTimedOut"
    ])
  })

  it("released, it goes to the first who waits, and to all requests of the same holder", () => {
    let lock = held("ada")
    for (const [id, who] of [
      [2, "bob"],
      [3, "eve"],
      [4, "bob"]
    ] as const) {
      lock = decide(lock, acquire(id, who, 500), at(10, { maxWaiters: 9 })).state
    }
    const release = { type: "release", id: 9, holder: holder("ada"), token: undefined } as const
    assert.deepStrictEqual(said(lock, release, at(20, { nextToken: 8 })), [
      "9 released ada 7 until 100",
      "2 granted bob 8 until 120",
      "4 granted bob 8 until 120"
    ])
    assert.deepStrictEqual(said(without(lock, 2), release, at(20, { nextToken: 8 }))[1], "3 granted eve 8 until 120")
  })

  it("the end of a connection frees what is bound to it, and nothing else", () => {
    const bound = { ...acquire(1, "ada"), bind: "connection", client: 5, secretHash: "h" } as Happening
    const lock = decide(free, bound, at(0)).state
    assert.deepStrictEqual(said(lock, { type: "disconnect", client: 6 }, at(10)), [])
    assert.deepStrictEqual(said(lock, { type: "disconnect", client: 5 }, at(10)), ["released ada 7 until 100"])
    assert.deepStrictEqual(said(held("ada"), { type: "disconnect", client: 5 }, at(10)), [])
  })

  it("a client that comes back has what it had, by its secret, while it is not over", () => {
    const bound = { ...acquire(1, "ada"), bind: "connection", client: 5, secretHash: "h" } as Happening
    const { grant, ...rest } = decide(free, bound, at(0)).state
    const lock = { ...rest, grant: { ...grant!, client: undefined, resumeBy: 50 } }
    assert.deepInclude(resumed(lock, { client: 8, now: 49, secretHash: "h" })?.grant, {
      client: 8,
      resumeBy: undefined
    })
    assert.isUndefined(resumed(lock, { client: 8, now: 50, secretHash: "h" }))
    assert.isUndefined(resumed(lock, { client: 8, now: 49, secretHash: "other" }))
  })
})

describe("who may renew and release", () => {
  const cases: ReadonlyArray<
    readonly [what: string, lock: LockState, who: string, token: number | undefined, error: string]
  > = [
    ["nobody, what nobody holds", free, "ada", undefined, "LockNotHeld"],
    ["nobody, with a token that was never given", free, "ada", 7, "LockNotHeld"],
    ["nobody, with the token of a lease that is over", free, "ada", 6, "LockExpired"],
    ["not another one", held("ada"), "bob", undefined, "LockHeldByAnother"],
    ["not another one with its token", held("ada"), "bob", 7, "LockHeldByAnother"],
    ["not the holder before", held("ada"), "bob", 6, "LockExpired"],
    ["not its holder with an earlier token", held("ada"), "ada", 6, "LockExpired"],
    ["not its holder with a token that was never given", held("ada"), "ada", 8, "LockTokenMismatch"]
  ]
  for (const [what, lock, who, tok, error] of cases) {
    it(what, () => {
      const by = { id: 2, holder: holder(who), token: tok === undefined ? undefined : token(tok) }
      assert.deepStrictEqual(said(lock, { type: "release", ...by }, at(10)), [`2 ${error}`])
      if (by.token === undefined) return
      const renew = { type: "renew", ...by, token: by.token, ttlMillis: 5 } as const
      assert.deepStrictEqual(said(lock, renew, at(10)), [`2 ${error}`])
    })
  }
})
