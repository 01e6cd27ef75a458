import { Effect, Fiber, Stream } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { connect } from "../../src/client/HobClient.ts"
import { subscribe, type SubscribeOptions, type SubscriptionItem } from "../../src/client/subscribe.ts"
import { subscribeStream } from "../../src/client/subscribeStream.ts"
import { findDaemon } from "../../src/client/start.ts"
import { CallError } from "../../src/client/wire/bare.ts"
import { ChannelName } from "../../src/protocol/channelNames.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

describe("a subscription of the client library", () => {
  let home: Home
  const open: Array<AsyncIterableIterator<SubscriptionItem>> = []
  beforeEach(() => void (home = makeHome()))
  afterEach(async () => {
    for (const items of open.splice(0)) await items.return!()
    await home.destroy()
  })

  const keepOnDisk = () => {
    mkdirSync(home.paths.home, { mode: 0o700 })
    const channels = { rules: { "kept:**": { keep: "disk" } } }
    writeFileSync(home.paths.config, JSON.stringify({ channels }), { mode: 0o600 })
  }

  const listen = (patterns: ReadonlyArray<string>, options: SubscribeOptions = {}) => {
    const items = subscribe(patterns, { paths: home.paths, ...options })
    open.push(items)
    return items
  }

  const next = async (items: AsyncIterableIterator<SubscriptionItem>): Promise<SubscriptionItem> => {
    const result = await items.next()
    if (result.done === true) throw new Error("the subscription has ended")
    return result.value
  }

  /** The next `count` items, by what tells them apart. */
  const take = async (
    items: AsyncIterableIterator<SubscriptionItem>,
    count: number
  ): Promise<ReadonlyArray<unknown>> => {
    const taken: Array<unknown> = []
    while (taken.length < count) {
      const item = await next(items)
      taken.push(item.type === "event" ? item.message : item.type)
    }
    return taken
  }

  const publish = async (channel: string, ...messages: ReadonlyArray<unknown>) => {
    await using client = await connect({ paths: home.paths })
    for (const message of messages) {
      await client["channels.publish"]({ channel: ChannelName.make(channel), message: message as string })
    }
  }

  const killDaemon = async () => {
    const pid = await home.daemonPid()
    process.kill(pid, "SIGKILL")
    // Its socket may outlive its main thread by a moment.
    await until("the daemon is gone", async () => !isAlive(pid) && (await findDaemon(home.paths)) === null)
  }

  it("hears what is published, with other subscriptions of its program beside it", async () => {
    const [one, two] = [listen(["a:*"]), listen(["a:**", "b"])]
    assert.deepStrictEqual([(await next(one)).type, (await next(two)).type], ["subscribed", "subscribed"])
    await publish("a:x", 1)
    await publish("b", 2)
    assert.deepStrictEqual(await take(two, 2), [1, 2])
    const event: object = await next(one)
    assert.deepInclude(event, { type: "event", channel: "a:x", message: 1 })
  })

  it("begins behind the id that it is given", async () => {
    const first = listen(["a"])
    await next(first)
    await publish("a", 1, 2, 3)
    const event = await next(first)
    assert.strictEqual(event.type, "event")
    const again = listen(["a"], { since: (event as { readonly id: string }).id })
    assert.deepStrictEqual(await take(again, 3), ["subscribed", 2, 3])
  })

  it("goes on after kill -9 of the daemon, without a gap where events are kept on disk", async () => {
    keepOnDisk()
    const items = listen(["kept:a"])
    assert.strictEqual((await next(items)).type, "subscribed")
    await publish("kept:a", 1, 2)
    assert.deepStrictEqual(await take(items, 2), [1, 2])
    await killDaemon()
    assert.deepStrictEqual(await take(items, 1), ["lost"])
    await publish("kept:a", 3)
    await publish("kept:a", 4)
    assert.deepStrictEqual(await take(items, 3), ["regained", 3, 4])
  })

  it("tells of the gap where events are kept in memory, once, and what comes then once", async () => {
    const items = listen(["a"])
    await next(items)
    await publish("a", 1)
    assert.deepStrictEqual(await take(items, 1), [1])
    await killDaemon()
    await home.ok(["start"])
    assert.deepStrictEqual(await take(items, 3), ["lost", "regained", "gap"])
    await publish("a", 2)
    assert.deepStrictEqual(await take(items, 1), [2])
    await killDaemon()
    await home.ok(["start"])
    assert.deepStrictEqual(await take(items, 3), ["lost", "regained", "gap"])
  })

  it("waits for another daemon when its own was stopped", async () => {
    const items = listen(["a"])
    await next(items)
    const pid = await home.daemonPid()
    await home.ok(["stop"])
    assert.deepStrictEqual(await take(items, 1), ["lost"])
    const waiting = items.next()
    await until("the daemon is gone", () => !isAlive(pid))
    assert.strictEqual((await home.hob(["ls", "--no-start"])).code, 3)
    await home.ok(["start"])
    assert.strictEqual((await waiting).value?.type, "regained")
  })

  it("one that is read too slowly is cut off, says so, and misses nothing that is still kept", async () => {
    await home.ok(["start", "-c", "channels.bufferBytes=65536"])
    const items = listen(["a"])
    await next(items)
    const text = "x".repeat(50_000)
    const sent = 400
    await publish("a", ...Array.from({ length: sent }, (_, n) => ({ n, text })))
    const heard: Array<number> = []
    const others: Array<string> = []
    for (let last = -1; last < sent - 1;) {
      const item = await next(items)
      if (item.type === "event") heard.push((last = (item.message as { readonly n: number }).n))
      else others.push(item.type)
    }
    assert.deepStrictEqual(others.slice(0, 2), ["lost", "regained"])
    assert.deepStrictEqual(
      heard,
      Array.from({ length: sent }, (_, n) => n).filter((n) => heard.includes(n))
    )
    if (!others.includes("gap")) assert.lengthOf(heard, sent)
  })

  it("what the daemon refuses is thrown, and not asked for again", async () => {
    const items = listen(["a::b"])
    const error: unknown = await items.next().catch((error: unknown) => error)
    assert.instanceOf(error, CallError)
    assert.match((error as Error).message, /without empty segments/)
    const gone = listen(["a"], { start: false, paths: makeHome().paths })
    assert.strictEqual(((await gone.next().catch((error: Error) => error)) as Error).name, "NotRunning")
  })

  it("ends when it is left while it waits, and with its signal", async () => {
    const items = listen(["a"])
    await next(items)
    const waiting = items.next()
    await items.return!()
    assert.deepStrictEqual(await waiting, { done: true, value: undefined })
    const abort = new AbortController()
    const other = listen(["a"], { signal: abort.signal })
    await next(other)
    const reason = new Error("enough")
    setImmediate(() => abort.abort(reason))
    assert.strictEqual(await other.next().catch((error: unknown) => error), reason)
    await until("both are gone", async () => {
      await using client = await connect({ paths: home.paths })
      return (await client["channels.list"]({})).channels.length === 0
    })
  })

  it("as a Stream it ends with its fiber", async () => {
    const heard: Array<unknown> = []
    const fiber = Effect.runFork(
      Stream.runForEach(subscribeStream(["a"], { paths: home.paths }), (item) =>
        Effect.sync(() => void heard.push(item.type))
      )
    )
    await until("it has begun", () => heard.length === 1)
    await publish("a", 1)
    await until("it has heard", () => heard.length === 2)
    await Effect.runPromise(Fiber.interrupt(fiber))
    assert.deepStrictEqual(heard, ["subscribed", "event"])
    const refused = await Effect.runPromise(
      Effect.flip(Stream.runDrain(subscribeStream(["**:a"], { paths: home.paths })))
    )
    assert.instanceOf(refused, CallError)
  })
})
