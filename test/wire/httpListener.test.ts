import { connect } from "node:net"
import { assert, describe, it } from "vitest"
import { type Exchange, HttpListener } from "../../src/wire/http/HttpListener.ts"

/** A door on any free port that hands each exchange to `handle`. */
const listening = (handle: (exchange: Exchange) => void) =>
  new Promise<{ readonly port: number; readonly listener: HttpListener }>((done, fail) => {
    const listener = new HttpListener({
      host: "127.0.0.1",
      port: 0,
      requestMillis: 30_000,
      maxConnections: () => 10,
      handle,
      verbs: "GET"
    })
    listener.listen(
      (result) => ("code" in result ? fail(result) : done({ port: (result as { port: number }).port, listener })),
      fail
    )
  })

describe("the HTTP door", () => {
  it("an answer that is written in pieces ends when its reader closes its side", async () => {
    const closed = Promise.withResolvers<void>()
    const { listener, port } = await listening(({ stream }) => {
      const response = stream()
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
})
