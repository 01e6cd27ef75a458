import { assert, describe, it } from "vitest"
import { Direction } from "../../src/protocol/sessionFrames.ts"
import { findLog } from "../../src/sessionhost/log/findLog.ts"
import type { LogSource } from "../../src/sessionhost/log/LogReader.ts"
import { RecordReader } from "../../src/sessionhost/log/RecordReader.ts"
import { makeWriter, random, readEntries, temporary } from "./log/support.ts"
import { TestHost } from "./support/host.ts"
import type { Client } from "./support/peers.ts"

/** Output and input byte by byte, in order: `o12=7` is the byte 7 at 12 of the output. */
const bytesOf = (entries: ReturnType<typeof readEntries>): ReadonlyArray<string> =>
  entries.flatMap((entry) => {
    if (entry.type === "gap") return entry.to > entry.from ? [`gap ${entry.from}-${entry.to}`] : []
    if (entry.direction === Direction.resize) return []
    const stream = entry.direction === Direction.input ? "i" : "o"
    return Array.from(entry.data, (byte, index) => `${stream}${entry.offset + index}=${byte}`)
  })

const from = (source: LogSource, position: { output: number; input: number }) => {
  const reader = new RecordReader(source, position)
  const entries: Array<Exclude<ReturnType<typeof reader.next>, null>> = []
  for (let entry = reader.next(); entry !== null; entry = reader.next()) {
    entries.push(entry.type === "gap" ? entry : { ...entry, data: Buffer.from(entry.data) })
  }
  return bytesOf(entries)
}

describe("the records of a log", () => {
  it("go on from any place at which a reader can have stopped, with nothing twice and nothing missing", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 600)
    const next = random(3)
    for (let round = 0; round < 150; round++) {
      const data = Buffer.from(Array.from({ length: 1 + next(40) }, () => next(256)))
      if (next(8) === 0) writer.resize(80 + next(20), 24, Date.now())
      writer.append(next(3) === 0 ? Direction.input : Direction.output, [data], Date.now())
    }
    for (const source of [writer, findLog(directory.path, null)]) {
      const all = bytesOf(readEntries(source))
      assert.isAbove(all.length, 2000)
      let output = 0
      let input = 0
      for (let read = 0; read <= all.length; read++) {
        if (next(40) === 0) assert.deepStrictEqual(from(source, { output, input }), all.slice(read))
        if (all[read]?.startsWith("o") === true) output++
        else input++
      }
    }
    writer.close()
  })

  it("go on behind what was deleted since, which is told", () => {
    using directory = temporary()
    const { writer } = makeWriter(directory.path, 1000, 3000)
    for (let round = 0; round < 100; round++) {
      writer.append(Direction.output, [Buffer.alloc(90, round)], Date.now())
      writer.append(Direction.input, [Buffer.alloc(9, round)], Date.now())
    }
    const [gap, first] = from(writer, { output: 500, input: 50 })
    assert.strictEqual(gap, `gap 500-${writer.oldest}`)
    assert.match(first!, new RegExp(`^[oi]`))
    assert.deepStrictEqual(from(writer, { output: 9000, input: 900 }), [])
    assert.deepStrictEqual(from(writer, { output: 9000, input: 899 }), ["i899=99"])
    writer.close()
  })
})

const said = (client: Client): string =>
  client.records
    .filter(({ direction }) => direction !== Direction.resize)
    .map(({ data, direction }) => `${direction === Direction.input ? ">" : ""}${data.toString()}`)
    .join("|")

describe("a client that follows the records", () => {
  it("gets what is printed and typed, as it comes, to the end", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ logInput: true })
    program.print("one")
    const client = await host.open(id, { mode: "records", follow: true })
    await client.until(() => said(client) === "one")
    // Typing alone wakes it too.
    await host.control.ask("send", { session: id, data: Buffer.from("two").toString("base64") })
    await client.until(() => said(client) === "one|>two")
    program.print("three")
    await client.until(() => said(client) === "one|>two|three")
    assert.isFalse(client.closed)
    program.print("four")
    program.exit()
    program.print("five")
    program.close()
    await client.whenClosed()
    assert.isTrue(client.ended)
    assert.strictEqual(said(client).replaceAll("|", ""), "one>twothreefourfive")
    for (const { time } of client.records) assert.isBelow(Math.abs(Date.now() - time), 60_000)
  })

  it("goes on where it was, and is no client that anybody sees", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ logInput: true })
    program.print("0123456789")
    await host.control.ask("send", { session: id, data: Buffer.from("abc").toString("base64") })
    const first = await host.open(id, {
      mode: "records",
      follow: true,
      uncounted: true,
      since: 4,
      sinceInput: 1
    })
    await first.until(() => said(first) === "456789|>bc")
    assert.strictEqual((await host.control.ask("inspect", { session: id })).clients, 0)
    first.socket.destroy()
    program.end()
    await host.control.event("closed", id)
    const second = await host.open(id, { mode: "records", follow: true, since: 9, sinceInput: 3 })
    await second.whenClosed()
    assert.isTrue(second.ended)
    assert.strictEqual(said(second), "9")
  })

  it("gets every byte while the program prints faster than it reads", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ segmentBytes: 100_000, maxBytes: 8_000_000, recentBytes: 10_000 })
    const client = await host.open(id, { mode: "records", follow: true })
    const next = random(9)
    let printed = 0
    for (let round = 0; round < 400; round++) {
      if (round === 50) client.socket.pause()
      if (round === 300) client.socket.resume()
      const data = Buffer.alloc(1 + next(9000), round)
      program.print(data)
      printed += data.length
      if (next(4) === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    program.end()
    await client.whenClosed()
    assert.isTrue(client.ended)
    assert.deepStrictEqual(client.gaps, [])
    let at = 0
    for (const record of client.records.filter(({ direction }) => direction !== Direction.resize)) {
      assert.strictEqual(record.offset, at)
      at += record.data.length
    }
    assert.strictEqual(at, printed)
  })
})
