import { assert, describe, it } from "vitest"
import { type BareClient, CallError, ConnectionLost } from "../../src/client/wire/bare.ts"
import type { Chunk } from "../../src/client/wire/chunks.ts"
import { hear } from "../../src/client/wire/hear.ts"

/** What one connection brings, and how it ends. */
type Connection = readonly [items: ReadonlyArray<object>, end: Error]

const subscribed = (id: string) => ({ type: "subscribed", id })
const event = (id: string) => ({ type: "event", id, channel: "a", at: "", message: null })
const lost = new ConnectionLost("gone")
const refusal = new CallError(-32602, "params.patterns: Expected something else", undefined)
const typed = (tag: string) => new CallError(-32000, tag, { _tag: tag })

/** Listens over scripted connections: what it tells, what each was asked for, and what it ended with. */
const told = async (connections: ReadonlyArray<Connection | Error>, since?: string) => {
  const [heard, asked]: [Array<string>, Array<string>] = [[], []]
  const left = [...connections]
  const open = async (isFirst: boolean): Promise<BareClient> => {
    const next = left.shift()
    const attempt = isFirst ? "first" : "again"
    if (next === undefined || next instanceof Error) {
      asked.push(attempt)
      throw next ?? refusal
    }
    const subscribeDirect = async function* (_: string, params?: unknown): AsyncGenerator<Chunk> {
      asked.push(`${attempt} ${(params as { since?: string }).since ?? "now"}`)
      for (const item of next[0]) yield { values: [item], line: "" }
      throw next[1]
    }
    return { subscribeDirect, close: () => undefined } as unknown as BareClient
  }
  try {
    for await (const each of hear({ patterns: ["a"], since }, open)) {
      const texts = each.type === "items" ? each.items.map(({ type }) => type) : [`${each.type} ${each.after}`]
      heard.push(...texts)
    }
  } catch (error) {
    return { heard, asked, error }
  }
  throw new Error("it ended")
}

describe("a subscription over several connections", () => {
  it("asks each for what comes behind the last event, and only the first may start a daemon", async () => {
    const { asked, error, heard } = await told([
      [[subscribed("1-5"), event("1-6")], lost],
      lost,
      [[subscribed("1-6")], lost],
      [[subscribed("1-6"), event("1-7")], lost]
    ])
    assert.deepStrictEqual(asked, ["first now", "again", "again 1-6", "again 1-6", "again"])
    assert.deepStrictEqual(heard, [
      "subscribed",
      "event",
      "lost 1-6",
      "regained 1-6",
      "subscribed",
      "lost 1-6",
      "regained 1-6",
      "subscribed",
      "event",
      "lost 1-7"
    ])
    assert.strictEqual(error, refusal)
  })

  it("before anything has come it goes on where it was told that it is, and behind a gap where that ends", async () => {
    const gap = { type: "gap", after: "1-5", through: "2-0", reason: "restart" }
    const { asked } = await told([
      [[subscribed("1-5")], lost],
      [[subscribed("1-5"), gap], lost],
      [[subscribed("2-0")], lost]
    ])
    assert.deepStrictEqual(asked, ["first now", "again 1-5", "again 2-0", "again"])
  })

  it("a later version's items that it doesn't know move it nowhere", async () => {
    const { asked } = await told([
      [[subscribed("1-5"), { type: "news", id: "9-9" }], lost],
      [[], lost]
    ])
    assert.deepStrictEqual(asked, ["first now", "again 1-5", "again"])
  })

  it("is told that it reads too slowly, and that the disk is in trouble, and comes back", async () => {
    for (const error of ["SubscriberTooSlow", "StorageFull", "StorageBusy", "StorageFailed"].map(typed)) {
      const { asked, heard } = await told([[[subscribed("1-5")], error]], "1-5")
      assert.deepStrictEqual(asked, ["first 1-5", "again"])
      assert.deepStrictEqual(heard, ["subscribed", "lost 1-5"])
    }
  })

  it("does not begin, or go on, where it is refused", async () => {
    for (const first of [lost, typed("StorageBusy"), refusal]) {
      assert.deepStrictEqual(await told([first]), { heard: [], asked: ["first"], error: first })
    }
    const full = typed("TooManySubscriptions")
    assert.strictEqual((await told([[[subscribed("1-5")], full]])).error, full)
  })
})
