import { connect } from "node:net"
import { existsSync, readFileSync } from "node:fs"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { ExitCode } from "../../../src/cli/exit.ts"
import { isAlive, until } from "../../support/home.ts"
import { Conversation } from "./client.ts"
import { makePhotonHome, type PhotonHome } from "./home.ts"

let home: PhotonHome
beforeAll(async () => {
  home = await makePhotonHome(["kanban", "other"])
}, 120_000)
afterAll(() => home.destroy())

const publish = (channel: string, message: unknown, id = "p") => ({ type: "publish", id, channel, message })
const withoutIds = (line: string) => line.replace(/"eventId":\d+/, '"eventId":0').replace(/"(ch|replay)_\d+"/, '"$1_0"')

describe("the wire of photon", () => {
  it("answers each request with the line that photon's daemon does", async () => {
    const { client } = home
    for (const [request, answer] of [
      ['{"type":"ping","id":"1"}', '{"type":"pong","id":"1"}'],
      ['{ "id": "\\u0031", "type": "ping" }', '{"type":"pong","id":"1"}'],
      ['{"type":"ping","id":"","more":[1]}\r', '{"type":"pong","id":""}'],
      [
        '{"type":"subscribe","id":"s1","channel":"c1"}',
        '{"type":"result","id":"s1","success":true,"data":{"subscribed":true,"channel":"c1"}}'
      ],
      [
        '{"type":"unsubscribe","id":"u1","channel":"never"}',
        '{"type":"result","id":"u1","success":true,"data":{"unsubscribed":true,"channel":"never"}}'
      ],
      [
        '{"type":"publish","id":"p1","channel":"c1","message":{"a":1}}',
        '{"type":"result","id":"p1","success":true,"data":{"published":true,"channel":"c1","eventId":0}}'
      ],
      [
        '{"type":"publish","id":"p2","photonName":"kanban","channel":""}',
        '{"type":"result","id":"p2","success":true,"data":{"published":true,"channel":"","eventId":0}}'
      ]
    ] as const) {
      assert.strictEqual(withoutIds(await client.once(request)), answer)
    }
  })

  it("answers what can't be read, or is not done, with an error that has the request's id, and stays open", async () => {
    const conversation = await home.client.open()
    const format = "Invalid request format"
    for (const [line, id, error] of [
      ["not json", "unknown", `Unexpected token 'o', "not json" is not valid JSON`],
      ["null", "unknown", format],
      ['"str"', "unknown", format],
      ["[]", "unknown", format],
      ['{"type":"ping"}', "unknown", format],
      ['{"type":"ping","id":7}', "unknown", format],
      ['{"type":"get_stats","id":"x"}', "x", format],
      ['{"type":"publish","id":"x"}', "x", format],
      ['{"type":"publish","id":"x","channel":7,"message":1}', "x", format],
      ['{"type":"subscribe","id":"x\\ud83d","channel":null}', "x\ud83d", format],
      ['{"type":"lock","id":"x"}', "x", format],
      ['{"type":"schedule","id":"x","jobId":"j","method":"m"}', "x", format],
      ['{"type":"command","id":"c","method":""}', "c", "Method name required"],
      ['{"type":"command","id":"c","method":"add","args":{}}', "c", "Tool not found: add"],
      ['{"type":"schedule","id":"c","jobId":"","method":"m","cron":"* * * * *"}', "c", /^The jobId must be/],
      ['{"type":"schedule","id":"c","jobId":"j","method":"m","cron":"* * * * *","args":7}', "c", /^args must be/],
      ['{"type":"publish","id":"x","channel":"c","message":1}}', "unknown", /JSON/],
      ['{"type":"publish","id":"x","channel":"c","message":1 2}', "unknown", /JSON/],
      [`{"type":"ping","id":"x","d":${"[".repeat(65)}${"]".repeat(65)}}`, "unknown", /nested more than 64 levels/],
      ['\ufeff{"type":"ping","id":"1"}', "unknown", /byte order mark/],
      [`{"type":"publish","id":"x","channel":"${"n".repeat(10_000)}"}`, "x", /channel is too long: 512 bytes/]
    ] as const) {
      const heard = await conversation.ask(line)
      assert.deepStrictEqual(Object.keys(heard), ["type", "id", "error"], line)
      assert.strictEqual(heard.type, "error")
      assert.strictEqual(heard.id, id)
      if (typeof error === "string") assert.strictEqual(heard["error"], error)
      else assert.match(heard["error"], error)
    }
    conversation.socket.write(Buffer.from([0x7b, 0xff, 0xfe, 0x0a]))
    assert.match((await conversation.hear())["error"], /not valid UTF-8/)
    // Not answered at all: the end of a command is.
    conversation.say({ type: "prompt_response", id: "q", promptValue: "Ann" }, "", " \r")
    assert.strictEqual((await conversation.ask({ type: "ping", id: "still" })).id, "still")
    conversation.socket.destroy()
  })

  it("sends a message to everybody who is subscribed but the publisher's connection, once each", async () => {
    const { client } = home
    const one = await client.subscribe("c:a")
    await one.ask({ type: "subscribe", id: "again", channel: "c:a" })
    await one.ask({ type: "subscribe", id: "wild", channel: "c:*" })
    const wild = await client.subscribe("c:*")
    const elsewhere = await home.clientOf("other").subscribe("c:a")
    const publisher = await client.subscribe("c:a")
    const answer = await publisher.ask(publish("c:a", { text: "größer 😀", n: 1 }))
    const message = `{"type":"channel_message","id":"ch_${answer["data"].eventId}","channel":"c:a","message":{"text":"größer 😀","n":1},"eventId":${answer["data"].eventId}}`
    for (const listener of [one, wild]) assert.strictEqual(await listener.line(), message)
    // Nothing came twice, to itself, or to another photon.
    for (const listener of [one, wild, elsewhere, publisher]) {
      assert.strictEqual((await listener.ask({ type: "ping", id: "end" })).type, "pong")
      listener.socket.destroy()
    }
  })

  it("carries any message as it was written, and none where there is none", async () => {
    const { client } = home
    const listener = await client.subscribe("raw")
    const publisher = await client.open()
    for (const [member, heard] of [
      [',"message":12345678901234567890', ',"message":12345678901234567890'],
      [',"message":1.0', ',"message":1.0'],
      [',"message": {"a" : 1}  ', ',"message":{"a" : 1}'],
      [',"message":null', ',"message":null'],
      [',"message": null ', ',"message":null'],
      [',"message":"\\u0041"', ',"message":"\\u0041"'],
      [',"message":1,"message":2', ',"message":2'],
      [',"message":[1e400,"1e400",1e300]', ',"message":[null,"1e400",1e+300]'],
      [',"message":-1e400,"more":1', ',"message":null'],
      [',"message":{"__proto__":{"x":1},"message":3}', ',"message":{"__proto__":{"x":1},"message":3}'],
      ["", ""]
    ] as const) {
      publisher.say(`{"type":"publish","id":"p","channel":"raw"${member}}`)
      assert.strictEqual(
        withoutIds(await listener.line()),
        `{"type":"channel_message","id":"ch_0","channel":"raw"${heard},"eventId":0}`
      )
    }
    listener.socket.destroy()
    publisher.socket.destroy()
  })

  it("takes any text for a channel, and no two for one", async () => {
    const { client } = home
    const names = [
      "",
      ":",
      "a::b",
      "a:",
      ":a",
      "*",
      "**",
      "a:**",
      "x:*:y",
      "%",
      "%2A",
      "a b",
      "tab\t",
      "\u0000",
      "\ud83d",
      "😀",
      "jobs:x",
      "sessions",
      "locks:L"
    ]
    const listeners = await Promise.all(names.map((name) => client.subscribe(name)))
    const publisher = await client.open()
    for (const name of names) await publisher.ask(publish(name, name))
    for (const [at, name] of names.entries()) {
      const heard = await listeners[at]!.hear()
      assert.deepStrictEqual([heard["channel"], heard["message"]], [name, name])
      assert.strictEqual((await listeners[at]!.ask({ type: "ping", id: "end" })).type, "pong")
      listeners[at]!.socket.destroy()
    }
    publisher.socket.destroy()
  })

  it("is heard by hob's own clients in the namespace of its name, and hears them", async () => {
    const native = new Conversation(connect(home.paths.socket))
    const listener = await home.client.subscribe("news:*")
    const namespace = "kanban"
    native.say({ jsonrpc: "2.0", id: 1, method: "channels.subscribe", params: { namespace, patterns: ["**"] } })
    await native.line()
    await home.client.ask(publish("news::x", [1]))
    assert.include(await native.line(), '"channel":"news:%:x"')
    assert.strictEqual((await listener.hear())["channel"], "news::x")
    const event = { namespace, channel: "news:hob", message: { by: "hob" } }
    native.say({ jsonrpc: "2.0", id: 2, method: "channels.publish", params: event })
    assert.deepStrictEqual((await listener.hear())["message"], { by: "hob" })
    native.socket.destroy()
    listener.socket.destroy()
  })

  it("ends a subscription when it is asked to, or when the connection ends", async () => {
    const { client } = home
    const listener = await client.subscribe("ends")
    await listener.ask({ type: "unsubscribe", id: "u", channel: "ends" })
    await client.ask(publish("ends", 1))
    assert.strictEqual((await listener.ask({ type: "ping", id: "end" })).type, "pong")
    // As photon's client does it: unsubscribes and ends its side in one go.
    const other = await client.subscribe("ends")
    other.socket.end('{"type":"unsubscribe","id":"unsub_1","channel":"ends"}\n')
    assert.strictEqual((await other.hear()).id, "unsub_1")
    await other.untilEnded()
    listener.socket.destroy()
  })

  it("answers what was asked before a client ended its side, also a last line without its newline", async () => {
    const conversation = await home.client.open({ allowHalfOpen: true })
    conversation.socket.end('{"type":"publish","id":"1","channel":"h","message":1}\n{"type":"ping","id":"2"}')
    assert.strictEqual((await conversation.hear()).id, "1")
    assert.strictEqual((await conversation.hear()).id, "2")
    await conversation.untilEnded()
  })

  it("may come in any pieces, also within a character", async () => {
    const { client } = home
    const bytes = Buffer.from(`${JSON.stringify(publish("pieces", "a😀ö"))}\n`)
    const listener = await client.subscribe("pieces")
    const publisher = await client.open()
    for (let cut = 1; cut < bytes.length; cut += 3) {
      publisher.socket.write(bytes.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      publisher.socket.write(bytes.subarray(cut))
      assert.strictEqual((await listener.hear())["message"], "a😀ö")
    }
    for (const byte of bytes) publisher.socket.write(Buffer.from([byte]))
    assert.strictEqual((await listener.hear())["message"], "a😀ö")
    listener.socket.destroy()
    publisher.socket.destroy()
  })

  it("answers a thousand requests of one write in order", async () => {
    const conversation = await home.client.open()
    const ids = Array.from({ length: 1000 }, (_, at) => `${at}`)
    conversation.say(...ids.map((id) => (Number(id) % 2 === 0 ? { type: "ping", id } : publish("many", id, id))))
    await conversation.until(() => conversation.lines.length === 1000)
    assert.deepStrictEqual(
      conversation.lines.map((line) => (JSON.parse(line) as { id: string }).id),
      ids
    )
    conversation.socket.destroy()
  })

  it("has a longest message and a longest line; what is beyond is answered and costs nobody anything", async () => {
    const { client } = home
    const MIB = 1024 * 1024
    const listener = await client.subscribe("big")
    const publisher = await client.open()
    // With its quotes.
    const longest = "x".repeat(16 * MIB - 2)
    assert.strictEqual((await publisher.ask(publish("big", longest))).type, "result")
    assert.isTrue((await listener.hear())["message"] === longest)
    const refused = await publisher.ask(publish("big", `${longest}x`))
    assert.strictEqual(refused.id, "p")
    assert.match(refused["error"], /16777217 bytes long, and 16777216 may be/)
    assert.match((await publisher.ask(publish("big", "x".repeat(17 * MIB))))["error"], /line is longer than/)
    assert.strictEqual((await publisher.ask({ type: "ping", id: "1" })).type, "pong")
    assert.strictEqual((await listener.ask({ type: "ping", id: "end" })).type, "pong")
    for (const { socket } of [publisher, listener]) socket.destroy()
  })

  it("sends nothing to a connection that did not ask", async () => {
    const conversation = await home.client.open()
    await home.client.ask(publish("silence", 1))
    await conversation.ask({ type: "ping", id: "1" })
    assert.strictEqual(conversation.text, '{"type":"pong","id":"1"}\n')
    conversation.socket.destroy()
  })

  it("has the pid file that its clients trust", () => {
    const pid = readFileSync(home.client.path.replace(/sock$/, "pid"), "latin1")
    assert.match(pid, /^\d+$/)
    assert.isTrue(isAlive(Number(pid)))
  })

  it("closes the socket of that photon alone when a client shuts it down", async () => {
    const { client } = home
    const listener = await client.subscribe("bye")
    const asker = await client.open()
    const heard = await asker.say({ type: "shutdown", id: "sd" }).line()
    assert.strictEqual(heard, '{"type":"result","id":"sd","success":true,"data":{"message":"Shutting down"}}')
    await Promise.all([asker.untilEnded(), listener.untilEnded()])
    await until(
      "socket and pid file are gone",
      () => !existsSync(client.path) && !existsSync(client.path.replace(/sock$/, "pid"))
    )
    assert.strictEqual(await home.clientOf("other").once({ type: "ping", id: "1" }), '{"type":"pong","id":"1"}')
    await home.ok(["dialect", "enable", "photon", "kanban"])
    assert.strictEqual(await client.once({ type: "ping", id: "1" }), '{"type":"pong","id":"1"}')
  })

  it("is enabled for a name, and for nothing else", async () => {
    for (const wrong of [[], ["a", "b"], ["a b"], ["a/b"]]) {
      const { code, stderr } = await home.hob(["dialect", "enable", "photon", ...wrong])
      assert.strictEqual(code, ExitCode.usage, wrong.join())
      assert.match(stderr, /^hob: /, wrong.join())
      if (wrong.length !== 1) assert.include(stderr, "the name of a photon")
    }
    assert.strictEqual((await home.hob(["dialect", "enable", "phonton"])).code, ExitCode.usage)
  })
})
