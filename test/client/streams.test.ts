import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { mkdirSync, writeFileSync } from "node:fs"
import { connect, type PromiseClient } from "../../src/client/HobClient.ts"
import { open } from "../../src/client/wire/bare.ts"
import { ChannelName, ChannelPattern } from "../../src/protocol/channelNames.ts"
import { type ChannelItem, SubscriberTooSlow } from "../../src/protocol/channels.ts"
import { type Home, makeHome, until } from "../support/home.ts"

describe("a stream of a client that asks for other things too", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  const subscribe = (client: PromiseClient, pattern: string) =>
    client["channels.subscribe"]({ patterns: [ChannelPattern.make(pattern)] })[Symbol.asyncIterator]()

  /** From a connection that is nobody else's. */
  const flood = async (channel: string, messages: ReadonlyArray<string>): Promise<void> => {
    const publisher = await open(home.paths.socket)
    for (let at = 0; at < messages.length; at += 500) {
      const some = messages.slice(at, at + 500)
      await Promise.all(some.map((message) => publisher.call("channels.publish", { channel, message })))
    }
    publisher.close()
  }

  it("does not keep the answers from it that it waits for before it reads on", async () => {
    await using client = await connect({ paths: home.paths })
    const items = subscribe(client, "asked")
    assert.strictEqual((await items.next()).value?.type, "subscribed")
    const count = 2000
    const flooded = flood(
      "asked",
      Array.from({ length: count }, (_, at) => String(at))
    )
    for (let at = 0; at < count; at++) {
      const item = (await items.next()).value as ChannelItem
      assert.strictEqual(item.type === "event" && item.message, String(at))
      // All of the flood is there, or on its way, before the first answer is waited for.
      if (at === 0) await flooded
      if (at % 50 === 0) await client["channels.publish"]({ channel: ChannelName.make("answers"), message: at })
    }
    await items.return?.()
  })

  it("is cut off by the daemon when it is not read, which costs the client no memory", async () => {
    mkdirSync(home.paths.home, { mode: 0o700 })
    const config = { channels: { bufferBytes: 1024 * 1024 }, socket: { writeBufferBytes: 256 * 1024 } }
    writeFileSync(home.paths.config, JSON.stringify(config), { mode: 0o600 })
    await using client = await connect({ paths: home.paths })
    const items = subscribe(client, "flood")
    await items.next()
    const message = "x".repeat(10_000)
    await flood(
      "flood",
      Array.from({ length: 2000 }, () => message)
    )
    const isGone = async () => {
      const { channels } = await client["channels.list"]({ pattern: ChannelPattern.make("flood") })
      return channels[0]?.subscribers === 0
    }
    await until("it is cut off", isGone)
    let last: string | undefined
    let heard = 0
    let error: unknown
    try {
      for (let next = await items.next(); next.done !== true; next = await items.next()) {
        if (next.value.type === "event") last = next.value.id
        heard++
      }
    } catch (failure) {
      error = failure
    }
    assert.instanceOf(error, SubscriberTooSlow)
    assert.strictEqual((error as SubscriberTooSlow).lastId, last)
    // What the daemon may send unacknowledged, and what a client's stream holds.
    assert.isBelow(heard * message.length, 1024 * 1024)
  })
})
