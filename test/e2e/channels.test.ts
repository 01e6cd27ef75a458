import * as fc from "fast-check"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import type { Socket } from "node:net"
import { connect } from "../../src/wire/unixSocket.ts"
import { LineReader } from "../../src/wire/lines.ts"
import { matches } from "../../src/channels/patterns.ts"
import { type Home, isAlive, makeHome, until } from "../support/home.ts"

/**
 * In full: `HOB_CHANNEL_MEBIBYTES=1024 HOB_CHANNEL_EVENTS=1000000 HOB_CHANNEL_SETS=1000 vitest run
 * test/e2e/channels.test.ts`, some minutes.
 */
const FLOOD_MEBIBYTES = Number(process.env["HOB_CHANNEL_MEBIBYTES"] ?? 64)
const EVENTS = Number(process.env["HOB_CHANNEL_EVENTS"] ?? 20_000)
const SETS = Number(process.env["HOB_CHANNEL_SETS"] ?? 40)

interface Item {
  readonly type: string
  readonly id: string
  readonly channel: string
  readonly message: any
}

/** A connection that counts what it hears, and reads only while it is told to. */
class Client {
  readonly socket: Socket
  readonly items: Array<Item> = []
  readonly results = new Map<number, any>()
  readonly errors = new Map<number, any>()
  readonly #reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
  #id = 0
  #wake: Array<() => void> = []
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on("error", () => {})
    socket.on("close", () => {
      this.closed = true
      this.#tell()
    })
    socket.on("data", (chunk: Buffer) => {
      this.#reader.push(chunk)
      for (let line = this.#reader.next(); line !== undefined; line = this.#reader.next()) {
        const said = JSON.parse(line as string)
        if (said.chunk === true) this.items.push(...said.result)
        else if (said.error !== undefined) this.errors.set(said.id, said.error)
        else this.results.set(said.id, said.result)
      }
      this.#tell()
    })
  }

  static async to(home: Home): Promise<Client> {
    return new Client(await connect(home.paths.socket))
  }

  get events(): ReadonlyArray<Item> {
    return this.items.filter(({ type }) => type === "event")
  }

  send(method: string, params: unknown): number {
    const id = ++this.#id
    this.socket.write(`{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${JSON.stringify(params)}}\n`)
    return id
  }

  async call(method: string, params: unknown): Promise<any> {
    const id = this.send(method, params)
    await this.until(() => this.results.has(id) || this.errors.has(id) || this.closed)
    if (!this.results.has(id)) throw Object.assign(new Error(`${method} failed`), { error: this.errors.get(id) })
    return this.results.get(id)
  }

  async until(check: () => boolean): Promise<void> {
    while (!check()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  /** Subscribed, as far as the daemon is concerned. */
  async subscribe(params: unknown): Promise<number> {
    const id = this.send("channels.subscribe", params)
    const before = this.items.length
    await this.until(() => this.items.slice(before).some(({ type }) => type === "subscribed") || this.errors.has(id))
    return id
  }

  #tell(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

describe("channels of a running daemon", () => {
  let home: Home
  beforeEach(() => void (home = makeHome()))
  afterEach(() => home.destroy())

  const configure = (channels: unknown) => {
    // However slow the machine is: who does not read is not hung up on meanwhile.
    const socket = { stallMillis: 3_600_000 }
    mkdirSync(home.paths.home, { recursive: true, mode: 0o700 })
    writeFileSync(home.paths.config, JSON.stringify({ channels, socket }), { mode: 0o600 })
  }

  it("keep what was acknowledged on disk over kill -9, and give ids that only grow", async () => {
    configure({ rules: { "kept:**": { keep: "disk", events: 100_000 } } })
    const acknowledged: Array<readonly [string, number]> = []
    let first: string | undefined
    let number = 0
    for (let round = 0; round < 5; round++) {
      await home.ok(["start"])
      const pid = await home.daemonPid()
      const publisher = await Client.to(home)
      const ids: Array<readonly [number, number]> = []
      const note = () => {
        for (const [id, value] of ids.splice(0)) {
          const result = publisher.results.get(id)
          if (result === undefined) ids.push([id, value])
          else acknowledged.push([result.id, value])
        }
      }
      for (let sent = 0; acknowledged.length < (round + 1) * 200;) {
        for (let many = 0; many < 20; many++, sent++) {
          ids.push([publisher.send("channels.publish", { channel: `kept:${sent % 3}`, message: number }), number++])
        }
        const wanted = acknowledged.length + 5
        await publisher.until(() => {
          if (ids.some(([id]) => publisher.results.has(id))) note()
          return acknowledged.length >= wanted
        })
      }
      process.kill(pid, "SIGKILL")
      await publisher.until(() => publisher.closed)
      await until("the daemon is dead", () => !isAlive(pid))
      note()
      first ??= acknowledged[0]![0]
    }
    await home.ok(["start"])
    const reader = await Client.to(home)
    await reader.subscribe({ patterns: ["kept:*"], since: first })
    const { id: last } = await (await Client.to(home)).call("channels.publish", { channel: "kept:0", message: "last" })
    await reader.until(() => reader.events.at(-1)?.id === last)
    assert.deepStrictEqual(
      reader.items.filter(({ type }) => type === "gap"),
      []
    )
    const got = new Map(reader.events.map(({ id, message }) => [id, message]))
    for (const [id, value] of acknowledged.slice(1)) assert.strictEqual(got.get(id), value, id)
    const order = [...got.keys()].map((id) => id.split("-").map(Number))
    for (let at = 1; at < order.length; at++) {
      const [[epochBefore, before], [epoch, sequence]] = [order[at - 1] as any, order[at] as any]
      assert.isTrue(
        epoch > epochBefore || (epoch === epochBefore && sequence > before),
        `${order[at - 1]} ${order[at]}`
      )
    }
    reader.socket.destroy()
  })

  it("cut off a hundred subscribers that never read, each at its last id, and nobody else notices", async () => {
    configure({ bufferBytes: 4 * 1024 * 1024 })
    await home.ok(["start"])
    const pid = await home.daemonPid()
    const stalled = await Promise.all(Array.from({ length: 100 }, () => Client.to(home)))
    for (const client of stalled) await client.subscribe({ patterns: ["flood"] })
    for (const client of stalled) client.socket.pause()
    const reader = await Client.to(home)
    await reader.subscribe({ patterns: ["flood"] })
    const publisher = await Client.to(home)
    const before = residentBytes(pid)
    let most = before
    const text = "x".repeat(64 * 1024)
    const count = FLOOD_MEBIBYTES * 16
    const took: Array<number> = []
    let heard = 0
    for (let at = 0; at < count; at++) {
      const began = performance.now()
      await publisher.call("channels.publish", { channel: "flood", message: { at, text } })
      await reader.until(() => reader.items.at(-1)?.message?.at === at)
      took.push(performance.now() - began)
      heard += reader.items.splice(0).filter(({ type }) => type === "event").length
      if (at % 64 === 0) most = Math.max(most, residentBytes(pid))
    }
    assert.strictEqual(heard, count)
    took.sort((one, other) => one - other)
    const grown = (most - before) / 1024 / 1024
    const p99 = took[Math.floor(count * 0.99)]!.toFixed(1)
    // How quick it is depends on the machine: told, not held to.
    console.log(
      `${FLOOD_MEBIBYTES} MiB past 100 stalled subscribers: +${grown.toFixed(0)} MiB; p99 to a reader ${p99} ms`
    )
    assert.isBelow(grown, 128)
    for (const client of stalled.slice(0, 5)) {
      client.socket.resume()
      await client.until(() => client.errors.size > 0)
      const [error] = client.errors.values()
      const { error: reason } = error.data[0]
      assert.strictEqual(reason._tag, "SubscriberTooSlow")
      assert.strictEqual(reason.lastId, client.events.at(-1)!.id)
      client.items.length = 0
      client.errors.clear()
      // The window is shorter than what it missed: told, and then what is left of it.
      await client.subscribe({ patterns: ["flood"], since: reason.lastId })
      await client.until(() => client.events.at(-1)?.message.at === count - 1)
      assert.deepStrictEqual(
        client.items.map(({ type }) => type).filter((type) => type !== "event"),
        ["subscribed", "gap"]
      )
      assert.strictEqual(client.items[1]?.type, "gap")
      client.socket.destroy()
    }
    for (const client of stalled) client.socket.destroy()
    reader.socket.destroy()
    publisher.socket.destroy()
  })

  it("lose no event and double none for readers that reconnect all the time, in one order for all", async () => {
    configure({ retainCount: 100_000, retainBytes: 64 * 1024 * 1024 })
    await home.ok(["start"])
    const publishers = [await Client.to(home), await Client.to(home)]
    const begin = (await publishers[0]!.call("channels.publish", { channel: "load:0", message: [0, -1] })).id
    const total = EVENTS
    /** How far behind the slower reader the publishers may be ahead: less than the window. */
    const ahead = 1000
    const readers = [0, 1].map(() => ({
      got: [] as Array<string>,
      messages: [] as Array<[number, number]>,
      reconnects: 0
    }))
    let wake: Array<() => void> = []
    const reading = readers.map(async (reader, which) => {
      for (let since = begin; reader.got.length < total;) {
        const client = await Client.to(home)
        reader.reconnects++
        await client.subscribe({ patterns: ["load:*"], since })
        const wanted = Math.min(total - reader.got.length, 1 + ((reader.got.length * 7919 + which) % 97))
        await client.until(() => client.items.length > wanted)
        client.socket.destroy()
        assert.isFalse(client.items.some(({ type }) => type === "gap"))
        for (const { id, message } of client.events) {
          reader.got.push(id)
          reader.messages.push(message)
        }
        since = reader.got.at(-1)!
        for (const go of wake.splice(0)) go()
      }
    })
    const publishing = publishers.map(async (publisher, which) => {
      for (let at = 0; at < total / 2;) {
        const last = Math.min(total / 2, at + 100)
        let id = 0
        for (; at < last; at++)
          id = publisher.send("channels.publish", { channel: `load:${at % 5}`, message: [which, at] })
        await publisher.until(() => publisher.results.has(id))
        publisher.results.clear()
        while (2 * at - Math.min(...readers.map(({ got }) => got.length)) > ahead) {
          await new Promise<void>((resolve) => wake.push(resolve))
        }
      }
    })
    await Promise.all([...publishing, ...reading])
    const [one, other] = readers
    assert.deepStrictEqual(one!.got, other!.got)
    const next = [0, 0]
    for (const [which, at] of one!.messages) assert.strictEqual(at, next[which]!++)
    assert.deepStrictEqual(next, [total / 2, total / 2])
    const reconnects = one!.reconnects + other!.reconnects
    console.log(`${total} events, ${reconnects} reconnects`)
    assert.isAbove(reconnects, Math.min(1000, total / 1000))
    for (const publisher of publishers) publisher.socket.destroy()
  }, 1_800_000)

  it("give a connection each event once and none of its own, whatever its subscriptions are", async () => {
    await home.ok(["start"])
    const outside = await Client.to(home)
    const part = fc.constantFrom("a", "b", "*")
    const pattern = fc
      .tuple(fc.array(part, { maxLength: 2 }), fc.constantFrom([], ["**"], ["a"]))
      .map(([first, rest]) => [...first, ...rest].join(":"))
      .filter((text) => text !== "")
    const name = fc.array(fc.constantFrom("a", "b"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(":"))
    const subscriptions = fc.array(fc.array(pattern, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
    const set = fc.record({ subscriptions, published: fc.array(name, { maxLength: 4 }) })
    const sets = fc.sample(set, { numRuns: SETS, seed: 4242 })
    for (let from = 0; from < sets.length; from += 4) {
      const some = sets.slice(from, from + 4)
      const clients = await Promise.all(some.map(() => Client.to(home)))
      const end = `end:${from}`
      for (const [at, { subscriptions }] of some.entries()) {
        for (const patterns of subscriptions) await clients[at]!.subscribe({ patterns })
        await clients[at]!.subscribe({ patterns: [end] })
      }
      const sent: Array<{ readonly by: number; readonly name: string; readonly id: string }> = []
      const hears = (at: number, name: string) =>
        some[at]!.subscriptions.flat().some((pattern) => matches(pattern, name))
      for (const [by, { published }] of some.entries()) {
        for (const name of published) {
          const { id, receivers } = await clients[by]!.call("channels.publish", { channel: name, message: by })
          sent.push({ by, name, id })
          assert.strictEqual(receivers, some.filter((_, at) => at !== by && hears(at, name)).length)
        }
      }
      const last = await outside.call("channels.publish", { channel: end, message: null })
      for (const [at, client] of clients.entries()) {
        await client.until(() => client.items.at(-1)?.id === last.id)
        const expected = sent.filter(({ by, name }) => by !== at && hears(at, name)).map(({ id }) => id)
        const heard = client.events.filter(({ channel }) => channel !== end)
        assert.deepStrictEqual(
          heard.map(({ id }) => id),
          expected,
          JSON.stringify(some)
        )
        client.socket.destroy()
      }
    }
    outside.socket.destroy()
  }, 600_000)

  it("refuse what is no name, no pattern, no id and no message, and go on", async () => {
    await home.ok(["start"])
    const client = await Client.to(home)
    const refused = async (method: string, params: unknown) => {
      const error = await client.call(method, params).then(
        () => undefined,
        ({ error }: any) => error
      )
      assert.strictEqual(error?.code, -32602, `${method} ${JSON.stringify(params).slice(0, 80)}`)
    }
    for (const channel of ["", "x".repeat(10_000), "a::b", ":a", "a:", "a\0", "a:*", "**", 1, null, ["a"]]) {
      await refused("channels.publish", { channel, message: 1 })
    }
    await refused("channels.publish", { channel: "a" })
    for (const namespace of ["", "a b", "x".repeat(200), 5]) {
      await refused("channels.publish", { namespace, channel: "a", message: 1 })
    }
    for (const patterns of [[], "a", ["**:a"], [""], Array.from({ length: 1001 }, (_, at) => `a:${at}`)]) {
      await refused("channels.subscribe", { patterns })
    }
    for (const since of ["", "1", "1-", "-1-1", "01-1", "1-1x", 5, "99999999999-1"]) {
      await refused("channels.subscribe", { patterns: ["a"], since })
    }
    await client.subscribe({ patterns: ["b"], since: "9999999-1" })
    await client.until(() => client.items.length === 2)
    assert.deepInclude(client.items[1], { type: "gap", after: "9999999-1", reason: "unknown" } as object)
    await client.subscribe({ patterns: ["a"] })
    const { receivers } = await (await Client.to(home)).call("channels.publish", { channel: "a", message: null })
    assert.strictEqual(receivers, 1)
    client.socket.destroy()
  })

  it("take a hundred thousand subscriptions of one connection as far as the limit, and tell the others so", async () => {
    await home.ok(["start"])
    const client = await Client.to(home)
    for (let at = 0; at < 100; at++) {
      client.send("channels.subscribe", { patterns: Array.from({ length: 1000 }, (_, n) => `many:${at}:${n}`) })
    }
    await client.until(() => client.errors.size + client.items.length === 100)
    assert.deepStrictEqual([client.items.length, client.errors.size], [10, 90])
    const [error] = client.errors.values()
    assert.strictEqual(error.data[0].error._tag, "TooManySubscriptions")
    const other = await Client.to(home)
    const channel = "many:3:77"
    assert.strictEqual((await other.call("channels.publish", { channel, message: 1 })).receivers, 1)
    await client.until(() => client.events.length === 1)
    client.socket.destroy()
    const gone = async () => (await other.call("channels.publish", { channel, message: 1 })).receivers === 0
    while (!(await gone()));
    other.socket.destroy()
  })

  it("carry a message of sixteen mebibytes, and refuse one byte more", async () => {
    await home.ok(["start"])
    const reader = await Client.to(home)
    await reader.subscribe({ patterns: ["big"] })
    const publisher = await Client.to(home)
    const message = "x".repeat(16 * 1024 * 1024 - 2)
    await publisher.call("channels.publish", { channel: "big", message })
    await reader.until(() => reader.events.length === 1)
    assert.strictEqual(reader.events[0]!.message, message)
    const error = await publisher.call("channels.publish", { channel: "big", message: `${message}x` }).catch((e) => e)
    assert.strictEqual(error.error.data[0].error._tag, "MessageTooLarge")
    assert.isFalse(publisher.closed)
    reader.socket.destroy()
    publisher.socket.destroy()
  })
})
