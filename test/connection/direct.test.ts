import { afterEach, assert, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { closeDoors, openDoor } from "./toy.ts"

afterEach(closeDoors)

const params = '{"jsonrpc":"2.0","id":1,"method":"toy.carry","params":'

describe("a method that answers without a fiber", () => {
  it("carries JSON as it was written, however the request is written", async () => {
    const client = await (await openDoor()).connect()
    const texts = ["9007199254740993", "1.0", "-0", '{ "a" : [1.50, "é\\u00e9"] }', "null", '"x"', "[ ]"]
    for (const text of texts) {
      client.send(`${params}{"message":${text}}}\n`)
      client.send(`{ "params" : {"x":1, "message" : ${text} }, "id":1, "method":"toy.carry","jsonrpc":"2.0"}\r\n`)
      client.send(`[${params}{}},${params}{"message":0,"message":${text}}}]\n`)
      assert.strictEqual((await client.reply()).result, text)
      assert.strictEqual((await client.reply()).result, text)
      const [missing, carried] = (await client.reply()) as unknown as ReadonlyArray<any>
      assert.strictEqual(missing.error.code, RpcErrorCode.invalidParams)
      assert.strictEqual(carried.result, text)
    }
    client.send(`${params}{"message":[1e400]}}\n`)
    assert.strictEqual((await client.reply()).error?.code, RpcErrorCode.invalidParams)
    client.close()
  })

  it("may answer later, and fail with its method's error", async () => {
    const { connect, toy } = await openDoor()
    const client = await connect()
    client.request(1, "toy.later", { gate: "a" })
    client.request(2, "toy.later", { gate: "b" })
    client.request(1, "toy.echo", { text: "in between" })
    assert.strictEqual((await client.reply()).error?.code, RpcErrorCode.duplicateId)
    toy.open("b")
    assert.deepInclude(await client.reply(), { id: 2, result: "b" })
    toy.open("a", "")
    const failed = await client.reply()
    assert.strictEqual(failed.error?.code, RpcErrorCode.failed)
    assert.deepStrictEqual(failed.error?.data, [{ _tag: "Fail", error: { _tag: "NoSuchThing", thing: "a" } }])
    client.request(1, "toy.echo", { text: "free again" })
    assert.deepInclude(await client.reply(), { id: 1, result: "free again" })
    client.close()
  })

  it("hears when its call is given up: cancelled, the client gone, the door closing", async () => {
    const { close, connect, toy } = await openDoor({ drainMillis: 50 })
    const client = await connect()
    client.request(1, "toy.later", { gate: "a" })
    client.send('{"jsonrpc":"2.0","method":"@effect/rpc/Interrupt","params":{"requestId":1}}\n')
    assert.strictEqual((await client.reply()).error?.code, RpcErrorCode.cancelled)
    toy.open("a")
    client.request(2, "toy.later", { gate: "b" })
    await toy.seen("waiting b")
    client.close()
    await toy.seen("gave up b")
    const other = await connect()
    other.request(3, "toy.push", { bytes: 10, gate: "c" })
    await toy.seen("push")
    await close()
    assert.strictEqual(toy.count("gave up c"), 1)
  })

  it("streams as much as its client reads, and ends well or with its error", async () => {
    const { connect, toy } = await openDoor({ writeBufferBytes: 64 * 1024 })
    const client = await connect()
    client.socket.pause()
    client.request(1, "toy.push", { bytes: 10_000, gate: "a" })
    await toy.seen("push", 10)
    const other = await connect()
    other.request(1, "toy.echo", { text: "beside it" })
    assert.strictEqual((await other.reply()).result, "beside it")
    const blocked = toy.count("push")
    assert.isBelow(blocked, 1000)
    client.socket.resume()
    await toy.seen("push", blocked + 100)
    toy.open("a", "")
    for (;;) {
      const reply = await client.reply()
      if (reply.chunk !== true) {
        assert.deepStrictEqual(reply.error?.data, [{ _tag: "Fail", error: { _tag: "NoSuchThing", thing: "a" } }])
        break
      }
      assert.strictEqual(reply.result[0].length, 10_000)
    }
    client.close()
    other.close()
  })
})
