import { assert, describe, it } from "vitest"
import type { HostSession } from "../../src/protocol/sessionHost.ts"
import { TestHost } from "./support/host.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A client that knows the lease, in a terminal of this size. */
const terminal = (name: string, cols: number, rows: number, take?: boolean) => ({
  cols,
  rows,
  say: { screen: false, client: name, ...(take === undefined ? {} : { take }) }
})

describe("the input lease of a session", () => {
  const setUp = async () => {
    const host = await TestHost.start()
    const { id, program } = await host.spawn()
    const input = async () => (await host.control.ask<{ sessions: [HostSession] }>("list")).sessions[0].input
    const typed = async (text: string) => {
      let read = ""
      while (!read.includes(text)) {
        read += program.readInput().toString()
        await turn()
      }
      return read
    }
    return { host, id, program, input, typed, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
  }

  it("belongs to the first client: its size is the terminal's, and what others type is not typed", async () => {
    await using set = await setUp()
    const { host, id, input, program, typed } = set
    const first = await host.open(id, terminal("pts/1", 100, 30))
    await first.until(() => first.leases.length === 1)
    assert.deepStrictEqual(first.leases, [{ held: true, holder: null }])
    assert.deepStrictEqual(program.sizes.at(-1), [100, 30])

    const second = await host.open(id, terminal("pts/2", 40, 20))
    await second.until(() => second.leases.length === 1)
    const { client, since } = second.leases[0]!.holder!
    assert.strictEqual(client, "pts/1")
    assert.isBelow(Math.abs(Date.now() - Date.parse(since)), 60_000)
    second.type("never")
    second.resize(41, 21)
    first.type("always")
    first.resize(101, 31)
    assert.strictEqual(await typed("always"), "always")
    second.type("never")
    first.type("again")
    assert.strictEqual(await typed("again"), "again")
    assert.deepStrictEqual(program.sizes.slice(1), [
      [100, 30],
      [101, 31]
    ])
    assert.strictEqual((await input())?.client, "pts/1")
    assert.strictEqual(first.leases.length, 1)
  })

  it("is taken over by who asks: everybody hears who has it, and the size follows", async () => {
    await using set = await setUp()
    const { host, id, program, typed } = set
    const first = await host.open(id, terminal("pts/1", 100, 30))
    const second = await host.open(id, terminal("pts/2", 40, 20))
    second.resize(50, 25)
    second.take()
    second.type("mine")
    assert.strictEqual(await typed("mine"), "mine")
    assert.deepStrictEqual(program.sizes.at(-1), [50, 25])
    assert.deepStrictEqual(second.leases.at(-1), { held: true, holder: null })
    await first.until(() => first.leases.at(-1)?.held === false)
    assert.strictEqual(first.leases.at(-1)!.holder!.client, "pts/2")

    const third = await host.open(id, terminal("pts/3", 60, 15, true))
    await third.until(() => third.leases.at(-1)?.held === true)
    assert.deepStrictEqual(program.sizes.at(-1), [60, 15])
    await second.until(() => second.leases.at(-1)?.held === false)
  })

  it("is free when its holder leaves: the size stays until somebody types, who has it then", async () => {
    await using set = await setUp()
    const { host, id, input, program, typed } = set
    const first = await host.open(id, terminal("pts/1", 100, 30))
    const second = await host.open(id, terminal("pts/2", 40, 20))
    const third = await host.open(id, terminal("pts/3", 44, 22))
    first.socket.destroy()
    const isFree = (client: typeof second) => client.until(() => client.leases.at(-1)?.holder === null)
    await Promise.all([isFree(second), isFree(third)])
    assert.isNull(await input())
    assert.deepStrictEqual(program.sizes.at(-1), [100, 30])
    third.type("me")
    assert.strictEqual(await typed("me"), "me")
    assert.deepStrictEqual(program.sizes.at(-1), [44, 22])
    await second.until(() => second.leases.at(-1)?.holder?.client === "pts/3")
    assert.strictEqual((await input())?.client, "pts/3")
  })

  it("is not taken by a client that comes back only to watch, nor by one that is read-only", async () => {
    await using set = await setUp()
    const { host, id, input, program } = set
    const back = await host.open(id, terminal("pts/1", 100, 30, false))
    const watcher = await host.open(id, { ...terminal("pts/2", 40, 20, true), readOnly: true })
    await back.until(() => back.leases.length === 1)
    await watcher.until(() => watcher.leases.length === 1)
    assert.deepStrictEqual(
      [back.leases[0], watcher.leases[0]],
      [
        { held: false, holder: null },
        { held: false, holder: null }
      ]
    )
    assert.isNull(await input())
    assert.strictEqual(program.sizes.length, 1)
    watcher.take()
    await watcher.whenClosed()
    assert.strictEqual(watcher.error?.code, "bad-frame")
  })

  it("binds neither `send` nor a client of before it", async () => {
    await using set = await setUp()
    const { host, id, program, typed } = set
    await host.open(id, terminal("pts/1", 100, 30))
    const old = await host.open(id, { cols: 90, rows: 29 })
    assert.deepStrictEqual(program.sizes.at(-1), [90, 29])
    old.type("old ")
    await typed("old ")
    await host.control.ask("send", { session: id, data: Buffer.from("sent").toString("base64") })
    assert.strictEqual(await typed("sent"), "sent")
    assert.deepStrictEqual(old.leases, [])
  })

  it("that changes hands while a client reads nothing is told to it once", async () => {
    await using set = await setUp()
    const { host, id, program } = set
    const frozen = await host.open(id, terminal("pts/0", 80, 24))
    frozen.socket.pause()
    const reader = await host.open(id, { mode: "follow" })
    const [one, two] = [await host.open(id, terminal("pts/1", 80, 24)), await host.open(id, terminal("pts/2", 80, 24))]
    const size = 512 * 1024
    for (let printed = 0; printed < 4 * size; printed += size) program.print(Buffer.alloc(size, "x"))
    await reader.until(() => reader.offset === 4 * size)
    const has = (client: typeof one, held: boolean) => client.until(() => client.leases.at(-1)?.held === held)
    for (let round = 0; round < 20; round++) {
      one.take()
      await Promise.all([has(one, true), has(two, false)])
      two.take()
      await Promise.all([has(one, false), has(two, true)])
    }
    frozen.socket.resume()
    await frozen.until(() => frozen.offset === 4 * size && frozen.leases.at(-1)?.holder?.client === "pts/2")
    assert.isAtMost(frozen.leases.length, 3)
  })
})
