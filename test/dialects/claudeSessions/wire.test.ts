import { existsSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { openFilesLimit } from "../../../src/wire/openFiles.ts"
import { isAlive, until } from "../../support/home.ts"
import { type DialectHome, makeDialectHome } from "./home.ts"

let home: DialectHome
beforeAll(async () => {
  home = await makeDialectHome()
}, 120_000)
afterAll(() => home.destroy())

const PING = '{"type":"ping"}'
const PONG = '{"type":"pong"}\n'

/** What this process and the daemon may have open. */
const files = openFilesLimit() ?? 20_000

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

  it("is answered with an error where nothing can be made of it, and others are not concerned", async () => {
    const deep = (levels: number) => `{"type":"ping","x":${"[".repeat(levels)}${"]".repeat(levels)}}\n`
    for (const [line, problem] of [
      ["\n", "the line is not JSON."],
      ["x\n", "the line is not JSON."],
      ["null\n", "the line is not a JSON object."],
      ['{"type":"nonsense"}\n', /"type" must be one of start_session, .*shutdown\.$/],
      ['{"type":"ping","type":"ping"}\n', '"type" is there twice.'],
      ['{"type":"stop_session","session_id":null}\n', '"session_id" must be a text.'],
      ['{"jsonrpc":"2.0","id":1,"method":"daemon.ping"}\n', /"type" must be one of/],
      ["GET / HTTP/1.1\r\n\r\n", "the line is not JSON."],
      ['\ufeff{"type":"ping"}\n', /byte order mark/],
      [Buffer.from([0x7b, 0xff, 0xfe, 0x0a]), "The line is not valid UTF-8."],
      [Buffer.from([0x16, 0x03, 0x01, 0x0a]), "the line is not JSON."],
      [deep(127), "The line is nested more than 127 levels deep."]
    ] as const) {
      const answer = JSON.parse(await home.client.say(line)) as { type: string; message: string }
      assert.deepStrictEqual(Object.keys(answer), ["type", "message"])
      assert.strictEqual(answer.type, "error")
      assert.isTrue(answer.message.startsWith("Failed to parse request: "), answer.message)
      const said = answer.message.slice("Failed to parse request: ".length)
      if (typeof problem === "string") assert.strictEqual(said, problem)
      else assert.match(said, problem)
    }
    assert.strictEqual(await home.client.say(deep(126)), PONG)
    // Half a line, and then the end of its side.
    assert.include(await home.client.say('{"type":', { half: true }), "the line is not JSON")
    // Nothing was said: there is nothing to answer.
    assert.strictEqual(await home.client.say("", { half: true }), "")
    assert.strictEqual(await home.client.say(`${PING}\n`), PONG)
  })

  it("has a longest line, and what is beyond it is answered and costs nobody anything", async () => {
    const text = (bytes: number) => JSON.stringify({ type: "send_input", session_id: "x", text: "y".repeat(bytes) })
    assert.include(await home.client.say(`${text(4_000_000)}\n`), "Invalid session ID format")
    const tooLong = /"error".*The line is longer than 4194304 bytes/
    assert.match(await home.client.say(`${text(5_000_000)}\n`), tooLong)
    // One that never ends its line hears it all the same, and is hung up on.
    const endless = connect(home.client.socket)
    let heard = ""
    endless.on("data", (chunk) => (heard += String(chunk)))
    endless.on("error", () => {})
    const part = Buffer.alloc(64 * 1024, 0x78)
    const say = (): void => void (endless.writable && endless.write(part, say))
    say()
    await until("it is hung up on", () => endless.destroyed)
    assert.match(heard, tooLong)
    assert.strictEqual(await home.client.say(`${PING}\n`), PONG)
  })

  it("answers thousands that come at once, and while thousands say nothing", async () => {
    const stalled = await Promise.all(
      Array.from({ length: Math.min(1500, files / 8) }, (_, each) => stall(each % 2 === 0 ? "" : '{"type":'))
    )
    const answers = await Promise.all(
      Array.from({ length: Math.min(2000, files / 8) }, () => home.client.say(`${PING}\n`))
    )
    assert.deepStrictEqual(new Set(answers), new Set([PONG]))
    assert.isEmpty(stalled.filter(({ destroyed }) => destroyed))
    for (const socket of stalled) socket.destroy()
  }, 120_000)

  it("tells a client that is one too many that it is", async () => {
    const stalled: Array<Socket> = []
    let heard = PONG
    // They are accepted in the order in which they came.
    while (heard === PONG && stalled.length < 10_000) {
      stalled.push(...(await Promise.all(Array.from({ length: 250 }, () => stall()))))
      heard = await home.client.say(`${PING}\n`)
    }
    assert.isAtLeast(stalled.length, Math.min(4096, files / 4))
    assert.deepStrictEqual(JSON.parse(heard), {
      type: "error",
      message: "Too many clients are connected at once. Try again in a moment."
    })
    for (const socket of stalled) socket.destroy()
    await until("there is room again", async () => (await home.client.say(`${PING}\n`).catch(() => "")) === PONG)
  }, 120_000)

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
