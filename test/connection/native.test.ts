import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { closeDoors, openDoor, type RawClient, type Reply, type ToyDoor } from "./toy.ts"

let door: ToyDoor
let client: RawClient
beforeAll(async () => {
  door = await openDoor({ inFlight: 64 })
  client = await door.connect()
})
afterAll(async () => {
  client.close()
  await closeDoors()
})

/** Sends one line and gives its answer. */
const ask = (line: unknown): Promise<Reply> => {
  client.send(`${typeof line === "string" ? line : JSON.stringify(line)}\n`)
  return client.reply()
}

const refused = async (line: unknown, code: number, id: string | number | null, message: RegExp): Promise<void> => {
  const reply = await ask(line)
  const what = typeof line === "string" ? line : JSON.stringify(line)
  assert.strictEqual(reply.error?.code, code, what)
  assert.strictEqual(reply.id, id, what)
  assert.match(reply.error!.message, message, what)
  assert.strictEqual(reply.error!._tag, "Cause")
  assert.strictEqual(reply.error!.data[0]._tag, "Die")
  assert.deepStrictEqual(await ask({ jsonrpc: "2.0", id: "still", method: "toy.echo", params: { text: "here" } }), {
    jsonrpc: "2.0",
    id: "still",
    result: "here"
  } as Reply)
}

describe("answers", () => {
  it("carry the request's id, from immediate methods and from others", async () => {
    assert.deepStrictEqual(await ask({ jsonrpc: "2.0", id: 1, method: "toy.echo", params: { text: "é😀" } }), {
      jsonrpc: "2.0",
      id: 1,
      result: "é😀"
    } as Reply)
    const slow = await ask({ jsonrpc: "2.0", id: "x", method: "toy.slowEcho", params: { text: "b" } })
    assert.deepStrictEqual(slow, { jsonrpc: "2.0", id: "x", result: "b" } as Reply)
  })

  it("have a result also where the method gives nothing, whatever its parameters", async () => {
    for (const params of [undefined, null, {}, { unknown: 1 }, []]) {
      const reply = await ask({ jsonrpc: "2.0", id: 2, method: "toy.void", params })
      assert.deepStrictEqual(reply, { jsonrpc: "2.0", id: 2, result: null } as Reply)
    }
  })

  it("keep ids as they are: numbers, fractions, negative ones, strings that look like numbers", async () => {
    for (const id of [0, -7, 1.5, Number.MAX_SAFE_INTEGER, "0", "é", "a b", "__proto__", "x".repeat(256)]) {
      assert.strictEqual((await ask({ jsonrpc: "2.0", id, method: "toy.echo", params: { text: "" } })).id, id)
    }
  })

  it("bear a method's own error with its fields, its code and its sentence", async () => {
    const reply = await ask({ jsonrpc: "2.0", id: 3, method: "toy.find", params: { thing: "nothing" } })
    assert.deepStrictEqual(reply, {
      jsonrpc: "2.0",
      id: 3,
      error: {
        _tag: "Cause",
        code: RpcErrorCode.failed,
        message: "There is no nothing.",
        data: [{ _tag: "Fail", error: { _tag: "NoSuchThing", thing: "nothing" } }]
      }
    } as Reply)
  })

  it("ignore members and parameters they don't know", async () => {
    const request = {
      jsonrpc: "2.0",
      id: 4,
      method: "toy.echo",
      params: { text: "t", more: 1 },
      extra: [1],
      headers: 3
    }
    assert.strictEqual((await ask(request)).result, "t")
  })

  it("come for a handler with a bug too: an internal error, without a stack, and the connection stays", async () => {
    for (const method of ["toy.bug", "toy.immediateBug"]) {
      const reply = await ask({ jsonrpc: "2.0", id: 5, method })
      assert.strictEqual(reply.error?.code, RpcErrorCode.internalError)
      assert.match(reply.error!.message, /the toy is broken/)
      assert.notMatch(JSON.stringify(reply), /\.ts:|at /)
    }
  })

  it("come for a method that says it is immediate and waits: the call fails and the handler is stopped", async () => {
    const reply = await ask({ jsonrpc: "2.0", id: 6, method: "toy.liar" })
    assert.strictEqual(reply.error?.code, RpcErrorCode.internalError)
    assert.match(reply.error!.message, /toy\.liar is declared immediate, and waits/)
    await door.toy.seen("liar stopped")
  })

  it("are not given to notifications, right or wrong", async () => {
    const before = door.toy.log.filter((event) => event === "void").length
    client.request(undefined, "toy.void")
    client.request(undefined, "toy.nothing")
    client.request(undefined, "toy.echo", { text: 1 })
    client.request(undefined, "toy.bug")
    client.request(undefined, "toy.slowEcho", { text: "unheard" })
    assert.strictEqual(
      (await ask({ jsonrpc: "2.0", id: 7, method: "toy.slowEcho", params: { text: "7" } })).result,
      "7"
    )
    assert.strictEqual(door.toy.log.filter((event) => event === "void").length, before + 1)
  })

  it("follow the order of their requests when nothing waits, refusals among them", async () => {
    client.send(
      [
        '{"jsonrpc":"2.0","id":1,"method":"toy.echo","params":{"text":"1"}}',
        "{broken",
        '{"jsonrpc":"2.0","id":2,"method":"toy.none"}',
        '{"jsonrpc":"2.0","id":3,"method":"toy.echo","params":{"text":3}}',
        '{"jsonrpc":"2.0","id":4,"method":"toy.echo","params":{"text":"4"}}',
        ""
      ].join("\n")
    )
    const replies = await client.replies(5)
    assert.deepStrictEqual(
      replies.map((reply) => reply.id),
      [1, null, 2, 3, 4]
    )
  })
})

const find = (params: unknown) => ({ jsonrpc: "2.0", id: 1, method: "toy.find", params })

describe("what can't be answered gets one error, with the request's id where it can be read", () => {
  it("text that is not JSON", async () => {
    for (const line of [
      "{",
      "nul",
      "{'a':1}",
      "[1,]",
      '{"a":1}{"b":2}',
      "\u0000",
      "hello",
      '"\u0001"',
      "1e",
      "+1",
      "01"
    ]) {
      await refused(line, RpcErrorCode.parseError, null, /not valid JSON/)
    }
  })

  it("never repeats the line", async () => {
    const reply = await ask('{"password":"hunter2",oops}')
    assert.notMatch(JSON.stringify(reply), /hunter2|oops/)
    const wrong = await ask({ jsonrpc: "2.0", id: 1, method: "toy.echo", params: { text: { password: "hunter2" } } })
    assert.notMatch(JSON.stringify(wrong), /hunter2/)
  })

  it("a byte order mark, bytes that are not UTF-8, nesting without end", async () => {
    await refused("\ufeff{}", RpcErrorCode.parseError, null, /byte order mark/)
    await refused("[".repeat(65) + "]".repeat(65), RpcErrorCode.parseError, null, /64 levels/)
    client.send(Buffer.from([0x22, 0xff, 0x22, 0x0a]))
    assert.strictEqual((await client.reply()).error?.code, RpcErrorCode.parseError)
  })

  it("JSON that is not a request", async () => {
    for (const line of [
      "1",
      "null",
      "true",
      '"text"',
      "{}",
      '{"jsonrpc":"2.0"}',
      '{"id":null,"jsonrpc":"2.0","method":"x"}'
    ]) {
      await refused(line, RpcErrorCode.invalidRequest, null, /./)
    }
    await refused({ id: 1, method: "toy.echo" }, RpcErrorCode.invalidRequest, 1, /jsonrpc/)
    await refused({ jsonrpc: "1.0", id: 1, method: "toy.echo" }, RpcErrorCode.invalidRequest, 1, /jsonrpc/)
    await refused({ jsonrpc: 2, id: 1, method: "toy.echo" }, RpcErrorCode.invalidRequest, 1, /jsonrpc/)
    await refused({ jsonrpc: "2.0", id: 1 }, RpcErrorCode.invalidRequest, 1, /method/)
    await refused({ jsonrpc: "2.0", id: 1, method: 3 }, RpcErrorCode.invalidRequest, 1, /method/)
    await refused({ jsonrpc: "2.0", id: 1, method: "" }, RpcErrorCode.invalidRequest, 1, /method/)
    await refused({ jsonrpc: "2.0", id: 1, result: 3 }, RpcErrorCode.invalidRequest, 1, /answer/)
    await refused('{"__proto__":{"jsonrpc":"2.0","id":1,"method":"toy.void"}}', RpcErrorCode.invalidRequest, null, /./)
    await refused('{"type":"ping","id":"x"}', RpcErrorCode.invalidRequest, "x", /jsonrpc/)
  })

  it("ids that are none", async () => {
    for (const id of [true, {}, [], [1], "", "x".repeat(257), "y".repeat(1024 * 1024)]) {
      await refused({ jsonrpc: "2.0", id, method: "toy.void" }, RpcErrorCode.invalidRequest, null, /^id: /)
    }
    for (const id of ["1e400", "-1e400", "9007199254740993"]) {
      await refused(`{"jsonrpc":"2.0","id":${id},"method":"toy.void"}`, RpcErrorCode.invalidRequest, null, /^id: /)
    }
  })

  it("methods that don't exist, those of every object among them", async () => {
    for (const method of ["toy.none", "__proto__", "constructor", "toString", "hasOwnProperty", "a".repeat(5000)]) {
      await refused({ jsonrpc: "2.0", id: 9, method }, RpcErrorCode.methodNotFound, 9, /no method/)
    }
    const long = await ask({ jsonrpc: "2.0", id: 9, method: "a".repeat(5000) })
    assert.isBelow(long.error!.message.length, 200)
  })

  it("parameters that don't fit, naming the field and what it should be", async () => {
    await refused(find(undefined), RpcErrorCode.invalidParams, 1, /^params\.thing: Missing key/)
    await refused(find([]), RpcErrorCode.invalidParams, 1, /^params/)
    await refused(find("x"), RpcErrorCode.invalidParams, 1, /^params: Expected object/)
    await refused(find({ thing: 3 }), RpcErrorCode.invalidParams, 1, /^params\.thing: Expected string/)
    await refused(
      find({ thing: "a", depth: 1.5 }),
      RpcErrorCode.invalidParams,
      1,
      /^params\.depth: Expected an integer/
    )
    await refused(find({ thing: "a", depth: "1" }), RpcErrorCode.invalidParams, 1, /^params\.depth/)
    await refused(
      '{"jsonrpc":"2.0","id":1,"method":"toy.find","params":{"thing":"a","depth":1e400}}',
      RpcErrorCode.invalidParams,
      1,
      /^params\.depth/
    )
    await refused({ ...find({ thing: 3 }), method: "toy.slowEcho" }, RpcErrorCode.invalidParams, 1, /^params\.text/)
  })

  it("control messages that are none", async () => {
    await refused({ jsonrpc: "2.0", method: "@effect/rpc/Nonsense" }, RpcErrorCode.invalidRequest, null, /control/)
    await refused({ jsonrpc: "2.0", method: "@effect/rpc/Ack" }, RpcErrorCode.invalidRequest, null, /requestId/)
    await refused({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: null }, RpcErrorCode.invalidRequest, null, /./)
    const unknown = { jsonrpc: "2.0", method: "@effect/rpc/Interrupt", params: { requestId: "unknown" } }
    client.send(`${JSON.stringify(unknown)}\n`)
    assert.strictEqual((await ask({ jsonrpc: "2.0", method: "@effect/rpc/Ping" })).method, "@effect/rpc/Pong")
  })

  it("an id that is in flight already, without harm to the call that has it", async () => {
    client.request(20, "toy.wait", { gate: "twice" })
    await door.toy.seen("waiting twice")
    client.request(20, "toy.echo", { text: "second" })
    const second = await client.reply()
    assert.strictEqual(second.error?.code, RpcErrorCode.duplicateId)
    assert.strictEqual(second.id, 20)
    door.toy.open("twice", "first")
    assert.strictEqual((await client.reply()).result, "first")
    assert.strictEqual((await ask({ jsonrpc: "2.0", id: 20, method: "toy.echo", params: { text: "a" } })).result, "a")
  })

  it("more in flight than allowed; immediate methods are still answered, and it ends when there is room", async () => {
    for (let i = 0; i < 65; i++) client.request(i, "toy.wait", { gate: "many" })
    const refusal = await client.reply()
    assert.strictEqual(refusal.error?.code, RpcErrorCode.tooManyInFlight)
    assert.strictEqual(refusal.id, 64)
    assert.strictEqual((await ask({ jsonrpc: "2.0", id: "im", method: "toy.echo", params: { text: "a" } })).result, "a")
    door.toy.open("many")
    const answered = await client.replies(64)
    assert.deepStrictEqual(new Set(answered.map((reply) => reply.id)), new Set(Array.from({ length: 64 }, (_, i) => i)))
    assert.strictEqual((await ask({ jsonrpc: "2.0", id: 1, method: "toy.wait", params: { gate: "many" } })).id, 1)
  })
})

const batch = async (items: ReadonlyArray<unknown>): Promise<ReadonlyArray<Reply>> =>
  (await ask(JSON.stringify(items))) as unknown as ReadonlyArray<Reply>
const echo = (id: unknown, text: unknown, method = "toy.echo") => ({ jsonrpc: "2.0", id, method, params: { text } })

describe("batches", () => {
  it("are answered by one array, refusals among the answers", async () => {
    const replies = await batch([
      echo(1, "a"),
      1,
      echo(2, "b", "toy.slowEcho"),
      echo(3, 3),
      echo(4, "", "toy.none"),
      echo(undefined, "note")
    ])
    assert.sameDeepMembers(
      replies.map((reply) => [reply.id, reply.result ?? reply.error?.code]),
      [
        [1, "a"],
        [null, RpcErrorCode.invalidRequest],
        [2, "b"],
        [3, RpcErrorCode.invalidParams],
        [4, RpcErrorCode.methodNotFound]
      ]
    )
  })

  it("wait for their slowest call while other requests go on", async () => {
    client.send(
      `${JSON.stringify([echo(1, "a"), { ...echo(2, ""), method: "toy.wait", params: { gate: "batch" } }])}\n`
    )
    await door.toy.seen("waiting batch")
    assert.strictEqual((await ask(echo("other", "o"))).result, "o")
    door.toy.open("batch")
    const replies = (await client.reply()) as unknown as ReadonlyArray<Reply>
    assert.sameMembers(
      replies.map((reply) => reply.id as number),
      [1, 2]
    )
  })

  it("of notifications alone get no answer", async () => {
    client.send(`${JSON.stringify([echo(undefined, "a"), echo(undefined, "b", "toy.slowEcho")])}\n`)
    assert.strictEqual((await ask(echo(8, "next"))).id, 8)
  })

  it("that are empty or longer than may be in flight are refused as one", async () => {
    await refused("[]", RpcErrorCode.invalidRequest, null, /1 to 64/)
    await refused(
      JSON.stringify(Array.from({ length: 65 }, (_, i) => echo(i, ""))),
      RpcErrorCode.invalidRequest,
      null,
      /65/
    )
    assert.isArray(await batch(Array.from({ length: 64 }, (_, i) => echo(i, ""))))
  })
})

const ack = (requestId: unknown) =>
  client.send(`${JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: { requestId } })}\n`)

describe("streams", () => {
  it("come in chunks, the next one when the last was acknowledged, and then end", async () => {
    client.request("s", "toy.count", { to: 25 })
    const values: Array<number> = []
    for (;;) {
      const reply = await client.reply()
      assert.strictEqual(reply.id, "s")
      if (reply.chunk !== true) {
        assert.isNull(reply.result)
        break
      }
      values.push(...reply.result)
      assert.strictEqual((await ask({ jsonrpc: "2.0", id: "e", method: "toy.echo", params: { text: "" } })).id, "e")
      ack("s")
    }
    assert.deepStrictEqual(
      values,
      Array.from({ length: 25 }, (_, i) => i + 1)
    )
  })

  it("end when they are interrupted", async () => {
    client.request("f", "toy.flood", { bytes: 10 })
    assert.isTrue((await client.reply()).chunk)
    client.send(`${JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Interrupt", params: { requestId: "f" } })}\n`)
    const end = await client.reply()
    assert.strictEqual(end.error?.code, RpcErrorCode.cancelled)
    assert.strictEqual(end.error?.data[0]._tag, "Interrupt")
    await door.toy.seen("flood ended")
  })
})
