import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { readMessage, readPlainRequest } from "../../src/connection/requests.ts"
import { closeDoors, openDoor, type ToyDoor } from "./toy.ts"

let door: ToyDoor
beforeAll(async () => {
  door = await openDoor()
})
afterAll(closeDoors)

const line = (id: unknown, method: string, params: unknown): string =>
  `${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`

const answers = async (pieces: ReadonlyArray<Buffer>): Promise<ReadonlyArray<string>> => {
  const client = await door.connect({ allowHalfOpen: true })
  for (const piece of pieces) {
    // A turn between the writes, so that each is a read of its own.
    await new Promise<void>((resolve) => client.socket.write(piece, () => setImmediate(resolve)))
  }
  client.socket.end()
  const lines = await client.rest()
  client.close()
  return lines
}

describe("however requests are cut up", () => {
  const requests = [
    line(1, "toy.echo", { text: 'é😀 "quoted" \\ \n' }),
    '{"id": 2, "params" :{"text":"\\u00e9 other order"},"method":"toy.echo","jsonrpc":"2.0"}\r\n',
    "{broken\n",
    line("three", "toy.find", { thing: "nothing" }),
    `[${line(4, "toy.echo", { text: "in" }).trim()},${line(5, "toy.echo", { text: "a batch" }).trim()}]\n`,
    line(6, "toy.none", {})
  ].join("")
  const bytes = Buffer.from(requests)

  it("the answers are the same, at each cut", async () => {
    const expected = await answers([bytes])
    assert.lengthOf(expected, 6)
    for (let cut = 1; cut < bytes.length; cut++) {
      assert.deepStrictEqual(await answers([bytes.subarray(0, cut), bytes.subarray(cut)]), expected, `cut at ${cut}`)
    }
  })

  it("the answers are the same, byte by byte", async () => {
    assert.deepStrictEqual(await answers([...bytes].map((byte) => Buffer.from([byte]))), await answers([bytes]))
  })

  it("a thousand in one write are answered in their order", async () => {
    const client = await door.connect()
    const ids = Array.from({ length: 1000 }, (_, i) => i)
    client.send(ids.map((id) => line(id, "toy.echo", { text: `t${id}` })).join(""))
    const replies = await client.replies(1000)
    assert.deepStrictEqual(
      replies.map((reply) => [reply.id, reply.result]),
      ids.map((id) => [id, `t${id}`])
    )
    client.close()
  })

  it("a thousand that each take a fiber are all answered", async () => {
    const client = await door.connect()
    const ids = Array.from({ length: 1000 }, (_, i) => i)
    client.send(ids.map((id) => line(id, "toy.slowEcho", { text: `t${id}` })).join(""))
    const replies = await client.replies(1000)
    assert.sameDeepMembers(
      replies.map((reply) => [reply.id, reply.result]),
      ids.map((id) => [id, `t${id}`])
    )
    client.close()
  })
})

const same = (text: string): boolean => {
  const plain = readPlainRequest(text)
  if (plain === undefined) return false
  const { paramsText, ...rest } = readMessage(JSON.parse(text), () => text) as typeof plain
  assert.deepStrictEqual(
    { ...plain, paramsText: plain.paramsText().trim() },
    { ...rest, paramsText: paramsText() },
    text
  )
  return true
}

describe("the short way of reading a request", () => {
  it("reads what JSON.parse reads, or nothing", () => {
    const head = '{"jsonrpc":"2.0","id":'
    for (const text of [
      `${head}1,"method":"daemon.ping","params":{}}`,
      `${head}0,"method":"a","params":[]}`,
      `${head}123456789012345,"method":"a.b_c","params":null}`,
      `${head}7,"method":"x","params":{"a":{"b":[1,2,{"c":"}"}]}}}`,
      `${head}7,"method":"x","params":"text \\" } "}`,
      `${head}7,"method":"x","params": 1 }`
    ]) {
      assert.isTrue(same(text), text)
    }
  })

  it("leaves to JSON.parse whatever is more, less or other than that", () => {
    const head = '{"jsonrpc":"2.0","id":'
    for (const text of [
      "",
      "{}",
      head,
      `${head}1`,
      `${head}1,"method":"x"}`,
      `${head}1,"method":"x","params":}`,
      `${head}1,"method":"x","params":{}`,
      `${head}1,"method":"x","params":{}}}`,
      `${head}1,"method":"x","params":{},"id":2}`,
      `${head}1,"method":"x","params":{},"jsonrpc":"1.0"}`,
      `${head}1,"method":"x","params":{},"params":{"a":1}}`,
      `${head}1,"method":"x","params":{},"discard":true}`,
      `${head}1,"method":"x","params":{}} `,
      `${head}1,"method":"\\u0078","params":{}}`,
      `${head}1,"method":"é","params":{}}`,
      `${head}"1","method":"x","params":{}}`,
      `${head}01,"method":"x","params":{}}`,
      `${head}-1,"method":"x","params":{}}`,
      `${head}1.5,"method":"x","params":{}}`,
      `${head}1e3,"method":"x","params":{}}`,
      `${head}1234567890123456,"method":"x","params":{}}`,
      `${head},"method":"x","params":{}}`,
      `${head}1,"method":"","params":{}}`
    ]) {
      assert.isUndefined(readPlainRequest(text), text)
    }
  })
})
