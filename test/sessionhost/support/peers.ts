/** The two kinds of peers of a session-host, as its tests play them: a daemon and a client of output. */
import { connect, type Socket } from "node:net"
import type { ScreensEvent } from "../../../src/protocol/screens.ts"
import type { SessionExit } from "../../../src/protocol/sessions.ts"
import {
  type ErrorFrame,
  FrameType,
  type GapFrame,
  type HostEvent,
  type HostReply,
  type HostScreensEvent,
  type HostSession,
  type LeaseFrame,
  MAX_FRAME_BYTES,
  type OpenedFrame,
  type OpenFrame
} from "../../../src/protocol/sessionHost.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../../../src/wire/frames.ts"

/** Resolves once `condition` holds, looked at after each thing that happens. */
export class Watch {
  readonly #waiting = new Set<() => void>()

  changed(): void {
    for (const look of this.#waiting) look()
  }

  until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!condition()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}

export const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket))
    socket.on("error", reject)
  })

/** A daemon's end of a control connection. */
export class Control {
  readonly socket: Socket
  readonly events: Array<HostEvent> = []
  /** What the screens process announced. */
  readonly announced: Array<ScreensEvent> = []
  readonly #watch = new Watch()
  readonly #replies = new Map<number, (reply: HostReply) => void>()
  #lastId = 0
  closed = false

  constructor(socket: Socket) {
    this.socket = socket
    const reader = new FrameReader(MAX_FRAME_BYTES, (_type, payload) => {
      const message = JSON.parse(payload.toString()) as HostReply | HostEvent | HostScreensEvent
      if ("event" in message) this.events.push(message)
      else if ("screens" in message) this.announced.push(message.screens)
      else this.#replies.get(message.id)?.(message)
      this.#watch.changed()
    })
    socket.on("data", (chunk: Buffer) => reader.push(chunk))
    socket.on("close", () => {
      this.closed = true
      this.#watch.changed()
    })
  }

  static async open(path: string): Promise<Control> {
    const control = new Control(await connected(path))
    await control.ask("hello", { protocol: 2, daemonPid: process.pid })
    return control
  }

  /** The reply as it is. */
  request(op: string, fields: object = {}): Promise<HostReply> {
    const id = ++this.#lastId
    const reply = new Promise<HostReply>((resolve) => this.#replies.set(id, resolve))
    this.socket.write(encodeJsonFrame(FrameType.control, { id, op, ...fields }))
    return reply
  }

  /** The reply's result; a refusal rejects. */
  async ask<A = HostSession>(op: string, fields: object = {}): Promise<A> {
    const reply = await this.request(op, fields)
    if (reply.error !== undefined) throw new Error(`${op}: ${reply.error.code}: ${reply.error.message}`)
    return reply.result as A
  }

  async event(event: HostEvent["event"], session: string): Promise<HostEvent> {
    const find = () => this.events.find((each) => each.event === event && each.session.id === session)
    await this.#watch.until(() => find() !== undefined)
    return find()!
  }

  async announcement(): Promise<ScreensEvent> {
    await this.#watch.until(() => this.announced.length > 0)
    return this.announced[0]!
  }

  whenClosed(): Promise<void> {
    return this.#watch.until(() => this.closed)
  }
}

/** A client of output: everything it got, in order. */
export class Client {
  readonly socket: Socket
  readonly gaps: Array<GapFrame> = []
  /** Each must come where it says it is. */
  readonly sizes: Array<{ offset: number; cols: number; rows: number }> = []
  readonly records: Array<{ offset: number; time: number; direction: number; data: Buffer }> = []
  readonly #chunks: Array<Buffer> = []
  readonly #watch = new Watch()
  opened: OpenedFrame | null = null
  exited: SessionExit | null = null
  error: ErrorFrame | null = null
  ended = false
  closed = false
  /** The offset after the last byte or gap. */
  offset = 0
  bytes = 0
  /** What came where it should not: a hole without a gap, or bytes twice. */
  readonly misplaced: Array<string> = []
  readonly leases: Array<LeaseFrame> = []
  /** Whole ones. */
  readonly screens: Array<{ offset: number; cols: number; rows: number; text: string }> = []
  #screen = ""
  /** Types of frames in the order they came, one after another of the same type once. */
  readonly order: Array<number> = []

  constructor(socket: Socket, ticket: string, say: Omit<OpenFrame, "ticket"> = {}) {
    this.socket = socket
    const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => this.#onFrame(type, payload))
    socket.on("data", (chunk: Buffer) => {
      reader.push(chunk)
      this.#watch.changed()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      this.closed = true
      this.#watch.changed()
    })
    socket.write(encodeJsonFrame(FrameType.open, { ...say, ticket }))
  }

  #onFrame(type: number, payload: Buffer): void {
    if (this.order.at(-1) !== type) this.order.push(type)
    switch (type) {
      case FrameType.opened:
        this.opened = JSON.parse(payload.toString()) as OpenedFrame
        this.offset = this.opened.offset
        return
      case FrameType.output: {
        const offset = Number(payload.readBigUInt64BE(0))
        if (offset !== this.offset) this.misplaced.push(`bytes at ${offset}, expected ${this.offset}`)
        const data = payload.subarray(8)
        // A copy: a view would keep all of the read that it came with, and memory is counted here.
        this.#chunks.push(Buffer.from(data))
        this.bytes += data.length
        this.offset = offset + data.length
        return
      }
      case FrameType.resized: {
        const offset = Number(payload.readBigUInt64BE(0))
        if (offset !== this.offset) this.misplaced.push(`a size at ${offset}, expected ${this.offset}`)
        this.sizes.push({ offset, cols: payload.readUInt16BE(8), rows: payload.readUInt16BE(10) })
        return
      }
      case FrameType.gap: {
        const gap = JSON.parse(payload.toString()) as GapFrame
        this.gaps.push(gap)
        this.offset = gap.to
        return
      }
      case FrameType.record:
        this.records.push({
          offset: Number(payload.readBigUInt64BE(0)),
          time: payload.readDoubleBE(8),
          direction: payload[16]!,
          data: payload.subarray(17)
        })
        return
      case FrameType.lease:
        this.leases.push(JSON.parse(payload.toString()) as LeaseFrame)
        return
      case FrameType.screen: {
        this.#screen += payload.subarray(12).toString()
        if (payload.length > 12) return
        const offset = Number(payload.readBigUInt64BE(0))
        const size = { cols: payload.readUInt16BE(8), rows: payload.readUInt16BE(10) }
        this.screens.push({ offset, ...size, text: this.#screen })
        this.#screen = ""
        this.offset = offset
        return
      }
      case FrameType.exited:
        this.exited = JSON.parse(payload.toString()) as SessionExit
        return
      case FrameType.end:
        this.ended = true
        return
      case FrameType.error:
        this.error = JSON.parse(payload.toString()) as ErrorFrame
    }
  }

  get output(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  type(data: string | Buffer): void {
    this.socket.write(encodeFrame(FrameType.input, Buffer.from(data as string)))
  }

  take(): void {
    this.socket.write(encodeFrame(FrameType.take, Buffer.alloc(0)))
  }

  refresh(): void {
    this.socket.write(encodeFrame(FrameType.refresh, Buffer.alloc(0)))
  }

  resize(cols: number, rows: number): void {
    const size = Buffer.alloc(4)
    size.writeUInt16BE(cols, 0)
    size.writeUInt16BE(rows, 2)
    this.socket.write(encodeFrame(FrameType.resize, size))
  }

  until(condition: () => boolean): Promise<void> {
    return this.#watch.until(condition)
  }

  whenOpened(): Promise<void> {
    return this.until(() => this.opened !== null || this.closed)
  }

  whenClosed(): Promise<void> {
    return this.until(() => this.closed)
  }
}
