import { assert, describe, it } from "vitest"
import { FrameType } from "../../src/protocol/sessionFrames.ts"
import type { Snapshot } from "../../src/sessionhost/ExactScreens.ts"
import { sample } from "./log/support.ts"
import { TestHost } from "./support/host.ts"
import { Watch } from "./support/peers.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A screens process as its test plays it: each question waits for its answer. */
class Asked {
  readonly questions: Array<{ historyLines: number; answer: (snapshot: Snapshot | null) => void }> = []
  readonly #watch = new Watch()

  readonly ask = (_session: string, historyLines: number): Promise<Snapshot | null> =>
    new Promise((answer) => {
      this.questions.push({ historyLines, answer })
      this.#watch.changed()
    })

  async next() {
    await this.#watch.until(() => this.questions.length > 0)
    return this.questions.shift()!
  }
}

const snapshot = (offset: number, text: string, cols = 80, rows = 24): Snapshot => ({
  offset,
  cols,
  rows,
  bytes: Buffer.from(text)
})

const MANY = 200_000

describe("an attaching client that wants the exact screen", () => {
  const setUp = async (options: Parameters<TestHost["spawn"]>[0] = {}) => {
    const asked = new Asked()
    const host = await TestHost.start({ askScreen: asked.ask })
    const { id, program } = await host.spawn(options)
    const print = async (from: number, bytes: number) => {
      for (let at = from; at < from + bytes; at += 50_000) {
        program.print(sample(at, Math.min(50_000, from + bytes - at)))
        await turn()
      }
    }
    const open = (say: object = {}, more: object = {}) =>
      host.open(id, { ...more, say: { screen: true, historyLines: 10_000, ...say } })
    return { host, asked, id, program, print, open, [Symbol.asyncDispose]: () => host[Symbol.asyncDispose]() }
  }

  it("gets it, and the output from that very byte on, also what came while it was asked for", async () => {
    await using set = await setUp()
    const { asked, open, print } = set
    await print(0, MANY)
    const opening = open()
    const question = await asked.next()
    assert.strictEqual(question.historyLines, 10_000)
    await print(MANY, 1000)
    const long = "the screen ".repeat(100_000)
    question.answer(snapshot(MANY - 500, long, 100, 30))
    const client = await opening
    await client.until(() => client.offset === MANY + 1000)
    assert.strictEqual(client.opened!.offset, MANY - 500)
    assert.isTrue(client.opened!.exact)
    assert.deepStrictEqual(client.opened!.size, { cols: 100, rows: 30 })
    assert.deepStrictEqual(client.screens, [{ offset: MANY - 500, cols: 100, rows: 30, text: long }])
    assert.deepStrictEqual(client.output, sample(MANY - 500, 1500))
    assert.deepStrictEqual(client.order, [
      FrameType.opened,
      FrameType.lease,
      FrameType.screen,
      FrameType.resized,
      FrameType.output
    ])
  })

  it("is told of a size that the screen does not have yet", async () => {
    await using set = await setUp()
    const { asked, open, print } = set
    await print(0, MANY)
    const opening = open({}, { cols: 132, rows: 43 })
    ;(await asked.next()).answer(snapshot(MANY, "old size"))
    const client = await opening
    await client.until(() => client.sizes.length === 1)
    assert.deepStrictEqual(client.opened!.size, { cols: 80, rows: 24 })
    assert.deepStrictEqual(client.sizes, [{ offset: MANY, cols: 132, rows: 43 }])
  })

  it("of a session that has printed little does not wait for it: all of the output is as good", async () => {
    await using set = await setUp()
    const { asked, host, id, open, program } = set
    const empty = await open()
    assert.isTrue(empty.opened!.exact)
    assert.lengthOf(asked.questions, 0)
    program.print("hello")
    const little = await open()
    assert.isTrue(little.opened!.exact)
    await little.until(() => little.offset === 5)
    assert.strictEqual(little.output.toString(), "hello")
    // Not when the size has changed since: what was printed before would be shown in the wrong size.
    await host.control.ask("resize", { session: id, cols: 90, rows: 30 })
    asked.questions.length = 0
    const opening = open()
    ;(await asked.next()).answer(snapshot(5, "exact"))
    assert.deepStrictEqual((await opening).opened!.exact, true)
  })

  it("gets recent output when there is none in time, is told so, and gets the screen as soon as there is one", async () => {
    await using set = await setUp({ recentBytes: 64 * 1024 })
    const { asked, open, print } = set
    await print(0, MANY)
    const opening = open()
    const first = await asked.next()
    const client = await opening
    assert.isFalse(client.opened!.exact)
    await client.until(() => client.offset === MANY)
    assert.isAbove(client.bytes, 60_000)
    // The late one has a history that would be there twice.
    first.answer(snapshot(MANY, "with history"))
    const second = await asked.next()
    assert.strictEqual(second.historyLines, 0)
    await print(MANY, 100)
    second.answer(snapshot(MANY - 10, "exact"))
    await client.until(() => client.screens.length === 1 && client.offset === MANY + 100)
    assert.deepStrictEqual(client.screens[0]!.text, "exact")
    assert.deepStrictEqual(client.gaps, [])
  })

  it("asks again when the answer is that there is none, or that it can't be asked", async () => {
    await using set = await setUp()
    const { asked, open, print } = set
    await print(0, MANY)
    const opening = open()
    ;(await asked.next()).answer(null)
    const client = await opening
    assert.isFalse(client.opened!.exact)
    ;(await asked.next()).answer(null)
    ;(await asked.next()).answer(snapshot(MANY, "at last"))
    await client.until(() => client.screens.length === 1)
  })

  it("gets a fresh one when it fell too far behind, and whenever it asks", async () => {
    await using set = await setUp({ recentBytes: 64 * 1024, segmentBytes: 4 * 1024 * 1024 })
    const { asked, host, id, open, print } = set
    const client = await open()
    client.socket.pause()
    const reader = await host.open(id, { mode: "follow" })
    const total = 16 * 1024 * 1024
    await print(0, total)
    await reader.until(() => reader.offset === total)
    client.socket.resume()
    const stale = await asked.next()
    assert.strictEqual(stale.historyLines, 0)
    // One from so long ago would leave the client too far behind at once.
    stale.answer(snapshot(1000, "stale"))
    ;(await asked.next()).answer(snapshot(total - 50, "fresh"))
    await client.until(() => client.screens.length === 1 && client.offset === total)
    assert.deepStrictEqual(client.screens[0]!.text, "fresh")
    assert.deepStrictEqual(
      client.gaps.map(({ reason }) => reason),
      client.gaps.map(() => "behind")
    )
    assert.isAbove(client.gaps.length, 0)

    client.refresh()
    client.refresh()
    ;(await asked.next()).answer(snapshot(total, "asked for"))
    await client.until(() => client.screens.length === 2)
    assert.lengthOf(asked.questions, 0)
  })

  it("that comes back needs none when nothing was skipped, and gets one when something is", async () => {
    await using set = await setUp({ recentBytes: 4096, segmentBytes: 50_000, maxBytes: 200_000 })
    const { asked, open, print } = set
    await print(0, 1_000_000)
    const back = await open({ since: 999_000, take: false })
    await back.until(() => back.offset === 1_000_000)
    assert.isTrue(back.opened!.exact)
    assert.strictEqual(back.opened!.offset, 999_000)
    assert.strictEqual(back.bytes, 1000)
    assert.lengthOf(asked.questions, 0)

    const opening = open({ since: 5, take: false })
    const question = await asked.next()
    assert.strictEqual(question.historyLines, 0)
    question.answer(snapshot(999_990, "now"))
    const late = await opening
    await late.until(() => late.offset === 1_000_000)
    assert.deepStrictEqual(late.gaps, [{ from: 5, to: 999_990, reason: "behind" }])
    assert.deepStrictEqual(late.misplaced, [])
  })

  it("gets the last one of a session that has ended", async () => {
    await using set = await setUp()
    const { asked, host, id, open, print, program } = set
    await print(0, MANY)
    program.end({ code: 3 })
    await host.control.event("closed", id)
    const opening = open()
    ;(await asked.next()).answer(snapshot(MANY, "the end"))
    const client = await opening
    await client.whenClosed()
    assert.deepStrictEqual([client.screens[0]!.text, client.exited?.code, client.ended], ["the end", 3, true])
    assert.strictEqual(client.bytes, 0)
  })

  it("may vanish while the screen is asked for", async () => {
    await using set = await setUp()
    const { asked, host, id, print } = set
    await print(0, MANY)
    const { Client, connected } = await import("./support/peers.ts")
    const leaving = new Client(await connected(host.paths.hostSocket), await host.ticket(id), { screen: true })
    const question = await asked.next()
    leaving.socket.destroy()
    const clients = async () =>
      (await host.control.ask<{ sessions: [{ clients: number }] }>("list")).sessions[0].clients
    while ((await clients()) > 0) await turn()
    question.answer(snapshot(MANY, "too late"))
    await turn()
    assert.deepStrictEqual(host.said, [])
    assert.lengthOf(asked.questions, 0)
  })
})
