import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { connect } from "../../../src/wire/unixSocket.ts"
import { RawClient } from "../../connection/toy.ts"
import { type Home, makeHome } from "../../support/home.ts"

/** How many wait: `HOB_LOCK_WAITERS=1000`, as many as may. */
const WAITERS = Number(process.env["HOB_LOCK_WAITERS"] ?? 1000)

let home: Home
beforeEach(async () => {
  home = makeHome()
  await home.ok(["start"])
}, 60_000)
afterEach(() => home.destroy(), 60_000)

const open = async () => new RawClient(await connect(home.paths.socket))

const answer = async (client: RawClient): Promise<any> => {
  const { error, result } = await client.reply()
  return result ?? error?.data?.[0]?.error ?? error
}

describe("a thousand who wait for one lock", () => {
  it("have it in the order of coming; those who leave or have waited long enough don't", async () => {
    const first = await open()
    first.request(1, "locks.acquire", { name: "x", holder: "first", ttlMillis: 3_600_000 })
    assert.strictEqual((await answer(first)).holder, "first")

    const kinds = ["patient", "patient", "impatient", "leaving"] as const
    const waiters: Array<{
      readonly client: RawClient
      readonly kind: (typeof kinds)[number]
      readonly holder: string
    }> = []
    for (let index = 0; index < WAITERS; index++) {
      const client = await open()
      const kind = kinds[(index * 7) % 4]!
      const waitMillis = kind === "impatient" ? 1 + ((index * 37) % 200) : 3_600_000
      // One that leaves just as it has the lock must not keep it.
      const bind = kind === "leaving" ? "connection" : "lease"
      client.request(1, "locks.acquire", { name: "x", holder: `h${index}`, waitMillis, ttlMillis: 3_600_000, bind })
      // Behind this answer it is known that it waits, if it still does.
      client.request(2, "daemon.ping", {})
      const reply = await client.reply()
      if (reply.id === 1) await client.reply()
      else waiters.push({ client, kind, holder: `h${index}` })
    }
    const one = await open()
    one.request(1, "locks.acquire", { name: "x", holder: "late", waitMillis: 1 })
    assert.include(["LockQueueFull", "LockWaitTimedOut"], (await answer(one))._tag)

    const order: Array<string> = []
    let refused = 0
    const ended = waiters.map(async ({ client, holder, kind }) => {
      if (kind === "leaving") return client.close()
      const got = await answer(client)
      if (got.token === undefined) {
        assert.strictEqual(got._tag, "LockWaitTimedOut")
        assert.strictEqual(kind, "impatient")
        refused++
        return
      }
      order.push(holder)
      client.request(3, "locks.release", { name: "x", holder, token: got.token })
      assert.strictEqual((await answer(client)).token, got.token)
    })
    first.request(2, "locks.release", { name: "x", holder: "first" })
    await answer(first)
    await Promise.all(ended)

    const had = new Set(order)
    const patient = waiters.filter(({ kind }) => kind === "patient")
    assert.isAtLeast(patient.length, WAITERS / 2 - 1)
    const number = (holder: string) => Number(holder.slice(1))
    assert.deepStrictEqual(
      order,
      order.toSorted((a, b) => number(a) - number(b))
    )
    assert.deepStrictEqual(
      patient.filter(({ holder }) => !had.has(holder)),
      []
    )
    assert.strictEqual(order.length + refused, waiters.filter(({ kind }) => kind !== "leaving").length)
    first.request(3, "locks.list", {})
    assert.deepStrictEqual((await answer(first)).locks, [])
    for (const { client } of waiters) client.close()
  }, 600_000)
})
