import { assert, describe, it } from "vitest"
import { Direction } from "../../src/protocol/sessionFrames.ts"
import { findLog } from "../../src/sessionhost/log/findLog.ts"
import { Sizes } from "../../src/sessionhost/log/Sizes.ts"
import { makeWriter, random, readEntries, sample, temporary } from "./log/support.ts"
import { TestHost } from "./support/host.ts"
import type { Client } from "./support/peers.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** The sizes by offset as this client knows them, from what it was told when it opened and since. */
const known = (client: Client) => {
  const { cols, rows } = client.opened!.size!
  return [{ offset: client.opened!.offset, cols, rows }, ...client.sizes]
}

describe("the sizes of a session's terminal", () => {
  it("are found by offset, also when the oldest are forgotten", () => {
    const sizes = new Sizes({ cols: 80, rows: 24 })
    const all = [{ offset: 0, cols: 80, rows: 24 }]
    const next = random(3)
    let offset = 0
    let oldest = 0
    for (let step = 0; step < 500; step++) {
      offset += next(3)
      const change = { offset, cols: 1 + next(5), rows: 1 + next(5) }
      if (sizes.add(change)) all.push(change)
      if (next(20) > 0) continue
      oldest += next(offset - oldest + 1)
      sizes.trim(oldest)
      for (let probe = oldest; probe <= offset + 1; probe++) {
        assert.deepStrictEqual(
          sizes.at(probe),
          all.findLast((each) => each.offset <= probe)
        )
        assert.deepStrictEqual(sizes.get(sizes.numberAfter(probe)), all.find((each) => each.offset > probe) ?? null)
      }
    }
    assert.deepStrictEqual(sizes.last, all.at(-1))
  })

  it("are in the log at their offset, found again from it, and each segment tells the one it begins with", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 5_000, 20_000)
    const next = random(5)
    let cols = 80
    for (let step = 0; step < 400; step++) {
      const size = 1 + next(300)
      writer.append(Direction.output, [sample(writer.end(), size)], Date.now())
      if (next(4) > 0) continue
      writer.resize((cols = 1 + next(200)), 24, Date.now())
      if (next(2) === 0) writer.resize((cols = 300 + next(200)), 24, Date.now())
    }
    assert.isAbove(writer.oldest, 0)
    const found = findLog(directory.path, null, undefined, { cols: 1, rows: 1 })
    for (let probe = 0; probe < 500; probe++) {
      const offset = writer.oldest + next(writer.end() - writer.oldest + 1)
      assert.deepStrictEqual(found.sizes()!.at(offset).cols, writer.sizes()!.at(offset).cols)
    }
    assert.strictEqual(found.sizes()!.last.cols, cols)
    const records = readEntries(found).filter(
      (entry) => entry.type === "record" && entry.direction === Direction.resize
    )
    const told = records.map((entry) => entry.type === "record" && entry.data.toString())
    assert.strictEqual(told.at(-1), `${cols}x24`)
    assert.isTrue(told.every((size, index) => size !== told[index - 1]))
    assert.strictEqual(told.length, found.sizes()!.numberAfter(Infinity))
  })

  it("reach every client at their byte, whether it keeps up, comes late, or reads what has ended", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ segmentBytes: 100_000, recentBytes: 20_000 })
    const next = random(9)
    const truth = [{ offset: 0, cols: 80, rows: 24 }]
    const clients: Array<Client> = [await host.open(id, { mode: "follow" }), await host.open(id)]
    const typist = await host.open(id)
    let printed = 0
    for (let round = 0; round < 300; round++) {
      const size = 1 + next(3_000)
      program.print(sample(printed, size))
      printed += size
      if (next(5) === 0) {
        const [cols, rows] = [1 + next(300), 1 + next(100)]
        typist.resize(cols, rows)
        while (program.sizes.at(-1)![0] !== cols) await turn()
        if (truth.at(-1)!.cols !== cols) truth.push({ offset: printed, cols, rows })
      }
      if (next(40) === 0) {
        const paused = next(2) === 0
        const client = await host.open(id, { mode: "follow", since: next(printed) })
        if (paused) client.socket.pause()
        clients.push(client)
      }
      if (next(3) === 0) await turn()
    }
    program.end()
    for (const client of clients) client.socket.resume()
    await Promise.all(clients.map((client) => client.whenClosed()))
    while (host.running.host.held > 0) await turn()
    clients.push(await host.read(id), await host.read(id, Math.floor(printed / 2)))

    assert.isAbove(truth.length, 30)
    for (const client of clients) {
      assert.deepStrictEqual(client.misplaced, [])
      const from = client.opened!.offset
      const before = truth.findLast(({ offset }) => offset <= from)!
      assert.deepStrictEqual(known(client), [
        { ...before, offset: from },
        ...truth.filter(({ offset }) => offset > from)
      ])
    }
    const records = await host.open(id, { mode: "records" })
    await records.whenClosed()
    const resizes = records.records.filter(({ direction }) => direction === Direction.resize)
    assert.deepStrictEqual(
      resizes.map(({ data, offset }) => ({ offset, size: data.toString() })),
      truth.slice(1).map(({ cols, offset, rows }) => ({ offset, size: `${cols}x${rows}` }))
    )
  })

  it("are announced to daemons, and so is a start", async () => {
    await using host = await TestHost.start()
    const { id } = await host.spawn()
    await host.control.event("started", id)
    await host.control.ask("resize", { session: id, cols: 100, rows: 30 })
    const { session } = await host.control.event("changed", id)
    assert.deepStrictEqual([session.cols, session.rows], [100, 30])
  })

  it("are told to no client of pipes", async () => {
    await using host = await TestHost.start()
    const { id } = await host.spawn({ kind: "pipe" })
    const client = await host.open(id, { mode: "follow" })
    assert.isUndefined(client.opened!.size)
  })
})
