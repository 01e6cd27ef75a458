import type { Socket } from "node:net"
import { FrameType, MAX_FRAME_BYTES } from "../../protocol/sessionFrames.ts"
import type { ErrorFrame, GapFrame, LeaseFrame, OpenedFrame, OpenFrame } from "../../protocol/sessionHost.ts"
import type { DataTicket, SessionExit } from "../../protocol/sessions.ts"
import { writeToSocket } from "../../wire/atOnce.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../../wire/frames.ts"
import { connect } from "../../wire/unixSocket.ts"

export interface StreamListener {
  /** The host has been asked; its answer takes a moment. */
  readonly asked?: () => void
  /** The host has said where the bytes begin; `again` after the connection was lost. */
  readonly opened?: (frame: OpenedFrame, again: boolean) => void
  /** Output, in order, each byte once: views of what was read, which is not written to again. */
  readonly output: (data: Buffer, offset: number) => void
  /** Bytes that will not come. */
  readonly gap?: (gap: GapFrame) => void
  /** The exact screen; output goes on at its offset, also when that came before. */
  readonly screen?: (screen: ScreenFrame) => void
  /** From the next byte on the session's terminal has this size. */
  readonly resized?: (size: Size) => void
  /** Who may type. */
  readonly lease?: (lease: LeaseFrame) => void
  /** One entry of the log, in mode `records`. */
  readonly record?: (record: StreamRecord) => void
  /** The program has ended; output may follow. */
  readonly exited?: (exit: SessionExit) => void
  /** The connection broke and is being made again. Called once for each break. */
  readonly interrupted?: () => void
}

export interface Size {
  readonly cols: number
  readonly rows: number
}

/** What turns a fresh terminal of this size into the session's screen, history above it. */
export interface ScreenFrame extends Size {
  readonly offset: number
  readonly pieces: ReadonlyArray<Buffer>
}

export interface StreamRecord {
  readonly offset: number
  readonly timestampMillis: number
  /** A value of protocol's `Direction`. */
  readonly direction: number
  readonly data: Buffer
}

/** Asks the daemon for a ticket; `since` is the next byte we want, null at first. Called again whenever the connection broke. */
export type RequestTicket = (since: number | null) => Promise<DataTicket>

/** What is said beside the ticket when a connection is opened, `again` after one was lost. */
export type SayOpen = (again: boolean) => Omit<OpenFrame, "ticket">

/** Tells a failure that may pass (the daemon is starting, the host is away) from one that will not. */
export type IsPassing = (error: unknown) => boolean

const FIRST_RETRY_MILLIS = 20
const LAST_RETRY_MILLIS = 1000
const GIVE_UP_MILLIS = 60_000
const MAX_WAITING_BYTES = 8 * 1024 * 1024

const NOTHING = Buffer.alloc(0)

/** The size behind an 8-byte offset. */
const sizeIn = (payload: Buffer): Size => ({ cols: payload.readUInt16BE(8), rows: payload.readUInt16BE(10) })

/** The host refused the ticket: it was used, too old, or the host is not the one that gave it. */
class TicketRefused extends Error {}
/** Its cause is what failed. */
class Hopeless extends Error {}

/**
 * A session's bytes, straight from the session-host. When the connection breaks it asks for a new ticket and goes on at
 * the very next byte, for as long as {@link IsPassing} says that it may still succeed.
 */
export class SessionStream {
  readonly #requestTicket: RequestTicket
  readonly #isPassing: IsPassing
  readonly #listener: StreamListener
  readonly #sayOpen: SayOpen
  #socket: Socket | undefined
  /** The next byte of output we want; null until the host has told where we begin. */
  #next: number | null = null
  #opened = false
  #ended = false
  #closed = false
  #paused = false
  #retry: { timer: NodeJS.Timeout; wake: () => void } | undefined
  /** Input typed while there was no connection. */
  #unsent: Array<Buffer> = []
  /** The newest size, when it changed since the ticket was asked for with the one of that moment. */
  #unsentSize: Buffer | undefined
  /** What has come of a screen. */
  #screen: Array<Buffer> = []

  constructor(
    requestTicket: RequestTicket,
    isPassing: IsPassing,
    listener: StreamListener,
    sayOpen: SayOpen = () => ({})
  ) {
    this.#requestTicket = requestTicket
    this.#isPassing = isPassing
    this.#listener = listener
    this.#sayOpen = sayOpen
  }

  /** The offset of the next byte, or null when nothing has been opened. */
  get next(): number | null {
    return this.#next
  }

  /**
   * Resolves with `ended` when everything has come, with `closed` after {@link close}. Rejects with what can't be
   * recovered from, and with the last failure when a minute of trying brought nothing.
   */
  async run(): Promise<"ended" | "closed"> {
    let wait = FIRST_RETRY_MILLIS
    let failingSince: number | null = null
    while (!this.#closed) {
      try {
        await this.#connection(await this.#ticket())
        if (this.#ended) return "ended"
        wait = FIRST_RETRY_MILLIS
        failingSince = null
      } catch (error) {
        if (error instanceof Hopeless) throw error.cause
        if (!(error instanceof TicketRefused) && !this.#isPassing(error)) throw error
        failingSince ??= Date.now()
        if (Date.now() - failingSince > GIVE_UP_MILLIS) throw error
      }
      if (!this.#closed) await this.#pauseBeforeRetry(wait)
      wait = Math.min(wait * 2, LAST_RETRY_MILLIS)
    }
    return "closed"
  }

  /** What fails the first time is not a connection that broke. */
  async #ticket(): Promise<DataTicket> {
    try {
      return await this.#requestTicket(this.#next)
    } catch (error) {
      throw this.#next === null ? new Hopeless("", { cause: error }) : error
    }
  }

  /** Types into the session. False when so much waits for a program that does not read that this was dropped. */
  send(data: Buffer): boolean {
    const waiting = this.#unsent.reduce((bytes, frame) => bytes + frame.length, this.#socket?.writableLength ?? 0)
    if (waiting + data.length > MAX_WAITING_BYTES) return false
    for (let position = 0; position < data.length; position += MAX_FRAME_BYTES) {
      const frame = encodeFrame(FrameType.input, data.subarray(position, position + MAX_FRAME_BYTES))
      if (this.#opened && this.#socket !== undefined) writeToSocket(this.#socket, frame)
      else if (!this.#opened) this.#unsent.push(frame)
    }
    return true
  }

  resize(cols: number, rows: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt16BE(cols, 0)
    payload.writeUInt16BE(rows, 2)
    const frame = encodeFrame(FrameType.resize, payload)
    if (this.#opened) this.#socket?.write(frame)
    else this.#unsentSize = frame
  }

  /** Takes the input lease, whoever has it. */
  take(): void {
    if (this.#opened) this.#socket?.write(encodeFrame(FrameType.take, NOTHING))
  }

  /** Asks for the exact screen with so many lines of history above it; until it comes, output goes on. */
  refresh(historyLines: number): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(historyLines)
    if (this.#opened) this.#socket?.write(encodeFrame(FrameType.refresh, payload))
  }

  /** Stops reading: the host then keeps our place. */
  pause(): void {
    this.#paused = true
    this.#socket?.pause()
  }

  resume(): void {
    this.#paused = false
    this.#socket?.resume()
  }

  close(): void {
    this.#closed = true
    this.#socket?.destroy()
    this.#retry?.wake()
  }

  #pauseBeforeRetry(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#retry = undefined
        resolve()
      }
      const timer = setTimeout(wake, millis)
      this.#retry = { timer, wake }
    })
  }

  /** One connection, from its ticket to its end; rejects when it was never opened. */
  async #connection(ticket: DataTicket): Promise<void> {
    if (this.#closed) return
    const again = this.#next !== null
    let failure: Error | undefined
    const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
      failure = this.#frame(type, payload, again) ?? failure
    })
    const onRead = (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        failure = error as Error
        socket.destroy()
      }
    }
    const socket = await connect(ticket.path, { onRead })
    // Closed while it connected.
    if (this.#closed) return void socket.destroy()
    return new Promise((resolve, reject) => {
      this.#socket = socket
      socket.on("error", (error) => {
        failure ??= error
      })
      socket.on("close", () => {
        const wasOpened = this.#opened
        this.#opened = false
        this.#socket = undefined
        if (this.#ended || this.#closed) return resolve()
        if (!wasOpened) return reject(failure ?? new Error("the session-host closed the connection"))
        this.#listener.interrupted?.()
        resolve()
      })
      const open: OpenFrame = { ...this.#sayOpen(again), ticket: ticket.ticket }
      socket.write(encodeJsonFrame(FrameType.open, open))
      this.#listener.asked?.()
      if (this.#paused) socket.pause()
      else socket.resume()
    })
  }

  #frame(type: number, payload: Buffer, again: boolean): Error | undefined {
    const json = <T>() => JSON.parse(payload.toString("utf8")) as T
    switch (type) {
      case FrameType.opened: {
        const frame = json<OpenedFrame>()
        const wanted = this.#next
        this.#opened = true
        this.#screen = []
        if (wanted === null) this.#next = frame.offset
        if (this.#unsentSize !== undefined) this.#socket?.write(this.#unsentSize)
        this.#unsentSize = undefined
        for (const input of this.#unsent.splice(0)) this.#socket?.write(input)
        this.#listener.opened?.(frame, again)
        return undefined
      }
      case FrameType.output: {
        this.#output(Number(payload.readBigUInt64BE(0)), payload.subarray(8))
        return undefined
      }
      case FrameType.screen: {
        this.#screenPiece(payload)
        return undefined
      }
      case FrameType.resized: {
        this.#listener.resized?.(sizeIn(payload))
        return undefined
      }
      case FrameType.lease: {
        this.#listener.lease?.(json<LeaseFrame>())
        return undefined
      }
      case FrameType.record: {
        this.#record(payload)
        return undefined
      }
      case FrameType.gap: {
        const gap = json<GapFrame>()
        // Equal when what we asked for first is gone already: we were told to begin after it.
        if (this.#next === null || gap.to >= this.#next) {
          this.#listener.gap?.(gap)
          this.#next = gap.to
        }
        return undefined
      }
      case FrameType.exited:
        this.#listener.exited?.(json<SessionExit>())
        return undefined
      case FrameType.end:
        this.#ended = true
        return undefined
      case FrameType.error: {
        const { code, message } = json<ErrorFrame>()
        return code === "bad-ticket" ? new TicketRefused(message) : new Error(message)
      }
      // A newer host may say more than we know.
      default:
        return undefined
    }
  }

  #output(offset: number, data: Buffer): void {
    const next = this.#next ?? offset
    const known = next - offset
    if (known >= data.length && data.length > 0) return
    if (known < 0) this.#listener.gap?.({ from: next, to: offset, reason: "behind" })
    const fresh = known > 0 ? data.subarray(known) : data
    const from = offset + Math.max(0, known)
    this.#next = from + fresh.length
    if (fresh.length > 0) this.#listener.output(fresh, from)
  }

  #screenPiece(payload: Buffer): void {
    const piece = payload.subarray(12)
    if (piece.length > 0) return void this.#screen.push(piece)
    const offset = Number(payload.readBigUInt64BE(0))
    const pieces = this.#screen
    this.#screen = []
    this.#next = offset
    this.#listener.screen?.({ offset, ...sizeIn(payload), pieces })
  }

  #record(payload: Buffer): void {
    this.#listener.record?.({
      offset: Number(payload.readBigUInt64BE(0)),
      timestampMillis: payload.readDoubleBE(8),
      direction: payload[16]!,
      data: payload.subarray(17)
    })
  }
}
