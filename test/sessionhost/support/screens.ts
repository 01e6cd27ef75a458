/** A screens process on strings: it connects as the real one does and says what its test says. */
import type { Socket } from "node:net"
import type { ScreensAnswer, ScreensAsk } from "../../../src/protocol/screens.ts"
import { FrameType, type HostReply, MAX_FRAME_BYTES } from "../../../src/protocol/sessionHost.ts"
import type { ScreensProcess } from "../../../src/sessionhost/ScreensLink.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../../../src/wire/frames.ts"
import { connected, Watch } from "./peers.ts"

export class FakeScreens {
  readonly token: string
  readonly process: ScreensProcess
  readonly asks: Array<ScreensAsk> = []
  readonly events: Array<{ event: string; session: { id: string } }> = []
  readonly #watch = new Watch()
  readonly #replies = new Map<number, (reply: HostReply) => void>()
  #socket: Socket | null = null
  #lastId = 0
  closed = false
  killed = false
  end!: (how: string) => void

  constructor(token: string) {
    this.token = token
    const ended = new Promise<string>((resolve) => (this.end = resolve))
    const kill = () => {
      this.killed = true
      this.#socket?.destroy()
      this.end("SIGKILL")
    }
    this.process = { kill, ended }
  }

  async connect(path: string, token = this.token): Promise<void> {
    const socket = await connected(path)
    this.#socket = socket
    const reader = new FrameReader(MAX_FRAME_BYTES, (_type, payload) => {
      const message = JSON.parse(payload.toString())
      if ("event" in message) this.events.push(message)
      else if ("id" in message) this.#replies.get(message.id)?.(message)
      else this.asks.push(message)
      this.#watch.changed()
    })
    socket.on("data", (chunk: Buffer) => reader.push(chunk))
    socket.on("close", () => {
      this.closed = true
      this.#watch.changed()
    })
    socket.write(encodeJsonFrame(FrameType.screens, { token, protocol: 1, pid: 1 }))
  }

  until(condition: () => boolean): Promise<void> {
    return this.#watch.until(condition)
  }

  request(op: string, fields: object = {}): Promise<HostReply> {
    const id = ++this.#lastId
    const reply = new Promise<HostReply>((resolve) => this.#replies.set(id, resolve))
    this.#socket!.write(encodeJsonFrame(FrameType.control, { id, op, ...fields }))
    return reply
  }

  answer(answer: ScreensAnswer): void {
    this.#socket!.write(encodeJsonFrame(FrameType.control, answer))
  }

  snapshot(id: number, offset: bigint, data: string): void {
    const payload = Buffer.alloc(16 + data.length)
    payload.writeUInt32BE(id, 0)
    payload.writeBigUInt64BE(offset, 4)
    payload.writeUInt16BE(80, 12)
    payload.writeUInt16BE(24, 14)
    payload.write(data, 16, "latin1")
    this.#socket!.write(encodeFrame(FrameType.snapshot, payload))
  }

  disconnect(): void {
    this.#socket!.destroy()
  }
}
