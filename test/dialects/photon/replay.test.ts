import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { makePhotonHome, type PhotonHome } from "./home.ts"

/** A subscriber that does not read is cut off soon. */
const BUFFER_BYTES = 256 * 1024

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome(["kanban"], {
    HOB_CHANNELS_RETAIN_COUNT: "20",
    HOB_CHANNELS_BUFFER_BYTES: `${BUFFER_BYTES}`,
    HOB_CHANNELS_RULES: '{"long:*": {"events": 1000}}'
  })
}, 120_000)
afterAll(() => home.destroy())

const publish = async (channel: string, message: unknown): Promise<number> =>
  (await home.client.ask({ type: "publish", id: "p", channel, message })).eventId

describe("a subscriber of photon that comes back", () => {
  it("gets what it missed, marked, before the answer, and then what follows", async () => {
    for (const written of [Number, String]) {
      const first = await publish("back", 0)
      const second = await publish("back", 1)
      await publish("elsewhere", "x")
      const third = await publish("back", 2)
      assert.isTrue(first < second && second < third)
      const listener = await home.client.open()
      listener.say({ type: "subscribe", id: "s", channel: "back", lastEventId: written(first) })
      assert.deepStrictEqual(
        [await listener.line(), await listener.line(), await listener.line()],
        [
          `{"type":"channel_message","id":"replay_${second}","channel":"back","message":1,"eventId":${second},"replay":true}`,
          `{"type":"channel_message","id":"replay_${third}","channel":"back","message":2,"eventId":${third},"replay":true}`,
          '{"type":"result","id":"s","success":true,"data":{"subscribed":true,"channel":"back"}}'
        ]
      )
      const live = await publish("back", "live")
      assert.strictEqual(
        await listener.line(),
        `{"type":"channel_message","id":"ch_${live}","channel":"back","message":"live","eventId":${live}}`
      )
      listener.socket.destroy()
    }
  })

  it("gets what it missed of everything below a wildcard", async () => {
    const first = await publish("wild:a", 0)
    await publish("wild:b", 1)
    const listener = await home.client.open()
    listener.say({ type: "subscribe", id: "s", channel: "wild:*", lastEventId: first })
    const heard = await listener.hear()
    assert.deepStrictEqual([heard["channel"], heard["replay"]], ["wild:b", true])
    assert.strictEqual((await listener.hear()).id, "s")
    listener.socket.destroy()
  })

  it("is told to read everything anew where something is missing, and hears what follows", async () => {
    const old = await publish("gone", 0)
    for (let at = 0; at < 30; at++) await publish("gone", at)
    for (const lastEventId of [old, 1, 2 ** 52, 1_795_221_072_509_000]) {
      const listener = await home.client.open()
      listener.say({ type: "subscribe", id: "s", channel: "gone", lastEventId })
      assert.strictEqual(await listener.line(), '{"type":"refresh_needed","id":"s","channel":"gone"}')
      assert.strictEqual((await listener.hear()).type, "result")
      await publish("gone", "next")
      assert.strictEqual((await listener.hear())["message"], "next")
      assert.strictEqual((await listener.ask({ type: "ping", id: "end" })).type, "pong")
      listener.socket.destroy()
    }
  })

  it("may ask again on the same connection, and gets nothing twice", async () => {
    const first = await publish("twice", 0)
    const listener = await home.client.subscribe("twice")
    await publish("twice", 1)
    assert.strictEqual((await listener.hear())["message"], 1)
    listener.say({ type: "subscribe", id: "s", channel: "twice", lastEventId: first })
    assert.strictEqual((await listener.hear())["replay"], true)
    assert.strictEqual((await listener.hear()).id, "s")
    listener.say({ type: "subscribe", id: "t", channel: "twice" })
    assert.strictEqual((await listener.hear()).id, "t")
    await publish("twice", 2)
    assert.strictEqual((await listener.hear())["message"], 2)
    await listener.ask({ type: "unsubscribe", id: "u", channel: "twice" })
    await publish("twice", 3)
    assert.strictEqual((await listener.ask({ type: "ping", id: "end" })).type, "pong")
    listener.socket.destroy()
  })

  describe("to more than is written to it at once", () => {
    const count = 600
    const publishMany = async (channel: string): Promise<number> => {
      const publisher = await home.client.open()
      const message = "x".repeat(2000)
      let first = 0
      for (let at = 0; at <= count; at++) {
        const { data } = await publisher.ask({ type: "publish", id: `${at}`, channel, message })
        if (at === 0) first = (data as { eventId: number }).eventId
      }
      publisher.socket.destroy()
      return first
    }

    it("has each of its answers when it unsubscribes meanwhile", async () => {
      const lastEventId = await publishMany("long:left")
      const listener = await home.client.open()
      listener.socket.pause()
      listener.say(
        { type: "subscribe", id: "s", channel: "long:left", lastEventId },
        { type: "subscribe", id: "again", channel: "long:left", lastEventId },
        { type: "unsubscribe", id: "u", channel: "long:left" },
        { type: "ping", id: "end" }
      )
      await home.client.once({ type: "ping", id: "p" })
      listener.socket.resume()
      await listener.until(() => listener.lines.at(-1) === '{"type":"pong","id":"end"}')
      const answers = listener.lines.map((line) => JSON.parse(line)).filter(({ type }) => type === "result")
      assert.deepStrictEqual(
        answers.map(({ id }) => id),
        ["s", "again", "u"]
      )
      listener.socket.destroy()
    })

    it("gets all of it, its answer and the end when it has ended its side", async () => {
      const lastEventId = await publishMany("long:ended")
      const listener = await home.client.open({ allowHalfOpen: true })
      listener.socket.pause()
      listener.say({ type: "subscribe", id: "s", channel: "long:ended", lastEventId })
      listener.socket.end()
      await home.client.once({ type: "ping", id: "p" })
      listener.socket.resume()
      await listener.untilEnded()
      assert.strictEqual(listener.lines.length, count + 1)
      assert.strictEqual((JSON.parse(listener.lines.at(-1)!) as { id: string }).id, "s")
    })

    it("is told that it was not all, and hung up on, when it does not read it", async () => {
      const lastEventId = await publishMany("long:slow")
      const listener = await home.client.open()
      listener.socket.pause()
      listener.say({ type: "subscribe", id: "s", channel: "long:slow", lastEventId })
      await home.client.once({ type: "ping", id: "p" })
      const message = "y".repeat(BUFFER_BYTES)
      for (let at = 0; at < 3; at++) await publish("long:slow", message)
      listener.socket.resume()
      await listener.untilEnded()
      const last = JSON.parse(listener.lines.at(-1)!) as { type: string; id: string }
      assert.deepInclude(last, { type: "error", id: "s" })
    })
  })

  it("that does not read is hung up on alone, and nobody else waits for it", async () => {
    const asleep = await home.client.subscribe("flood")
    asleep.socket.pause()
    const awake = await home.client.subscribe("flood")
    const publisher = await home.client.open()
    const message = "x".repeat(10_000)
    const count = 500
    for (let at = 0; at < count; at++) {
      publisher.say({ type: "publish", id: `${at}`, channel: "flood", message })
      await publisher.line()
    }
    for (let at = 0; at < count; at++) assert.strictEqual((await awake.hear())["message"], message)
    // What was written before is still there to read, whole lines of it, and then the end.
    asleep.socket.resume()
    await asleep.untilEnded()
    assert.isBelow(asleep.lines.length, count)
    const ids = asleep.lines.slice(1).map((line) => (JSON.parse(line) as { eventId: number }).eventId)
    assert.isAbove(ids.length, 10)
    // From there it can go on, as far as the window reaches.
    const again = await home.client.open()
    const answer = again.say({ type: "subscribe", id: "s", channel: "flood", lastEventId: ids.at(-1)! })
    assert.strictEqual((await answer.hear()).type, "refresh_needed")
    for (const { socket } of [awake, publisher, again]) socket.destroy()
  })
})
