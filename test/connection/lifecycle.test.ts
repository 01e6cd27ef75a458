import { Effect, Scope } from "effect"
import { readdirSync } from "node:fs"
import { dirname } from "node:path"
import { afterEach, assert, describe, it } from "vitest"
import { RpcErrorCode } from "../../src/protocol/errors.ts"
import { SocketConnectError } from "../../src/wire/unixSocket.ts"
import { closeDoors, openDoor as open, type RawClient, type Reply } from "./toy.ts"

afterEach(closeDoors)

const echoes = async (client: RawClient, text: string): Promise<void> => {
  client.request(text, "toy.echo", { text })
  assert.deepStrictEqual(await client.reply(), { jsonrpc: "2.0", id: text, result: text } as Reply)
}

describe("a client that leaves", () => {
  it("in the middle of a line is told so, and the connection closes", async () => {
    const door = await open()
    const client = await door.connect({ allowHalfOpen: true })
    client.send('{"jsonrpc":"2.0","id":1,"method":"toy.echo","params":{"text":"a"}}\n{"jsonrpc":')
    client.socket.end()
    const [answer, error, ...more] = await client.rest()
    assert.strictEqual(JSON.parse(answer!).result, "a")
    assert.strictEqual(JSON.parse(error!).error.code, RpcErrorCode.parseError)
    assert.isNull(JSON.parse(error!).id)
    assert.deepStrictEqual(more, [])
  })

  it("on its own side only still gets the answers of what it asked, and then the end", async () => {
    const door = await open()
    const client = await door.connect({ allowHalfOpen: true })
    client.request(1, "toy.wait", { gate: "g" })
    client.request(2, "toy.wait", { gate: "h" })
    client.socket.end()
    await door.toy.seen("waiting h")
    door.toy.open("g")
    assert.strictEqual((await client.reply()).result, "g")
    door.toy.open("h")
    assert.strictEqual((await client.reply()).result, "h")
    assert.isUndefined(await client.line())
  })

  it("altogether has its calls interrupted and gives back what it owned", async () => {
    const door = await open()
    const client = await door.connect()
    const other = await door.connect()
    client.request(1, "toy.wait", { gate: "never" })
    client.request(2, "toy.own", { name: "ring" })
    await client.reply()
    assert.isTrue(door.toy.owned.has("ring"))
    client.close()
    await door.toy.seen("interrupted never")
    await door.toy.seen("gave back ring")
    await Effect.runPromise(Effect.repeat(door.connections.count, { until: (n) => n === 1 }))
    await echoes(other, "undisturbed")
  })

  it("first on its own side and then altogether is noticed too", async () => {
    const door = await open()
    const client = await door.connect({ allowHalfOpen: true })
    client.request(1, "toy.wait", { gate: "never" })
    await door.toy.seen("waiting never")
    client.socket.end()
    client.close()
    await door.toy.seen("interrupted never")
  })

  it("with a stream open ends that stream", async () => {
    const door = await open()
    const client = await door.connect()
    client.request(1, "toy.flood", { bytes: 10 })
    await client.reply()
    client.close()
    await door.toy.seen("flood ended")
  })

  it("owns nothing any more: what is added to its scope afterwards is given back at once", async () => {
    const door = await open()
    const ran = await Effect.runPromise(
      Effect.gen(function* () {
        let ran = false
        const scope = yield* door.connections.scope(12345)
        yield* Scope.addFinalizer(
          scope,
          Effect.sync(() => void (ran = true))
        )
        return ran
      })
    )
    assert.isTrue(ran)
  })

  it("is counted while it is there, and so is what it has in flight", async () => {
    const door = await open()
    const { accepted, count, inFlight } = door.connections
    const [a, b] = [await door.connect(), await door.connect()]
    a.request(1, "toy.wait", { gate: "g" })
    b.request(1, "toy.wait", { gate: "g" })
    await door.toy.seen("waiting g", 2)
    assert.deepStrictEqual(await Effect.runPromise(Effect.all([count, accepted, inFlight])), [2, 2, 2])
    door.toy.open("g")
    await a.reply()
    await b.reply()
    b.close()
    await Effect.runPromise(Effect.repeat(count, { until: (n) => n === 1 }))
    assert.deepStrictEqual(await Effect.runPromise(Effect.all([count, accepted, inFlight])), [1, 2, 0])
  })
})

describe("a client that speaks something else", () => {
  const greetings: ReadonlyArray<readonly [string, string | Buffer]> = [
    ["an HTTP request", "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"],
    ["an HTTP request with a body", "POST /rpc HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["a TLS hello", Buffer.from([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x0a])]
  ]
  for (const [name, bytes] of greetings) {
    it(`with ${name} gets one line that says what is spoken here, and the connection closes`, async () => {
      const door = await open()
      const client = await door.connect({ allowHalfOpen: true })
      client.send(bytes)
      const lines = await client.rest()
      assert.strictEqual(lines.length, 1)
      const reply = JSON.parse(lines[0]!) as Reply
      assert.match(reply.error!.message, /newline-delimited JSON-RPC 2\.0.*(HTTP|TLS)/)
      assert.isNull(reply.id)
      client.close()
    })
  }
})

describe("a line that is too long", () => {
  it("is refused once, also while it is still being sent, and costs nobody else anything", async () => {
    const door = await open({ lineBytes: 100_000 })
    const client = await door.connect()
    const other = await door.connect()
    const chunk = Buffer.alloc(65_536, "x")
    const send = (): void => {
      if (!client.socket.destroyed) client.socket.write(chunk, send)
    }
    send()
    const reply = await client.reply()
    assert.strictEqual(reply.error?.code, RpcErrorCode.lineTooLong)
    assert.match(reply.error!.message, /100000 bytes/)
    assert.deepStrictEqual(await client.rest(), [])
    client.close()
    await echoes(other, "still here")
  })

  it("is told also to a client that looks only when it has sent all", async () => {
    const door = await open({ lineBytes: 100_000 })
    const [client, other] = [await door.connect(), await door.connect()]
    client.socket.pause()
    const written = () => new Promise((resolve) => client.socket.write("x".repeat(90_000), resolve))
    for (let i = 0; i < 5; i++) {
      assert.notInstanceOf(await written(), Error)
      await echoes(other, `between ${i}`)
    }
    client.socket.resume()
    const lines = await client.rest()
    assert.deepStrictEqual(
      lines.map((line) => (JSON.parse(line) as Reply).error?.code),
      [RpcErrorCode.lineTooLong]
    )
  })

  it("does not take the answers before it away", async () => {
    const door = await open({ lineBytes: 1000 })
    const client = await door.connect()
    client.request(1, "toy.echo", { text: "before" })
    client.send(`"${"x".repeat(1000)}"\n`)
    client.request(2, "toy.echo", { text: "after" })
    const replies = (await client.rest()).map((line) => JSON.parse(line) as Reply)
    assert.deepStrictEqual(
      replies.map((reply) => reply.result ?? reply.error?.code),
      ["before", RpcErrorCode.lineTooLong]
    )
  })

  it("and is never finished makes others with long lines wait only so long", async () => {
    const door = await open({ stallMillis: 1000 })
    const [sleeper, worker] = [await door.connect(), await door.connect()]
    sleeper.send(`{"jsonrpc":"2.0","id":1,"method":"toy.echo","params":{"text":"${"s".repeat(600_000)}`)
    const text = "w".repeat(3_000_000)
    worker.request(2, "toy.echo", { text })
    assert.strictEqual((await worker.reply()).result, text)
    const turnedAway = await sleeper.reply()
    assert.strictEqual(turnedAway.error?.code, RpcErrorCode.parseError)
    assert.match(turnedAway.error!.message, /did not come in time/)
  })

  it("within the limit comes through, many at a time", async () => {
    const door = await open()
    const texts = Array.from({ length: 8 }, (_, i) => `${i}`.repeat(2_000_000))
    const clients = await Promise.all(texts.map(() => door.connect()))
    for (const [i, client] of clients.entries()) client.request(i, "toy.echo", { text: texts[i] })
    for (const [i, client] of clients.entries()) assert.isTrue((await client.reply()).result === texts[i])
  })
})

describe("a client that does not read", () => {
  it("has its requests left unread once too much is owed to it, and gets all of it when it reads again", async () => {
    const door = await open()
    const client = await door.connect()
    client.socket.pause()
    const requests = 200
    for (let i = 0; i < requests; i++) client.request(i, "toy.big", { bytes: 200_000 })
    await door.toy.seen("big")
    const other = await door.connect()
    for (let i = 0; i < 10; i++) await echoes(other, `other ${i}`)
    assert.isBelow(door.toy.count("big"), 20)
    client.socket.resume()
    const replies = await client.replies(requests)
    assert.deepStrictEqual(
      replies.map((reply) => reply.id),
      Array.from({ length: requests }, (_, i) => i)
    )
  })

  it("is cut off after a while, with its streams, and nobody else notices", async () => {
    const door = await open({ stallMillis: 100 })
    const client = await door.connect()
    const other = await door.connect()
    client.socket.pause()
    // Acknowledges without end what it never reads.
    client.request("f", "toy.flood", { bytes: 200_000 })
    const ack = `${JSON.stringify({ jsonrpc: "2.0", method: "@effect/rpc/Ack", params: { requestId: "f" } })}\n`
    for (let i = 0; i < 1000; i++) client.send(ack)
    const acks = setInterval(() => client.socket.writable && client.send(ack), 5)
    await door.toy.seen("flood ended")
    clearInterval(acks)
    assert.isBelow(door.toy.count("flood"), 50)
    await echoes(other, "unhurt")
    client.close()
  })
})

describe("more clients than allowed", () => {
  it("are told so and closed, and there is room again when somebody leaves", async () => {
    const door = await open({ maxConnections: 2 })
    const [a, b] = [await door.connect(), await door.connect()]
    await echoes(a, "a")
    await echoes(b, "b")
    const third = await door.connect()
    const [line, ...more] = await third.rest()
    const reply = JSON.parse(line!) as Reply
    assert.strictEqual(reply.error?.code, RpcErrorCode.tooManyConnections)
    assert.match(reply.error!.message, /2 connections/)
    assert.deepStrictEqual(more, [])
    a.close()
    await Effect.runPromise(Effect.repeat(door.connections.count, { until: (n) => n === 1 }))
    await echoes(await door.connect(), "in")
    await echoes(b, "b again")
  })
})

describe("closing the door", () => {
  it("lets what is in flight finish, refuses what comes meanwhile, and then ends every connection", async () => {
    const door = await open()
    const [busy, idle] = [await door.connect(), await door.connect()]
    await echoes(idle, "idle")
    busy.request(1, "toy.wait", { gate: "last" })
    await door.toy.seen("waiting last")
    const closing = door.close()
    let refusal: Reply
    do {
      busy.request(2, "toy.slowEcho", { text: "late" })
      refusal = await busy.reply()
    } while (refusal.error === undefined)
    assert.strictEqual(refusal.error.code, RpcErrorCode.cancelled)
    assert.match(refusal.error.message, /stopping/)
    door.toy.open("last")
    assert.deepStrictEqual(await busy.reply(), { jsonrpc: "2.0", id: 1, result: "last" } as Reply)
    assert.deepStrictEqual(await busy.rest(), [])
    assert.deepStrictEqual(await idle.rest(), [])
    await closing
    assert.deepStrictEqual(readdirSync(dirname(door.path)), [])
    const refused = await door.connect().catch((error: unknown) => error)
    assert.instanceOf(refused, SocketConnectError)
    assert.strictEqual(refused.reason, "missing")
  })

  it("cancels what is still in flight when the time is up, streams among it, and tells whoever waits", async () => {
    const door = await open({ drainMillis: 50 })
    const client = await door.connect()
    client.request(1, "toy.wait", { gate: "never" })
    client.request(2, "toy.flood", { bytes: 10 })
    await door.toy.seen("waiting never")
    assert.isTrue((await client.reply()).chunk)
    await door.close()
    const replies = (await client.rest()).map((line) => JSON.parse(line) as Reply)
    assert.sameDeepMembers(
      replies.map((reply) => [reply.id, reply.error?.code]),
      [
        [1, RpcErrorCode.cancelled],
        [2, RpcErrorCode.cancelled]
      ]
    )
    assert.isAbove(door.toy.count("interrupted never"), 0)
  })

  it("does not wait for what goes on for as long as its client wants, but for the rest", async () => {
    const door = await open({ drainMillis: 3_600_000 })
    const client = await door.connect()
    client.request(1, "toy.watch", { gate: "never" })
    client.request(2, "toy.wait", { gate: "soon" })
    await door.toy.seen("watching never")
    await door.toy.seen("waiting soon")
    const closing = door.close()
    const cancelled = await client.reply()
    assert.deepStrictEqual([cancelled.id, cancelled.error?.code], [1, RpcErrorCode.cancelled])
    door.toy.open("soon")
    assert.strictEqual((await client.reply()).result, "soon")
    await closing
  })

  it("comes to an end also when a handler can't be stopped", async () => {
    const door = await open({ drainMillis: 20 })
    const client = await door.connect()
    client.request(1, "toy.stubborn")
    await door.toy.seen("stubborn")
    await door.close()
    door.toy.open("stubborn")
    await client.rest()
  })
})

describe("a listener that fails", () => {
  it("is started again, and connections that are open go on", async () => {
    const door = await open()
    const client = await door.connect()
    for (const concern of ["socket listener", "connections"]) {
      assert.isTrue(await Effect.runPromise(door.concerns.crash(concern, "a test")))
      const up = Effect.map(door.concerns.status, (all) => all.find(({ name }) => name === concern)!)
      const status = await Effect.runPromise(
        Effect.repeat(up, { until: ({ restarts, state }) => restarts === 1 && state === "up" })
      )
      assert.strictEqual(status.lastFailure?.reason, "a test")
      await echoes(client, `after ${concern}`)
      const newcomer = await door.connect()
      await echoes(newcomer, "new")
      newcomer.close()
    }
    client.close()
  })
})
