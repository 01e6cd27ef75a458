import { join } from "node:path"
import { writeFileSync } from "node:fs"
import { connect as connectTcp } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { WebSocket } from "ws"
import { until } from "../support/home.ts"
import { serveHome, type Served } from "./support.ts"

/** A client of `/ws` that hears messages, and calls. */
class Client {
  readonly socket: WebSocket
  readonly messages: Array<any> = []
  /** Of the output that `sessions.output` has brought. */
  bytes = 0
  closed: { readonly code: number; readonly reason: string } | undefined
  #next = 0

  constructor(served: Served, headers: Readonly<Record<string, string>> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${served.port}/ws`, {
      headers: { authorization: `Bearer ${served.token}`, ...headers },
      perMessageDeflate: false
    })
    this.socket.on("message", (text: Buffer, isBinary) => {
      if (isBinary) throw new Error("a message is no text")
      const message = JSON.parse(text.toString())
      this.messages.push(message)
      if (message.chunk !== true) return
      for (const { data } of message.result)
        if (typeof data === "string") this.bytes += Buffer.byteLength(data, "base64")
    })
    this.socket.on("close", (code, reason) => (this.closed = { code, reason: reason.toString() }))
    this.socket.on("error", () => {})
  }

  get open(): Promise<void> {
    return new Promise((opened, failed) => {
      this.socket.once("open", opened)
      this.socket.once("unexpected-response", (_request, response) => failed(new Error(String(response.statusCode))))
    })
  }

  say(message: object): void {
    this.socket.send(JSON.stringify({ jsonrpc: "2.0", ...message }))
  }

  async call(method: string, params: object = {}): Promise<any> {
    const id = ++this.#next
    this.say({ id, method, params })
    const answer = () => this.messages.find((message) => message.id === id && message.chunk !== true)
    await until(`${method} is answered`, () => answer() !== undefined || this.closed !== undefined)
    return answer()
  }

  /** The output that a call of `sessions.output` has brought. */
  output(id: number): Buffer {
    const items = this.messages.flatMap((message) =>
      message.id === id && message.chunk === true ? message.result : []
    )
    return Buffer.concat(items.map(({ data }: any) => Buffer.from(data, "base64")))
  }
}

describe("the native protocol over a WebSocket", { timeout: 240_000 }, () => {
  let served: Served
  beforeAll(async () => {
    served = await serveHome({ socket: { stallMillis: 15_000, writeBufferBytes: 65_536 } })
  })
  afterAll(() => served?.home.destroy())

  const connect = async (headers: Readonly<Record<string, string>> = {}) => {
    const client = new Client(served, headers)
    await client.open
    return client
  }
  const refused = (headers: Readonly<Record<string, string>>) =>
    connect(headers).then(
      ({ socket }) => {
        socket.terminate()
        return "let in"
      },
      (error: Error) => error.message
    )
  const run = async (command: ReadonlyArray<string>): Promise<string> =>
    (await served.ask({ path: "/sessions", body: { directory: served.directory, command } })).body.session.id

  it("answers as the native socket does, one message a frame", async () => {
    const client = await connect()
    assert.deepStrictEqual((await client.call("daemon.ping")).result, { pong: true })
    assert.strictEqual((await client.call("no.such")).error.code, -32601)
    client.socket.send('{\n "jsonrpc": "2.0",\n "id": "pretty", "method": "daemon.ping"\n}')
    client.socket.send("nonsense")
    client.socket.send(
      '[{"jsonrpc":"2.0","id":"a","method":"daemon.ping"},{"jsonrpc":"2.0","id":"b","method":"daemon.ping"}]'
    )
    await until("all are answered", () => client.messages.length === 5)
    assert.strictEqual(client.messages[2].id, "pretty")
    assert.strictEqual(client.messages[3].error.code, -32700)
    assert.deepStrictEqual(
      client.messages[4].map(({ id }: any) => id),
      ["a", "b"]
    )
    client.socket.close()
  })

  it("lets nobody in without a token, or from another page", async () => {
    const own = `http://127.0.0.1:${served.port}`
    assert.strictEqual(await refused({ authorization: "" }), "401")
    assert.strictEqual(await refused({ authorization: "Bearer wrong" }), "401")
    assert.strictEqual(await refused({ origin: "https://evil.example" }), "403")
    assert.strictEqual(await refused({ origin: "null" }), "403")
    assert.strictEqual(await refused({ host: "evil.example" }), "421")
    assert.strictEqual(await refused({ origin: own }), "let in")
  })

  it("what a client owns ends with its connection: its locks, its calls", async () => {
    const owner = await connect()
    const lock = await owner.call("locks.acquire", {
      name: "mine",
      holder: "ws",
      ttlMillis: 600_000,
      bind: "connection"
    })
    assert.isNumber(lock.result.token)
    owner.say({ id: "sub", method: "channels.subscribe", params: { patterns: ["x"] } })
    await until("it is subscribed", () => owner.messages.some(({ id }) => id === "sub"))
    const locks = async () => (await served.home.json<any>(["lock", "ls"])).locks.map(({ name }: any) => name)
    assert.include(await locks(), "mine")
    owner.socket.terminate()
    await until("its lock is free", async () => !(await locks()).includes("mine"))
  })

  it("a message that is too long, or no text, ends the connection, and no other", async () => {
    const other = await connect()
    const binary = await connect()
    binary.socket.send(Buffer.from("{}"), { binary: true })
    await until("it is closed", () => binary.closed !== undefined)
    assert.strictEqual(binary.closed!.code, 1003)
    const long = await connect()
    long.socket.send("x".repeat(17 * 1024 * 1024 + 1))
    await until("it is closed", () => long.closed !== undefined)
    assert.strictEqual(long.closed!.code, 1009)
    assert.deepStrictEqual((await other.call("daemon.ping")).result, { pong: true })
    other.socket.close()
  })

  it("many follow one session's output: each gets every byte, whenever it comes and however slowly it reads", async () => {
    const size = 5 * 1024 * 1024
    const text = Buffer.alloc(size, "what a program prints, line by line\n")
    const file = join(served.directory, "long")
    writeFileSync(file, text)
    const id = await run(["sh", "-c", `read go; cat ${file}; read go; echo end`])
    const followers = await Promise.all(Array.from({ length: 12 }, () => connect()))
    for (const follower of followers)
      follower.say({ id: 1, method: "sessions.output", params: { session: id, follow: true } })
    await until("all follow", () => followers.every(({ messages }) => messages.length > 0))
    // Some stop reading for a while.
    for (const slow of followers.slice(0, 3)) slow.socket.pause()
    await served.ask({ path: `/sessions/${id}/input`, body: { text: "go\n" } })
    const fast = followers.slice(3)
    const isDone = ({ bytes, closed }: Client) => bytes === size || closed !== undefined
    await until("the others have all of it", () => fast.every(isDone))
    assert.deepStrictEqual(
      fast.map(({ closed }) => closed),
      fast.map(() => undefined)
    )
    for (const slow of followers.slice(0, 3)) slow.socket.resume()
    const late = await connect()
    late.say({ id: 1, method: "sessions.output", params: { session: id, follow: true, since: size - 100 } })
    await served.ask({ path: `/sessions/${id}/input`, body: { text: "go\n", endInput: true } })
    const whole = Buffer.concat([text, Buffer.from("end\n")])
    // Those that stood still for longer than a client may were cut off, and come back; the others end with the session.
    for (const follower of [...fast, late]) {
      await until("it has the end", () => follower.messages.some(({ chunk, id }) => id === 1 && chunk !== true))
    }
    for (const follower of fast) assert.isTrue(follower.output(1).equals(whole))
    assert.isTrue(late.output(1).equals(whole.subarray(size - 100)))
    for (const slow of followers.slice(0, 3)) {
      await until("it ends, or is cut off", () => slow.closed !== undefined || slow.messages.at(-1)?.chunk !== true)
      const had = slow.output(1)
      assert.isTrue(had.equals(whole.subarray(0, had.length)))
    }
    for (const each of [...followers, late]) each.socket.terminate()
  })

  it("who reads nothing is cut off, alone, and takes no memory", async () => {
    const id = await run(["sh", "-c", "read go; head -c 40000000 /dev/zero | tr '\\0' x"])
    const webSockets = async () => (await served.home.json<any>(["http", "status"])).webSockets
    await until("those of before are gone", async () => (await webSockets()) === 0)
    const frozen = await connect()
    const reader = await connect()
    for (const each of [frozen, reader]) {
      each.say({ id: 1, method: "sessions.output", params: { session: id, follow: true } })
    }
    await until("both follow", () => frozen.messages.length > 0 && reader.messages.length > 0)
    frozen.socket.pause()
    let bytes = 0
    reader.socket.removeAllListeners("message")
    reader.socket.on("message", (text: Buffer) => {
      const message = JSON.parse(text.toString())
      if (message.chunk === true) for (const { data } of message.result) bytes += Buffer.byteLength(data, "base64")
      else reader.messages.push(message)
    })
    await served.ask({ path: `/sessions/${id}/input`, body: { text: "go\n", endInput: true } })
    await until("who reads has it all", () => bytes === 40_000_000 || reader.closed !== undefined)
    assert.isUndefined(reader.closed)
    await until("who does not is gone", async () => (await webSockets()) === 1)
    reader.socket.terminate()
  })

  it("ends when its token is revoked, or expires, and when hob answers over HTTP no longer", async () => {
    const made = async (...args: ReadonlyArray<string>) => await served.home.json<any>(["token", "new", ...args])
    const { info, token } = await made("short", "--scope", "read")
    const client = await connect({ authorization: `Bearer ${token}` })
    const events = await fetch(`${served.url}/events`, { headers: { authorization: `Bearer ${token}` } })
    const reader = events.body!.getReader()
    await reader.read()
    const subscribe = { jsonrpc: "2.0", id: 1, method: "channels.subscribe", params: { patterns: ["x"] } }
    const follows = (by: string) =>
      fetch(`${served.url}/rpc`, {
        method: "POST",
        headers: { authorization: `Bearer ${by}`, "content-type": "application/json" },
        body: JSON.stringify(subscribe)
      })
    const brokenOff = async (answer: Response) => {
      const pieces = answer.body!.getReader()
      await pieces
        .read()
        .then(async () => await pieces.read())
        .then(
          () => assert.fail("it goes on"),
          () => undefined
        )
    }
    const streams = await follows(token)
    // A body that comes for long: what is in it is not done by then.
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "daemon.ping" })
    const slow = connectTcp(served.port, "127.0.0.1")
    let heard = ""
    slow.on("data", (chunk) => (heard += chunk.toString()))
    slow.write(
      `POST /rpc HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    )
    await until("it may send", () => heard.includes("100 Continue"))
    await served.home.ok(["token", "revoke", info.id])
    await brokenOff(streams)
    slow.write(body)
    await until("it is answered", () => heard.includes("HTTP/1.1 401"))
    slow.destroy()
    await until("it is closed", () => client.closed !== undefined)
    assert.strictEqual(client.closed!.code, 1008)
    for (let piece = await reader.read(); !piece.done; piece = await reader.read());
    // Made and used by two requests: a command could take as long as it is good for.
    const params = { name: "brief", scope: "read", expiresInMillis: 3000 }
    const brief = await served.ask({ path: "/rpc", body: { jsonrpc: "2.0", id: 1, method: "tokens.create", params } })
    const expiring = await connect({ authorization: `Bearer ${brief.body.result.token}` })
    await until("it has expired", () => expiring.closed !== undefined)
    const last = await connect()
    const lastStream = await follows(served.token)
    await served.home.ok(["http", "disable"])
    await until("it is closed", () => last.closed !== undefined)
    await brokenOff(lastStream)
  })
})
