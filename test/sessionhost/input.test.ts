import { createHash } from "node:crypto"
import { assert, describe, it } from "vitest"
import { TestHost } from "./support/host.ts"
import { sample } from "./log/support.ts"

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe("input of attached clients", () => {
  it("waits at the client while the program does not read, and arrives whole: 64 MB", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ inputQueueBytes: 256 * 1024 })
    const client = await host.open(id)
    const total = 64 * 1024 * 1024
    const piece = 1024 * 1024
    const sent = createHash("sha256")
    const received = createHash("sha256")
    let receivedBytes = 0
    const sending = (async () => {
      for (let at = 0; at < total; at += piece) {
        const data = sample(at, piece)
        sent.update(data)
        client.type(data)
        if (client.socket.writableNeedDrain) await new Promise((resolve) => client.socket.once("drain", resolve))
      }
    })()
    let most = 0
    while (receivedBytes < total) {
      const input = program.readInput()
      most = Math.max(most, input.length)
      received.update(input)
      receivedBytes += input.length
      await turn()
    }
    await sending
    assert.strictEqual(received.digest("hex"), sent.digest("hex"))
    assert.isAtMost(most, 256 * 1024)
  })

  it("is not even read from a client's socket while the program does not read", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ inputQueueBytes: 256 * 1024 })
    const client = await host.open(id)
    const total = 8 * 1024 * 1024
    for (let at = 0; at < total; at += 1024 * 1024) client.type(sample(at, 1024 * 1024))
    for (let turns = 0; turns < 300; turns++) await turn()
    // The rest is with the one who sent it, but for a frame and what the kernel holds.
    assert.isAbove(client.socket.writableLength, total - 2.5 * 1024 * 1024)
    let received = 0
    while (received < total) {
      received += program.readInput().length
      await turn()
    }
    assert.strictEqual(received, total)
  })

  it("of several clients is not mixed within what each of them sent", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ inputQueueBytes: 4096 })
    const clients = await Promise.all(Array.from({ length: 5 }, () => host.open(id)))
    for (const [index, client] of clients.entries()) {
      for (let line = 0; line < 300; line++) client.type(`${index}:${line};`)
    }
    let text = ""
    while (text.split(";").length <= 1_500) {
      text += program.readInput().toString()
      await turn()
    }
    const next = [0, 0, 0, 0, 0]
    for (const entry of text.split(";").slice(0, -1)) {
      const [client, line] = entry.split(":").map(Number)
      assert.strictEqual(line, next[client!]!++)
    }
    assert.deepStrictEqual(next, [300, 300, 300, 300, 300])
  })

  it("is ignored once the program has ended, and the client still gets its end", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ inputQueueBytes: 100 })
    const client = await host.open(id)
    client.type(Buffer.alloc(1_000, 0x61))
    program.exit({ code: 0 })
    client.type("more")
    client.resize(10, 10)
    await client.until(() => client.exited !== null)
    program.close()
    await client.whenClosed()
    assert.isTrue(client.ended)
  })

  it("resizes the terminal, from a client that may type", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn()
    const client = await host.open(id, { cols: 100, rows: 40 })
    assert.deepStrictEqual(program.sizes.at(-1), [100, 40])
    assert.strictEqual(client.opened!.session.cols, 100)
    client.resize(4096, 1)
    while (program.sizes.length < 3) await turn()
    assert.deepStrictEqual(program.sizes.at(-1), [4096, 1])
    await host.open(id, { cols: 7, rows: 7, readOnly: true })
    assert.deepStrictEqual(program.sizes.at(-1), [4096, 1])
  })

  it("sent over the control connection is taken whole or not at all", async () => {
    await using host = await TestHost.start()
    const { id, program } = await host.spawn({ inputQueueBytes: 100 })
    const send = (text: string) =>
      host.control.request("send", { session: id, data: Buffer.from(text).toString("base64") })
    assert.deepStrictEqual((await send("a".repeat(60))).result, { acceptedBytes: 60, queuedBytes: 60 })
    const refused = await send("b".repeat(41))
    assert.deepInclude(refused.error, { code: "input-queue-full", queuedBytes: 60, limitBytes: 100 })
    assert.deepStrictEqual((await send("c".repeat(40))).result, { acceptedBytes: 40, queuedBytes: 100 })
    assert.strictEqual(program.readInput().toString(), "a".repeat(60) + "c".repeat(40))
    for (const data of ["%%%", "YQ", "YQ==YQ=="]) {
      assert.strictEqual((await host.control.request("send", { session: id, data })).error?.code, "bad-request")
    }
    program.end()
    await host.control.event("closed", id)
    assert.strictEqual((await send("d")).error?.code, "ended")
  })
})
