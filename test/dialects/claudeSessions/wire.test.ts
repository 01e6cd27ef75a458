import { existsSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { isAlive, until } from "../../support/home.ts"
import { type DialectHome, makeDialectHome } from "./home.ts"

let home: DialectHome
beforeAll(async () => {
  home = await makeDialectHome()
}, 60_000)
afterAll(() => home.destroy())

const PING = '{"type":"ping"}'
const PONG = '{"type":"pong"}\n'

/** A client that connects and says no whole line. */
const stall = (text = ""): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(home.client.socket, () => {
      socket.write(text)
      resolve(socket)
    })
    socket.on("error", () => {})
  })

describe("the wire of claude-sessions", () => {
  it("is one line each way, and then the end", async () => {
    const { client } = home
    assert.strictEqual(await client.say(`${PING}\n`), PONG)
    assert.strictEqual(await client.say(`${PING}\r\n`), PONG)
    // What stands behind the first line is not looked at.
    assert.strictEqual(await client.say(`${PING}\n{"type":"shutdown"}\n`), PONG)
    assert.strictEqual(await client.say(`${PING}\n${"x".repeat(3_000_000)}`), PONG)
    // A client that ends its side instead of its line.
    assert.strictEqual(await client.say(PING, { half: true }), PONG)
    assert.isTrue(client.isDaemonRunning())
  })

  it("may come in any pieces", async () => {
    for (let cut = 0; cut <= PING.length; cut++) {
      const heard = await new Promise<string>((resolve) => {
        let text = ""
        const socket = connect(home.client.socket, () => {
          socket.write(PING.slice(0, cut))
          setImmediate(() => socket.write(`${PING.slice(cut)}\n`))
        })
        socket.setNoDelay(true)
        socket.on("data", (chunk) => (text += String(chunk)))
        socket.on("close", () => resolve(text))
      })
      assert.strictEqual(heard, PONG)
    }
  })

  it("is closed without an answer where its program could make nothing of it", async () => {
    for (const line of [
      "\n",
      "x\n",
      "null\n",
      '{"type":"nonsense"}\n',
      '{"type":"ping","type":"ping"}\n',
      '{"type":"stop_session","session_id":null}\n',
      '{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}\n',
      "GET / HTTP/1.1\r\n\r\n",
      Buffer.from([0x7b, 0xff, 0xfe, 0x0a]),
      Buffer.from([0x16, 0x03, 0x01, 0x0a])
    ]) {
      assert.strictEqual(await home.client.say(line), "", String(line))
    }
    assert.strictEqual(await home.client.say("", { half: true }), "")
    assert.strictEqual(await home.client.say(`${PING}\n`), PONG)
  })

  it("has a longest line, and what is beyond it costs nobody anything", async () => {
    const text = (bytes: number) => JSON.stringify({ type: "send_input", session_id: "x", text: "y".repeat(bytes) })
    assert.include(await home.client.say(`${text(4_000_000)}\n`), "Invalid session ID format")
    const heard = await home.client.say(`${text(5_000_000)}\n`).catch((error: Error) => error.message)
    assert.match(heard, /^$|EPIPE|ECONNRESET/)
    assert.strictEqual(await home.client.say(`${PING}\n`), PONG)
  })

  it("is answered to everybody while others stall, and a stalled one is hung up on when there are too many", async () => {
    const stalled: Array<Socket> = []
    for (let each = 0; each < 100; each++) stalled.push(await stall(each % 2 === 0 ? "" : '{"type":'))
    assert.strictEqual(await home.client.say(`${PING}\n`), PONG)
    const answers = await Promise.all(Array.from({ length: 20 }, () => home.client.say(`${PING}\n`)))
    assert.deepStrictEqual(new Set(answers), new Set([PONG]))
    for (let each = 0; each < 40; each++) stalled.push(await stall())
    await until(
      "those beyond the limit are hung up on",
      () => stalled.filter(({ destroyed }) => destroyed).length >= 12
    )
    for (const socket of stalled) socket.destroy()
    await until("there is room again", async () => (await home.client.say(`${PING}\n`).catch(() => "")) === PONG)
  }, 60_000)

  it("starts twenty sessions at once, each once", async () => {
    const started = await Promise.all(Array.from({ length: 20 }, () => home.client.start(home.project)))
    const ids = new Set(started.map(({ id }) => id))
    assert.strictEqual(ids.size, 20)
    const listed = (await home.client.list()).filter(({ id }) => ids.has(id))
    assert.lengthOf(listed, 20)
    await Promise.all(started.map(({ log }) => home.untilPrinted(log, "ready in")))
    await Promise.all([...ids].map((id) => home.client.stop(id)))
    assert.lengthOf(await home.client.list(), 0)
  }, 120_000)

  it("starts a session whose client does not wait for the answer", async () => {
    const socket = await stall(`${JSON.stringify({ type: "start_session", working_dir: home.project })}\n`)
    socket.destroy()
    await until("it runs", async () => (await home.client.list()).length === 1)
    const [only] = await home.client.list()
    await until("its log is there", () => existsSync(only!.log_path))
    await home.untilPrinted(only!.log_path, "ready in")
    await home.client.stop(only!.id)
    assert.isTrue(isAlive(await home.daemonPid()))
  })
})
