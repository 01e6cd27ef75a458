import { Exit, Schema } from "effect"
import { randomUUID } from "node:crypto"
import type { Socket } from "node:net"
import type { SessionId } from "../protocol/ids.ts"
import { FrameType, GapFrame, MAX_FRAME_BYTES, OpenedFrame } from "../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { connect } from "../wire/unixSocket.ts"
import type { HostConnection } from "./HostConnection.ts"

/** What comes of a session's output, in order. */
export type FeedItem =
  | { readonly type: "opened"; readonly offset: number; readonly cols: number; readonly rows: number }
  | { readonly type: "bytes"; readonly offset: number; readonly data: Buffer }
  | { readonly type: "resized"; readonly offset: number; readonly cols: number; readonly rows: number }
  | { readonly type: "gap"; readonly from: number; readonly to: number }
  /** Nothing follows: the session has closed. */
  | { readonly type: "end" }

/** Above this the socket is not read until half of it is taken. */
const HIGH_BYTES = 64 * 1024
const RETRY_MILLIS = 200

const decodeOpened = Schema.decodeUnknownExit(Schema.fromJsonString(OpenedFrame))
const decodeGap = Schema.decodeUnknownExit(Schema.fromJsonString(GapFrame))

/**
 * One session's output from an offset on, as any follower gets it. What was not taken yet stays in the host: at most
 * 64 KiB and what was read with them wait here.
 */
export class Feed {
  readonly #host: HostConnection
  readonly #session: SessionId
  readonly #onItems: () => void
  readonly #items: Array<FeedItem> = []
  #bytes = 0
  #next: number
  #socket: Socket | null = null
  #retry: NodeJS.Timeout | null = null
  #ended = false
  #closed = false

  /** `onItems` is called when there is something to take and there was nothing before. */
  constructor(host: HostConnection, session: SessionId, since: number, onItems: () => void) {
    this.#host = host
    this.#session = session
    this.#next = since
    this.#onItems = onItems
    void this.#open()
  }

  get empty(): boolean {
    return this.#items.length === 0
  }

  /** Takes the next item; of bytes, at most `maxBytes`. */
  take(maxBytes: number): FeedItem | null {
    const item = this.#items[0]
    if (item === undefined) return null
    if (item.type === "bytes" && item.data.length > maxBytes) {
      this.#items[0] = { ...item, offset: item.offset + maxBytes, data: item.data.subarray(maxBytes) }
      this.#taken(maxBytes)
      return { ...item, data: item.data.subarray(0, maxBytes) }
    }
    this.#items.shift()
    if (item.type === "bytes") this.#taken(item.data.length)
    return item
  }

  close(): void {
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    this.#socket?.destroy()
    this.#items.length = 0
  }

  #taken(bytes: number): void {
    this.#bytes -= bytes
    if (this.#bytes <= HIGH_BYTES / 2 && this.#socket?.isPaused() === true) this.#socket.resume()
  }

  async #open(): Promise<void> {
    try {
      const ticket = randomUUID()
      const nothing = { tail: null, cols: null, rows: null }
      await this.#host.call({
        op: "grant",
        ticket,
        session: this.#session,
        mode: "follow",
        readOnly: true,
        since: this.#next,
        uncounted: true,
        ...nothing
      })
      const socket = await connect(this.#host.path)
      if (this.#closed) return void socket.destroy()
      this.#socket = socket
      const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => this.#onFrame(type, payload))
      socket.on("data", (chunk: Buffer) => {
        try {
          reader.push(chunk)
        } catch (error) {
          socket.destroy(error as Error)
        }
      })
      socket.on("close", () => this.#again())
      socket.write(encodeJsonFrame(FrameType.open, { ticket }))
    } catch {
      // The session is being removed, which its event tells; or the host is gone, and so are we.
      this.#again()
    }
  }

  #again(): void {
    if (this.#closed || this.#ended) return
    this.#socket = null
    this.#retry = setTimeout(() => void this.#open(), RETRY_MILLIS)
  }

  #onFrame(type: number, payload: Buffer): void {
    if (this.#closed) return
    switch (type) {
      case FrameType.opened: {
        const opened = decodeOpened(payload.toString("utf8"))
        if (Exit.isFailure(opened)) return void this.#socket?.destroy()
        const { offset, session, size = session } = opened.value
        return this.#add({ type: "opened", offset, cols: size.cols, rows: size.rows })
      }
      case FrameType.output: {
        const offset = Number(payload.readBigUInt64BE(0))
        const data = payload.subarray(8)
        this.#next = offset + data.length
        this.#bytes += data.length
        if (this.#bytes > HIGH_BYTES) this.#socket?.pause()
        return this.#add({ type: "bytes", offset, data })
      }
      case FrameType.resized: {
        const offset = Number(payload.readBigUInt64BE(0))
        return this.#add({ type: "resized", offset, cols: payload.readUInt16BE(8), rows: payload.readUInt16BE(10) })
      }
      case FrameType.gap: {
        const gap = decodeGap(payload.toString("utf8"))
        if (Exit.isFailure(gap)) return void this.#socket?.destroy()
        this.#next = gap.value.to
        return this.#add({ type: "gap", from: gap.value.from, to: gap.value.to })
      }
      case FrameType.end:
        this.#ended = true
        return this.#add({ type: "end" })
    }
  }

  #add(item: FeedItem): void {
    this.#items.push(item)
    if (this.#items.length === 1) this.#onItems()
  }
}
