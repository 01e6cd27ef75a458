import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { openDoor, type ToyDoor } from "./toy.ts"

describe("the native socket", () => {
  let door: ToyDoor
  beforeAll(async () => {
    door = await openDoor()
  })
  afterAll(() => door.close())

  it("answers immediate methods and others, each with its id", async () => {
    const client = await door.connect()
    client.request(1, "toy.echo", { text: "a" })
    assert.deepStrictEqual(await client.reply(), { jsonrpc: "2.0", id: 1, result: "a" } as object)
    client.request("x", "toy.slowEcho", { text: "b" })
    assert.deepStrictEqual(await client.reply(), { jsonrpc: "2.0", id: "x", result: "b" } as object)
    client.request(2, "toy.void")
    assert.deepStrictEqual(await client.reply(), { jsonrpc: "2.0", id: 2, result: null } as object)
    client.close()
  })
})
