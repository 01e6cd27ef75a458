import type { ServerResponse } from "node:http"
import { connect, type Socket } from "node:net"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { assert, describe, it } from "vitest"
import { type Exchange, HttpListener, type HttpListenerOptions } from "../../src/wire/http/HttpListener.ts"
import { until } from "../support/home.ts"
import { makeCertificates } from "../support/middleware/certificates.ts"

/** A door on any free port that hands each exchange to `handle`. */
const listening = (handle: (exchange: Exchange) => void, options: Partial<HttpListenerOptions> = {}) =>
  new Promise<{ readonly port: number; readonly listener: HttpListener }>((done, fail) => {
    const listener = new HttpListener({
      host: "127.0.0.1",
      port: 0,
      requestMillis: 30_000,
      maxConnections: () => 10,
      handle,
      verbs: "GET",
      ...options
    })
    listener.listen(
      (result) => ("code" in result ? fail(result) : done({ port: (result as { port: number }).port, listener })),
      fail
    )
  })

/** A client as its bytes. */
class Client {
  readonly socket: Socket
  readonly connected: Promise<void>
  readonly closed: Promise<void>
  isClosed = false
  #text = ""

  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    this.socket.on("error", () => {})
    this.socket.on("data", (chunk) => (this.#text += chunk.toString()))
    this.socket.on("end", () => this.socket.end())
    this.connected = new Promise((done) => this.socket.once("connect", done))
    this.closed = new Promise((done) =>
      this.socket.once("close", () => {
        this.isClosed = true
        done()
      })
    )
  }

  heard(text: string, times = 1): Promise<void> {
    return until(`${text} is heard`, () => this.#text.split(text).length > times)
  }
}

const overTls = (port: number, ca: string): Promise<TLSSocket> =>
  new Promise((done, fail) => {
    const socket = connectTls({ port, host: "127.0.0.1", servername: "localhost", ca }, () => done(socket))
    socket.on("error", fail)
  })

const closeNow = (listener: HttpListener): Promise<void> =>
  new Promise((done) => {
    listener.close(done)
    listener.cutOff()
  })

describe("the HTTP door", () => {
  it("an answer that is written in pieces ends when its reader closes its side", async () => {
    const closed = Promise.withResolvers<void>()
    const { listener, port } = await listening(({ endless }) => {
      const response = endless()
      response.writeHead(200, { "content-type": "text/event-stream" })
      response.write("data: 1\n\n")
      response.on("close", closed.resolve)
    })
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await new Promise<void>((heard) => socket.on("data", (chunk) => chunk.includes("data: 1") && heard()))
    socket.end()
    await closed.promise
    socket.destroy()
    await new Promise<void>((done) => listener.close(done))
    assert.isTrue(socket.destroyed)
  })

  it("connections that are used again keep nothing of the answers before", async () => {
    const counts: Array<number> = []
    const { listener, port } = await listening(({ endless, head, response }) => {
      const answer = head.target === "/endless" ? endless() : response()
      counts.push(answer.socket!.listenerCount("end"))
      answer.end("ok")
    })
    const client = new Client(port)
    for (let at = 0; at < 12; at++) {
      client.socket.write(`GET ${at % 2 === 0 ? "/endless" : "/"} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
      await client.heard("HTTP/1.1 200", at + 1)
    }
    assert.strictEqual(Math.max(...counts) - Math.min(...counts), 1)
    await closeNow(listener)
  })

  it("who closes its side with the request has its answer, however it is written", async () => {
    const { listener, port } = await listening(({ head, receive, response }) => {
      const whole = response()
      const answer = () => whole.socket!.once("end", () => whole.end("answered"))
      if (head.method === "POST") receive(100, answer)
      else answer()
    })
    for (const request of [
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
    ]) {
      const client = new Client(port)
      client.socket.end(request)
      await client.heard("answered")
      await client.closed
    }
    await closeNow(listener)
  })

  it("an upgrade that has a body, or is for no WebSocket, is a request as any other, and leaves nothing", async () => {
    let upgrades = 0
    const { listener, port } = await listening(({ reply }) => reply({ status: 200, body: { is: "answered" } }), {
      upgrade: () => void upgrades++
    })
    for (const lines of ["Upgrade: websocket\r\nContent-Length: 5", "Upgrade: h2c\r\nHTTP2-Settings: AAA"]) {
      const client = new Client(port)
      client.socket.write(`GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n${lines}\r\n\r\n`)
      await client.heard("HTTP/1.1 200")
      client.socket.destroy()
    }
    assert.strictEqual(upgrades, 0)
    await closeNow(listener)
  })

  it("who waits for an answer may be silent for long; who is owed none may not", async () => {
    const asked = Promise.withResolvers<Exchange>()
    const { listener, port } = await listening((exchange) => asked.resolve(exchange), { idleMillis: 200 })
    const waits = new Client(port)
    waits.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    const { reply } = await asked.promise
    // Two connections after each other are as silent as it, and are closed.
    for (let at = 0; at < 2; at++) await new Client(port).closed
    assert.isFalse(waits.isClosed)
    reply({ status: 200, body: "late" })
    await waits.heard("late")
    await closeNow(listener)
  })

  it("who waits for an answer has it before the door is closed, and then is hung up on", async () => {
    const asked = Promise.withResolvers<Exchange>()
    const { listener, port } = await listening((exchange) => asked.resolve(exchange))
    const waits = new Client(port)
    waits.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    const idle = new Client(port)
    const { reply } = await asked.promise
    const closed = new Promise<void>((done) => listener.close(done))
    await idle.closed
    reply({ status: 200, body: "owed" })
    await waits.heard("owed")
    await closed
  })

  it("too many: the one goes that has sent nothing whole for longest, however many wait for answers", async () => {
    const owed: Array<Exchange> = []
    const { listener, port } = await listening((exchange) => void owed.push(exchange), { maxConnections: () => 80 })
    const waiting = Array.from({ length: 78 }, () => new Client(port))
    for (const { socket } of waiting) socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await until("all have asked", () => owed.length === 78)
    const slow = new Client(port)
    await slow.connected
    slow.socket.write("GET / HTTP/1.1\r\n")
    const other = new Client(port)
    await other.connected
    const late = new Client(port)
    late.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await slow.closed
    await until("the late one has asked", () => owed.length === 79)
    for (const { reply } of owed) reply({ status: 200, body: "ok" })
    for (const each of [...waiting, late]) await each.heard("ok")
    assert.isFalse(other.isClosed)
    await closeNow(listener)
  })

  it("connections that never say who they are under TLS count, and go first", async () => {
    const { ca, cert, key } = makeCertificates(["localhost"])
    const { listener, port } = await listening(({ reply }) => reply({ status: 200, body: "ok" }), {
      maxConnections: () => 5,
      tls: { cert, key }
    })
    const kept = await overTls(port, ca)
    const silent = Array.from({ length: 6 }, () => new Client(port))
    await Promise.all(silent.slice(0, 2).map(({ closed }) => closed))
    kept.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await new Promise<void>((heard) => kept.on("data", (chunk) => String(chunk).includes("ok") && heard()))
    await closeNow(listener)
    for (const { closed } of silent) await closed
  })

  it("who asks for a tunnel and leaves with a reset harms nobody", async () => {
    const { listener, port } = await listening(({ reply }) => reply({ status: 200, body: "ok" }))
    const client = new Client(port)
    client.socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    await client.heard("405")
    await client.closed
    for (let at = 0; at < 20; at++) {
      const rude = new Client(port)
      await rude.connected
      rude.socket.write("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
      rude.socket.resetAndDestroy()
    }
    const polite = new Client(port)
    polite.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await polite.heard("ok")
    await closeNow(listener)
  })

  it("garbage behind a request whose answer goes on costs no listener for each piece", async () => {
    const asked = Promise.withResolvers<ServerResponse>()
    const { listener, port } = await listening(({ endless }) => {
      const response = endless()
      response.write("go")
      asked.resolve(response)
    })
    const client = new Client(port)
    client.socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    const response = await asked.promise
    const before = response.listenerCount("finish")
    for (let at = 0; at < 5; at++) {
      const bytes = response.socket!.bytesRead
      client.socket.write("garbage\r\n\r\n")
      await until("it is read", () => response.socket!.bytesRead > bytes)
    }
    assert.isAtMost(response.listenerCount("finish"), before + 1)
    await closeNow(listener)
  })
})
