import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import { SessionStream, type StreamListener } from "../../src/cli/terminal/stream.ts"
import { FrameType, MAX_FRAME_BYTES } from "../../src/protocol/sessionFrames.ts"
import type { GapFrame } from "../../src/protocol/sessionHost.ts"
import type { DataTicket } from "../../src/protocol/sessions.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../../src/wire/frames.ts"

/** What a scripted host does with one connection whose ticket asked for bytes from `since`. */
type Script = (client: Client, since: number | null) => void

class Client {
  readonly #socket: Socket
  constructor(socket: Socket) {
    this.#socket = socket
  }
  opened(offset: number, liveFrom = offset): this {
    this.#socket.write(encodeJsonFrame(FrameType.opened, { session: {}, offset, liveFrom }))
    return this
  }
  output(offset: number, text: string): this {
    const head = Buffer.alloc(8)
    head.writeBigUInt64BE(BigInt(offset))
    this.#socket.write(encodeFrame(FrameType.output, Buffer.concat([head, Buffer.from(text)])))
    return this
  }
  gap(gap: GapFrame): this {
    this.#socket.write(encodeJsonFrame(FrameType.gap, gap))
    return this
  }
  error(code: string): this {
    this.#socket.end(encodeJsonFrame(FrameType.error, { code, message: code }))
    return this
  }
  unknown(): this {
    this.#socket.write(encodeFrame(0x7f, Buffer.from("from the future")))
    return this
  }
  end(): void {
    this.#socket.end(encodeFrame(FrameType.end, Buffer.alloc(0)))
  }
  cut(): void {
    this.#socket.destroySoon()
  }
  /** Half of a frame, then nothing. */
  cutInside(offset: number, text: string): void {
    const head = Buffer.alloc(8)
    head.writeBigUInt64BE(BigInt(offset))
    const frame = encodeFrame(FrameType.output, Buffer.concat([head, Buffer.from(text)]))
    this.#socket.end(frame.subarray(0, frame.length - 3))
  }
}

describe("a session's bytes", () => {
  let directory: string
  let server: Server
  let path: string
  /** One for each connection that is expected. */
  let scripts: Array<Script>
  let input: Array<string>
  const asked: Array<number | null> = []

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "hob-"))
    path = join(directory, "host.sock")
    scripts = []
    input = []
    asked.length = 0
    server = createServer((socket) => {
      socket.on("error", () => {})
      const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
        if (type === FrameType.open) {
          const { ticket } = JSON.parse(payload.toString()) as { ticket: string }
          scripts.shift()!(new Client(socket), ticket === "null" ? null : Number(ticket))
        } else if (type === FrameType.input) input.push(payload.toString())
        else if (type === FrameType.resize) input.push(`${payload.readUInt16BE(0)}x${payload.readUInt16BE(2)}`)
      })
      socket.on("data", (chunk: Buffer) => reader.push(chunk))
    })
    await new Promise<void>((listening) => server.listen(path, listening))
  })
  afterEach(() => {
    server.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const ticket = (since: number | null): Promise<DataTicket> => {
    asked.push(since)
    return Promise.resolve({ session: {}, path, ticket: String(since) } as unknown as DataTicket)
  }

  const read = async (listener: Partial<StreamListener> = {}, request = ticket, isPassing = () => true) => {
    let text = ""
    const gaps: Array<GapFrame> = []
    const offsets: Array<number> = []
    const stream = new SessionStream(request, isPassing, {
      output: (data, offset) => {
        text += data.toString()
        offsets.push(offset)
      },
      gap: (gap) => gaps.push(gap),
      ...listener
    })
    const how = await stream.run()
    return { how, text, gaps, offsets, next: stream.next }
  }

  it("come in order, and end when the host says so", async () => {
    scripts.push((client) => client.opened(5).output(5, "hello ").unknown().output(11, "world").end())
    assert.deepStrictEqual(await read(), { how: "ended", text: "hello world", gaps: [], offsets: [5, 11], next: 16 })
  })

  it("continue at the very next one when the connection breaks, wherever it breaks", async () => {
    scripts.push(
      (client) => client.opened(0).output(0, "abc").cut(),
      (client) => client.cut(),
      (client, since) => client.opened(since!).cutInside(since!, "def"),
      (client, since) => client.opened(since!).output(since!, "def").cut(),
      (client, since) => client.opened(since!).output(since!, "ghi").end()
    )
    let interrupted = 0
    const result = await read({ interrupted: () => void interrupted++ })
    assert.deepStrictEqual([result.text, result.gaps, asked], ["abcdefghi", [], [null, 3, 3, 3, 6]])
    assert.strictEqual(interrupted, 3)
  })

  it("that a host sends twice are shown once", async () => {
    scripts.push(
      (client) => client.opened(0).output(0, "abcdef").cut(),
      (client) => client.opened(2).output(2, "cd").output(4, "efgh").end()
    )
    assert.deepStrictEqual(await read(), { how: "ended", text: "abcdefgh", gaps: [], offsets: [0, 6], next: 8 })
  })

  it("that will not come are told", async () => {
    scripts.push((client) =>
      client
        .opened(10)
        .gap({ from: 0, to: 10, reason: "rotated" })
        .output(10, "a")
        .gap({ from: 11, to: 20, reason: "behind" })
        .output(20, "b")
        .output(25, "c")
        .end()
    )
    const { gaps, text } = await read()
    assert.strictEqual(text, "abc")
    assert.deepStrictEqual(gaps, [
      { from: 0, to: 10, reason: "rotated" },
      { from: 11, to: 20, reason: "behind" },
      { from: 21, to: 25, reason: "behind" }
    ])
  })

  it("are asked for anew when the ticket is refused", async () => {
    scripts.push(
      (client) => client.error("bad-ticket"),
      (client) => client.opened(0).output(0, "x").end()
    )
    assert.strictEqual((await read()).text, "x")
    assert.deepStrictEqual(asked, [null, null])
  })

  it("what the first request fails with is final; later the same failure may pass", async () => {
    const failure = new Error("no daemon")
    const refuse = () => Promise.reject(failure)
    assert.strictEqual(await read({}, refuse).catch((error: unknown) => error), failure)

    scripts.push(
      (client) => client.opened(0).output(0, "a").cut(),
      (client) => client.opened(1).output(1, "b").end()
    )
    let calls = 0
    const sometimes = (since: number | null) => (++calls === 2 ? Promise.reject(failure) : ticket(since))
    assert.strictEqual((await read({}, sometimes)).text, "ab")

    scripts.push((client) => client.opened(0).output(0, "a").cut())
    calls = 0
    assert.strictEqual(await read({}, sometimes, () => false).catch((error: unknown) => error), failure)
  })

  it("typed while there is no connection are sent when there is one, and so is the newest size", async () => {
    scripts.push((client) => client.opened(0).cut())
    const stream: SessionStream = new SessionStream(ticket, () => true, {
      opened: (_frame, again) => {
        if (!again) return
        stream.send(Buffer.from("after"))
        stream.resize(80, 24)
      },
      output: () => {},
      interrupted: () => {
        stream.send(Buffer.from("between"))
        stream.resize(1, 1)
        scripts.push((client) => {
          client.opened(0)
          const wait = setInterval(() => {
            if (input.length < 3) return
            clearInterval(wait)
            client.end()
          }, 5)
        })
      }
    })
    assert.strictEqual(await stream.run(), "ended")
    assert.deepStrictEqual(input, ["1x1", "between", "after", "80x24"])
  })

  it("typed at a program that does not read are refused before they fill the memory", async () => {
    scripts.push((client) => client.opened(0).cut())
    const piece = Buffer.alloc(1024 * 1024)
    let accepted = 0
    const stream: SessionStream = new SessionStream(ticket, () => true, {
      output: () => {},
      interrupted: () => {
        while (accepted < 100 && stream.send(piece)) accepted++
        queueMicrotask(() => stream.close())
      }
    })
    await stream.run()
    assert.isAbove(accepted, 0)
    assert.isBelow(accepted, 100)
  })

  it("stop coming when nobody wants them any more, also between two connections", async () => {
    scripts.push((client) => client.opened(0).output(0, "a").cut())
    const stream: SessionStream = new SessionStream(ticket, () => true, {
      output: () => {},
      interrupted: () => queueMicrotask(() => stream.close())
    })
    assert.strictEqual(await stream.run(), "closed")
  })
})
