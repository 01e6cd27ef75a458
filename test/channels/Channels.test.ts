import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Party } from "../../src/channels/Event.ts"
import { epochOf } from "../../src/channels/positions.ts"
import type { ChannelName } from "../../src/protocol/channelNames.ts"
import { StorageFull } from "../../src/protocol/storage.ts"
import { Database } from "../../src/storage/Database.ts"
import { Namespace } from "../../src/protocol/namespaces.ts"
import { channels, fileStore, publish, Subscriber } from "./support.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "hob-channels-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("publishing", () => {
  it.effect("reaches every subscriber whose pattern matches, in order, and says how many", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const exact = new Subscriber().subscribe(service, ["a:b"])
      const one = new Subscriber().subscribe(service, ["a:*"])
      const rest = new Subscriber().subscribe(service, ["a:**"])
      new Subscriber().subscribe(service, ["b:**"])
      const first = yield* publish(service, "a:b", "1")
      const second = yield* publish(service, "a:b:c", "2")
      const third = yield* publish(service, "a:b", "3")
      yield* Effect.yieldNow
      assert.deepStrictEqual([first.receivers, second.receivers, third.receivers], [3, 1, 3])
      assert.deepStrictEqual(exact.messages, ["1", "3"])
      assert.deepStrictEqual(one.messages, ["1", "3"])
      assert.deepStrictEqual(rest.messages, ["1", "2", "3"])
      assert.isTrue(first.position < second.position && second.position < third.position)
    })
  )

  it.effect("is not heard by its own party, and once by one that listens in several ways", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const party = new Party()
      const own = new Subscriber(party).subscribe(service, ["a:b", "a:*", "**"])
      const again = new Subscriber(party).subscribe(service, ["a:**"])
      assert.strictEqual((yield* publish(service, "a:b", "1", { party })).receivers, 0)
      assert.strictEqual((yield* publish(service, "a:b", "2")).receivers, 1)
      assert.strictEqual((yield* publish(service, "a:b:c", "3")).receivers, 1)
      yield* Effect.yieldNow
      assert.deepStrictEqual([own.messages, again.messages], [["2", "3"], []])
      own.feed.close()
      yield* publish(service, "a:b", "4")
      yield* Effect.yieldNow
      assert.deepStrictEqual(again.messages, ["4"])
    })
  )

  it.effect("reaches a pattern that is added later in the same turn from then on", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const subscriber = new Subscriber().subscribe(service, ["a"])
      service.publish({ channel: "b", json: "1", party: undefined }, () => {})
      service.addPatterns(subscriber.feed, ["b"])
      service.publish({ channel: "b", json: "2", party: undefined }, () => {})
      yield* Effect.yieldNow
      assert.deepStrictEqual(subscriber.messages, ["2"])
    })
  )

  it.effect("is refused while the disk is full where the disk is to have it; other channels go on", () =>
    Effect.gen(function* () {
      let isFull = false
      const store = Layer.effect(
        Database,
        Effect.map(Database, (real) =>
          Database.of({
            ...real,
            submit: (work, answer) =>
              isFull ? answer(Exit.fail(new StorageFull({ path: "hob.db" }))) : real.submit(work, answer)
          })
        )
      ).pipe(Layer.provide(Database.layerMemory))
      const { channels: service } = yield* channels({ rules: { "disk:*": { keep: "disk" } } }, store)
      const subscriber = new Subscriber().subscribe(service, ["**"])
      yield* publish(service, "disk:a", "1")
      isFull = true
      const refused = yield* Effect.forkChild(Effect.flip(publish(service, "disk:a", "2")), { startImmediately: true })
      yield* publish(service, "memory", "3")
      assert.strictEqual((yield* Fiber.join(refused))._tag, "StorageFull")
      isFull = false
      yield* publish(service, "disk:a", "4")
      yield* Effect.yieldNow
      assert.deepStrictEqual(subscriber.messages, ["1", "3", "4"])
      const back = new Subscriber().subscribe(service, ["disk:*"], { since: subscriber.positions[0]! })
      assert.deepStrictEqual([back.gaps, back.messages], [[], ["4"]])
    })
  )

  it.effect("stays in its namespace", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const elsewhere = Namespace.make("elsewhere")
      const here = new Subscriber().subscribe(service, ["**"])
      const there = new Subscriber().subscribe(service, ["**"], { namespace: elsewhere })
      yield* publish(service, "a", "1")
      yield* publish(service, "a", "2", { namespace: elsewhere })
      yield* Effect.yieldNow
      assert.deepStrictEqual([here.messages, there.messages], [["1"], ["2"]])
      const { channels: listed } = yield* service.list({ all: true })
      assert.sameMembers(
        listed.map(({ namespace }) => namespace),
        ["default", "elsewhere"]
      )
    })
  )

  it.effect("keeps fewer events of a lock's channel than of others, unless a rule says otherwise", () =>
    Effect.gen(function* () {
      const eventsOf = (settings: Parameters<typeof channels>[0]) =>
        Effect.gen(function* () {
          const { announcer, channels: service } = yield* channels(settings)
          for (let message = 0; message < 100; message++) {
            for (const channel of ["locks:a:b", "jobs:a"]) {
              announcer.announce({ channel: channel as ChannelName, message })
            }
          }
          return (yield* service.list({})).channels.map(({ channel, events }) => `${channel} ${events}`)
        })
      assert.deepStrictEqual(yield* eventsOf({}), ["jobs:a 100", "locks:a:b 64"])
      assert.deepStrictEqual(yield* eventsOf({ rules: { "locks:**": { events: 90 } } }), ["jobs:a 100", "locks:a:b 90"])
      assert.deepStrictEqual(yield* eventsOf({ retainCount: 10 }), ["jobs:a 10", "locks:a:b 10"])
    }).pipe(Effect.scoped)
  )

  it.effect("is refused on hob's own channels, where announcements are heard", () =>
    Effect.gen(function* () {
      const { announcer, channels: service } = yield* channels()
      const subscriber = new Subscriber().subscribe(service, ["locks:**"])
      assert.strictEqual((yield* Effect.flip(publish(service, "locks:a", "1")))._tag, "ChannelReserved")
      announcer.announce({ channel: "locks:a" as ChannelName, message: { event: "acquired" } })
      yield* Effect.yieldNow
      assert.deepStrictEqual(subscriber.messages, ['{"event":"acquired"}'])
    })
  )

  it.effect("may be listened to by patterns alone, which are listed with as many parties as listen", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const party = new Party()
      const one = new Subscriber(party).subscribe(service, ["a:**", "a:x"])
      new Subscriber(party).subscribe(service, ["a:**"])
      new Subscriber().subscribe(service, ["a:**", "b:*"])
      const listed = (pattern?: string) =>
        Effect.map(service.list(pattern === undefined ? {} : { pattern }), ({ channels, patterns }) => [
          channels.map(({ channel, subscribers }) => `${channel} ${subscribers}`),
          patterns.map(({ pattern, subscribers }) => `${pattern} ${subscribers}`)
        ])
      assert.deepStrictEqual(yield* listed(), [["a:x 2"], ["a:** 2", "b:* 1"]])
      assert.deepStrictEqual(yield* listed("b:c"), [[], ["b:* 1"]])
      assert.deepStrictEqual(yield* listed("*:x"), [["a:x 2"], ["a:** 2", "b:* 1"]])
      one.feed.close()
      assert.deepStrictEqual(yield* listed("a:**"), [["a:x 2"], ["a:** 2"]])
    })
  )

  it.effect("takes a message as long as the limit, and not one byte more", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ messageBytes: 2048 })
      yield* publish(service, "a", JSON.stringify("x".repeat(2046)))
      yield* publish(service, "a", JSON.stringify("é".repeat(1023)))
      for (const text of ["x".repeat(2047), `${"é".repeat(1023)}x`]) {
        const error = yield* Effect.flip(publish(service, "a", JSON.stringify(text)))
        assert.strictEqual(error._tag, "MessageTooLarge")
        assert.include(error.message, "2049")
      }
    })
  )
})

describe("a subscriber that comes back", () => {
  it.effect("gets what it missed, then what is new, with no hole and nothing twice", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels()
      const ids: Array<number> = []
      for (let at = 0; at < 20; at++) ids.push((yield* publish(service, `a:${at % 3}`, String(at))).position)
      // Published in the turn in which it subscribes: handed on already, or yet to be?
      service.publish({ channel: "a:1", json: "20", party: undefined }, () => {})
      const subscriber = new Subscriber().subscribe(service, ["a:*", "a:1"], { since: ids[4]! })
      service.publish({ channel: "a:2", json: "21", party: undefined }, () => {})
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        subscriber.messages,
        Array.from({ length: 17 }, (_, at) => String(at + 5))
      )
      assert.deepStrictEqual(subscriber.gaps, [])
    })
  )

  it.effect("is told first when the window no longer reaches back to it", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ retainCount: 5 })
      const ids: Array<number> = []
      for (let at = 0; at < 20; at++) ids.push((yield* publish(service, "a", String(at))).position)
      const subscriber = new Subscriber().subscribe(service, ["a"], { since: ids[3]! })
      assert.deepStrictEqual(subscriber.gaps, [`window ${ids[3]} ${ids[14]}`])
      assert.deepStrictEqual(subscriber.messages, ["15", "16", "17", "18", "19"])
      const justInside = new Subscriber().subscribe(service, ["a"], { since: ids[14]! })
      assert.deepStrictEqual([justInside.gaps, justInside.messages], [[], ["15", "16", "17", "18", "19"]])
      const unknown = new Subscriber().subscribe(service, ["a"], { since: ids[19]! + 1 })
      assert.deepStrictEqual(unknown.gaps, [`unknown ${ids[19]! + 1} ${ids[19]}`])
      yield* publish(service, "a", "20")
      yield* Effect.yieldNow
      assert.deepStrictEqual(unknown.messages, ["20"])
    })
  )

  it.effect("finds a window bounded by bytes and by age, by the rule of its channel", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({
        retainBytes: 100,
        rules: { "short:**": { age: "1s" }, "none:*": { events: 0 } }
      })
      for (const channel of ["long", "short:a", "none:a"]) {
        for (let at = 0; at < 20; at++) yield* publish(service, channel, `"${at % 10}234567"`)
      }
      const kept = Effect.map(service.list({}), ({ channels: listed }) =>
        Object.fromEntries(listed.map(({ bytes, channel, events }) => [channel, [events, bytes]]))
      )
      assert.deepStrictEqual(yield* kept, { long: [11, 99], "short:a": [11, 99] })
      yield* TestClock.adjust("1001 millis")
      assert.deepStrictEqual(yield* kept, { long: [11, 99] })
    })
  )

  it.effect("gets what is on disk also after a restart, and a gap for what was in memory", () =>
    Effect.gen(function* () {
      const path = join(yield* temporary, "hob.db")
      const settings = { rules: { "kept:**": { keep: "disk" as const, events: 50 } } }
      const first = yield* Effect.gen(function* () {
        const { channels: service } = yield* channels(settings, fileStore(path))
        const live = new Subscriber().subscribe(service, ["**"])
        const ids: Array<number> = []
        for (let at = 0; at < 60; at++) {
          ids.push((yield* publish(service, at % 2 === 0 ? "kept:a" : "lost", String(at))).position)
        }
        yield* Effect.yieldNow
        assert.strictEqual(live.heard.length, 60)
        return ids
      }).pipe(Effect.scoped)
      yield* Effect.gen(function* () {
        const { channels: service } = yield* channels(settings, fileStore(path))
        const back = new Subscriber().subscribe(service, ["kept:*"], { since: first[9]! })
        assert.deepStrictEqual(back.gaps, [])
        assert.deepStrictEqual(
          back.messages,
          Array.from({ length: 25 }, (_, at) => String(at * 2 + 10))
        )
        const lost = new Subscriber().subscribe(service, ["lost"], { since: first[9]! })
        assert.strictEqual(lost.gaps.length, 1)
        assert.match(lost.gaps[0]!, /^restart /)
        const both = new Subscriber().subscribe(service, ["**"], { since: first[9]! })
        assert.strictEqual(both.gaps.length, 1)
        const next = yield* publish(service, "kept:a", "new")
        assert.isAbove(epochOf(next.position), epochOf(first[0]!))
        yield* Effect.yieldNow
        assert.strictEqual(back.messages.at(-1), "new")
      }).pipe(Effect.scoped)
      yield* Effect.gen(function* () {
        const { channels: service } = yield* channels(
          { rules: { "kept:**": { keep: "disk", events: 5 } } },
          fileStore(path)
        )
        // It was the window that passed, not the restart.
        assert.match(new Subscriber().subscribe(service, ["kept:*"], { since: first[9]! }).gaps.join(), /^window /)
      }).pipe(Effect.scoped)
    })
  )
})

describe("a subscriber that reads too slowly", () => {
  it.effect("has its events kept for it up to a bound, then is cut off at its last one; nobody else notices", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ bufferBytes: 64 * 1024 })
      const slow = new Subscriber().subscribe(service, ["a"])
      const quick = new Subscriber().subscribe(service, ["a"])
      slow.reads = false
      const message = JSON.stringify("x".repeat(1000))
      const first = yield* publish(service, "a", message)
      for (let at = 0; at < 30; at++) yield* publish(service, "a", message)
      yield* Effect.yieldNow
      assert.deepStrictEqual([slow.heard.length, slow.tooSlowAt, quick.heard.length], [0, undefined, 31])
      slow.read()
      assert.strictEqual(slow.heard.length, 31)
      slow.reads = false
      const ids: Array<number> = []
      for (let at = 0; at < 70; at++) ids.push((yield* publish(service, "a", message)).position)
      yield* Effect.yieldNow
      assert.strictEqual(slow.tooSlowAt, slow.positions.at(-1))
      assert.isAbove(slow.tooSlowAt!, first.position)
      assert.strictEqual(quick.heard.length, 101)
      assert.strictEqual((yield* service.list({})).channels[0]?.subscribers, 1)
      const back = new Subscriber().subscribe(service, ["a"], { since: slow.tooSlowAt! })
      assert.deepStrictEqual(back.positions, ids)
    })
  )

  it.effect("may fall behind while its replay lasts: what is published meanwhile comes behind it", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ retainCount: 2000 })
      const start = (yield* publish(service, "a", "0")).position
      for (let at = 1; at < 1000; at++) yield* publish(service, "a", String(at))
      const subscriber = new Subscriber()
      subscriber.reads = false
      subscriber.subscribe(service, ["a"], { since: start })
      for (let at = 1000; at < 1500; at++) yield* publish(service, "a", String(at))
      subscriber.read()
      yield* publish(service, "a", "1500")
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        subscriber.messages,
        Array.from({ length: 1500 }, (_, at) => String(at + 1))
      )
    })
  )

  it.effect("whose replay is overtaken by the window is told of each hole", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ retainCount: 600 })
      const start = (yield* publish(service, "a", "0")).position
      for (let at = 1; at < 601; at++) yield* publish(service, "a", String(at))
      const subscriber = new Subscriber()
      subscriber.reads = false
      subscriber.subscribe(service, ["a"], { since: start })
      for (let at = 601; at < 1000; at++) yield* publish(service, "a", String(at))
      subscriber.read()
      yield* Effect.yieldNow
      assert.strictEqual(subscriber.gaps.length, 1)
      const [reason, after, through] = subscriber.gaps[0]!.split(" ")
      assert.deepStrictEqual([reason, Number(after)], ["window", start])
      assert.strictEqual(subscriber.positions[0], Number(through) + 1)
      assert.deepStrictEqual(subscriber.messages.at(-1), "999")
    })
  )
})

describe("limits", () => {
  it.effect("a party has as many patterns as one may, in all its feeds, and no more", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ maxPatternCount: 3 })
      const party = new Party()
      const first = new Subscriber(party).subscribe(service, ["a", "b"])
      const second = new Subscriber(party).subscribe(service, ["c"])
      const refused = service.addPatterns(second.feed, ["d"])
      assert.isTrue(Result.isFailure(refused) && refused.failure._tag === "TooManySubscriptions")
      assert.isTrue(Result.isSuccess(service.addPatterns(second.feed, ["c"])))
      first.feed.remove("a")
      assert.isTrue(Result.isSuccess(service.addPatterns(second.feed, ["d"])))
    })
  )

  it.effect("the quietest channels are forgotten beyond as many as may be, which is a gap for who asks for them", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ maxChannelCount: 10 })
      const first = (yield* publish(service, "c:0", "0")).position
      for (let at = 1; at < 30; at++) yield* publish(service, `c:${at}`, String(at))
      assert.isAtMost((yield* service.list({})).channels.length, 10)
      assert.strictEqual(new Subscriber().subscribe(service, ["c:0"], { since: first - 1 }).gaps.length, 1)
      const all = new Subscriber().subscribe(service, ["c:*"], { since: first })
      assert.strictEqual(all.gaps.length, 1)
      assert.strictEqual(all.messages.at(-1), "29")
    })
  )

  it.effect("who comes back to a namespace that was forgotten is told that something may be missing", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ maxNamespaceCount: 1 })
      const quiet = Namespace.make("quiet")
      const had = yield* publish(service, "a", "1", { namespace: quiet })
      yield* publish(service, "a", "2", { namespace: quiet })
      yield* TestClock.adjust("10 minutes")
      const { position } = yield* publish(service, "a", "1", { namespace: Namespace.make("loud") })
      yield* TestClock.adjust("10 minutes")
      for (const pattern of ["a", "**"]) {
        const back = new Subscriber().subscribe(service, [pattern], { namespace: quiet, since: had.position })
        assert.deepStrictEqual(back.gaps, [`window ${had.position} ${position}`])
      }
    })
  )

  it.effect("namespaces in use are bounded; one that nobody uses makes room", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ maxNamespaceCount: 2, retainCount: 0 })
      const name = (text: string) => Namespace.make(text)
      new Subscriber().subscribe(service, ["a"], { namespace: name("x") })
      yield* publish(service, "a", "1", { namespace: name("y") })
      yield* publish(service, "a", "1", { namespace: name("z") })
      new Subscriber().subscribe(service, ["a"], { namespace: name("z") })
      const refused = yield* Effect.flip(publish(service, "a", "1", { namespace: name("w") }))
      assert.strictEqual(refused._tag, "TooManyNamespaces")
    })
  )

  it.effect("all windows together lose their older half beyond the memory they may take", () =>
    Effect.gen(function* () {
      const { channels: service } = yield* channels({ memoryBytes: 4 * 1024 * 1024, retainBytes: 1024 ** 3 })
      const message = JSON.stringify("x".repeat(100_000))
      for (let at = 0; at < 100; at++) yield* publish(service, `c:${at % 4}`, message)
      const bytes = (yield* service.list({})).channels.reduce((sum, channel) => sum + channel.bytes, 0)
      assert.isBelow(bytes, 6 * 1024 * 1024)
      assert.isAbove(bytes, 1024 * 1024)
    })
  )
})
