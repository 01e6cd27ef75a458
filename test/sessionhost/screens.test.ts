import { assert, describe, it } from "vitest"
import type { ScreensAsk } from "../../src/protocol/screens.ts"
import { Answers } from "../../src/sessionhost/Answers.ts"
import type { StartScreens } from "../../src/sessionhost/ScreensLink.ts"
import { TestHost } from "./support/host.ts"
import { Watch } from "./support/peers.ts"
import { FakeScreens } from "./support/screens.ts"

/** A host whose screens processes are on strings, and those that it has started. */
const start = async (prepare?: (screens: FakeScreens) => void) => {
  const all: Array<FakeScreens> = []
  const watch = new Watch()
  const startScreens: StartScreens = (token) => {
    const screens = new FakeScreens(token)
    prepare?.(screens)
    all.push(screens)
    watch.changed()
    return screens.process
  }
  const host = await TestHost.start({ startScreens })
  const nth = async (count: number) => {
    await watch.until(() => all.length >= count)
    return all[count - 1]!
  }
  /** The next one that the host starts, connected. */
  const connect = async (count = 1) => {
    const screens = await nth(count)
    await screens.connect(host.paths.hostSocket)
    await screens.request("hello", { protocol: 2, daemonPid: 1 })
    return screens
  }
  return { all, connect, host, nth }
}

const asked = async (screens: FakeScreens, count = 1) => {
  await screens.until(() => screens.asks.length >= count)
  return screens.asks[count - 1] as Extract<ScreensAsk, { ask: number }>
}

describe("the host and its screens process", () => {
  it("is started with the first terminal, told what happens, and started again when it ends", async () => {
    const { all, connect, host, nth } = await start()
    await using _ = host
    await host.spawn({ kind: "pipe" })
    assert.lengthOf(all, 0)
    const { id, program } = await host.spawn()
    const first = await connect()
    const hello = await first.request("hello", { protocol: 2, daemonPid: 1 })
    assert.isTrue(JSON.stringify(hello.result).includes(id))
    await host.control.ask("resize", { session: id, cols: 90, rows: 30 })
    await first.until(() => first.events.some(({ event, session }) => event === "changed" && session.id === id))
    first.end("exit 1")
    first.disconnect()
    const second = await connect(2)
    assert.notStrictEqual(second.token, first.token)
    program.end()
    await second.until(() => second.events.some(({ event, session }) => event === "closed" && session.id === id))
    await host.control.ask("remove", { session: id })
    await second.until(() => second.events.some(({ event, session }) => event === "removed" && session.id === id))
    assert.isFalse((await nth(2)).killed)
  })

  it("answers what a daemon asks, unread, and is told when nobody waits any more", async () => {
    const { connect, host } = await start()
    await using _ = host
    const { id } = await host.spawn()
    const screens = await connect()
    const question = { op: "something of the future", session: id, deep: [1, { two: null }] }
    const reply = host.control.request("screens", { request: question })
    const ask = await asked(screens)
    assert.deepStrictEqual(ask.request, question)
    screens.answer({ answer: ask.ask, result: { any: "thing" } })
    assert.deepStrictEqual((await reply).result, { any: "thing" })

    const refused = host.control.request("screens", { request: 1 })
    const second = await asked(screens, 2)
    screens.answer({ answer: second.ask, error: { code: "no-terminal", message: "it is on pipes" } })
    const { error } = await refused
    assert.deepStrictEqual(error?.code, "screens")
    assert.deepStrictEqual(error?.screens, { code: "no-terminal", message: "it is on pipes" })

    void host.control.request("screens", { request: 2 })
    const third = await asked(screens, 3)
    await host.control.request("cancel", { request: 5 })
    await screens.until(() => screens.asks.length === 4)
    assert.deepStrictEqual(screens.asks[3], { cancel: third.ask })

    void host.control.request("screens", { request: 3 })
    const fifth = await asked(screens, 5)
    host.control.socket.destroy()
    await screens.until(() => screens.asks.length === 6)
    assert.deepStrictEqual(screens.asks[5], { cancel: fifth.ask })
  })

  it("is started for a question when there is none, and a question it dies over is refused, not lost", async () => {
    const { connect, host } = await start()
    await using _ = host
    const reply = host.control.request("screens", { request: "early" })
    const screens = await connect()
    const ask = await asked(screens)
    assert.strictEqual(ask.request, "early")
    screens.disconnect()
    assert.strictEqual((await reply).error?.code, "screens-unavailable")
    const plain = await TestHost.start()
    await using __ = plain
    assert.strictEqual((await plain.control.request("screens", { request: 1 })).error?.code, "screens-unavailable")
  })

  it("gives snapshots, and none is waited for longer than its time", async () => {
    const { connect, host } = await start()
    await using _ = host
    const { session } = await host.spawn()
    const link = host.running.host.screens
    assert.isNull(await link.snapshot(session.id, { historyLines: 10 }, 20))
    const screens = await connect()
    const wanted = link.snapshot(session.id, { historyLines: 10 }, 60_000)
    await screens.until(() => screens.asks.length === 1)
    const first = screens.asks[0] as Extract<ScreensAsk, { snapshot: number }>
    assert.deepStrictEqual([first.session, first.historyLines], [session.id, 10])
    screens.snapshot(first.snapshot, 77n, "one")
    screens.snapshot(first.snapshot, 77n, "two")
    screens.snapshot(first.snapshot, 77n, "")
    const snapshot = (await wanted)!
    assert.deepStrictEqual({ ...snapshot }, { offset: 77, cols: 80, rows: 24, bytes: Buffer.from("onetwo") })
    const none = link.snapshot(session.id, { historyLines: 10 }, 60_000)
    await screens.until(() => screens.asks.length === 2)
    screens.snapshot((screens.asks[1] as typeof first).snapshot, 0xffff_ffff_ffff_ffffn, "")
    assert.isNull(await none)
    assert.isNull(await link.snapshot(session.id, { historyLines: 10 }, 1))
  })

  it("is known by its token, which is good once", async () => {
    const { connect, host } = await start()
    await using _ = host
    await host.spawn()
    const screens = await connect()
    const stranger = new FakeScreens("guessed")
    await stranger.connect(host.paths.hostSocket)
    await stranger.until(() => stranger.closed)
    const again = new FakeScreens(screens.token)
    await again.connect(host.paths.hostSocket)
    await again.until(() => again.closed)
    assert.isFalse(screens.closed)
  })

  it("what it announces reaches daemons that know of it, and it is no client of a session", async () => {
    const { connect, host } = await start()
    await using _ = host
    const { id, session } = await host.spawn()
    const screens = await connect()
    const since = "2026-01-01T00:00:00.000Z"
    const announce = { type: "activity", session: session.id, activity: { state: "idle", since, agent: null } } as const
    screens.answer({ announce })
    assert.deepStrictEqual(await host.control.announcement(), announce)
    await screens.request("grant", {
      ticket: "t",
      session: id,
      mode: "follow",
      readOnly: true,
      since: 0,
      tail: null,
      cols: null,
      rows: null,
      uncounted: true
    })
    const before = host.running.server.connections
    const client = await host.openTicket("t")
    assert.strictEqual(client.opened!.session.clients, 0)
    assert.strictEqual(host.running.server.connections, before)
  })

  it("types an answer once, however often it is given", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const answer = (offset: number, text: string) =>
      host.control.ask("answer", { session: id, offset, data: Buffer.from(text).toString("base64") })
    program.print("\x1b[c\x1b[6n")
    await answer(3, "one")
    await answer(3, "one")
    await answer(7, "two")
    await answer(3, "one")
    await answer(6, "never")
    assert.strictEqual(program.readInput().toString(), "onetwo")
  })

  it("a question of long ago is answered while the program has said nothing since, and no later", () => {
    const answers = new Answers()
    for (let second = 0; second <= 100; second++) answers.printed(second * 10, second * 1000)
    assert.isTrue(answers.wanted(1000, 1000, 500_000), "nothing was printed since")
    assert.isFalse(answers.wanted(700, 1000, 100_000))
    assert.isFalse(answers.wanted(700, 1000, 500_000))
    assert.isTrue(answers.wanted(990, 1000, 100_000))
    answers.given(995)
    assert.isFalse(answers.wanted(990, 1000, 100_000))
  })
})
