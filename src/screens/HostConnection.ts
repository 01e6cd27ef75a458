import { Exit, Schema } from "effect"
import type { Socket } from "node:net"
import { ownBuild } from "../config/versions.ts"
import {
  type ScreensAnswer,
  ScreensAsk,
  type ScreensEvent,
  SCREENS_PROTOCOL_VERSION,
  type ScreensHello
} from "../protocol/screens.ts"
import {
  FrameType,
  HelloReply,
  HOST_PROTOCOL_VERSION,
  HostEvent,
  HostReply,
  HostRequest,
  HostScreensEvent,
  HostSession,
  MAX_FRAME_BYTES
} from "../protocol/sessionHost.ts"
import type { SessionId } from "../protocol/ids.ts"
import { encodeFrame, encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { connect } from "../wire/unixSocket.ts"

/** What the host tells and asks, in the order in which it comes. */
export interface HostListener {
  readonly event: (event: HostEvent) => void
  readonly ask: (ask: ScreensAsk) => void
}

/** The host refused, with the code of its `HostError`. */
export class Refused extends Error {
  override readonly name = "Refused"
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** A terminal's contents for an attaching client: see the `snapshot` frame. */
export interface SnapshotReply {
  readonly offset: number
  readonly cols: number
  readonly rows: number
  readonly data: Buffer
}

type WithoutId<R> = R extends unknown ? Omit<R, "id"> : never
type Request = WithoutId<HostRequest>

/** As much as the host reads at once. */
const SNAPSHOT_PIECE_BYTES = 64 * 1024 - 21
const NO_OFFSET = 0xffff_ffff_ffff_ffffn

const decode = Schema.decodeUnknownExit(
  Schema.fromJsonString(Schema.Union([HostEvent, ScreensAsk, HostScreensEvent, HostReply]))
)
const decodeHello = Schema.decodeUnknownSync(HelloReply)
const decodeSession = Schema.decodeUnknownSync(HostSession)

/** The line to the session-host that started this process. When it ends there is nothing left to do here. */
export class HostConnection {
  readonly path: string
  readonly #socket: Socket
  readonly #pending = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  /** Resolves when the line has ended, to the error it ended with, if it was one. */
  readonly closed: Promise<Error | null>
  #listener: HostListener | null = null
  #lastId = 0

  private constructor(path: string, socket: Socket) {
    this.path = path
    this.#socket = socket
    const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => this.#onFrame(type, payload))
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    this.closed = new Promise((resolve) => {
      let failure: Error | null = null
      socket.on("error", (error) => (failure = error))
      socket.on("close", () => {
        for (const { reject } of this.#pending.values()) reject(new Refused("internal", "the session-host is gone"))
        this.#pending.clear()
        resolve(failure)
      })
    })
  }

  /** Connects to the host at `path` and shows it the token that it gave. */
  static async open(path: string, token: string): Promise<HostConnection> {
    const socket = await connect(path)
    const hello: ScreensHello = { token, protocol: SCREENS_PROTOCOL_VERSION, pid: process.pid, ...ownBuild }
    socket.write(encodeJsonFrame(FrameType.screens, hello))
    return new HostConnection(path, socket)
  }

  end(): void {
    this.#socket.destroy()
  }

  /** Says hello: the sessions that the host holds. From then on `listener` hears what happens and what is asked. */
  async hello(listener: HostListener): Promise<ReadonlyArray<HostSession>> {
    this.#listener = listener
    const reply = await this.call({ op: "hello", protocol: HOST_PROTOCOL_VERSION, daemonPid: process.pid })
    return decodeHello(reply).sessions
  }

  /** A session as it is now, running or not; rejects with {@link Refused}, `unknown-session` when there is none. */
  async inspect(session: SessionId): Promise<HostSession> {
    return decodeSession(await this.call({ op: "inspect", session }))
  }

  /** Rejects with {@link Refused}. */
  call(request: Request): Promise<unknown> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Refused("internal", "the session-host is gone"))
      this.#pending.set(id, { resolve, reject })
      this.#socket.write(encodeJsonFrame(FrameType.control, { ...request, id }))
    })
  }

  answer(answer: ScreensAnswer): void {
    const frame = encodeJsonFrame(FrameType.control, answer)
    if (frame.length <= MAX_FRAME_BYTES || "announce" in answer) return void this.#socket.write(frame)
    const message = `the answer takes ${frame.length} bytes, and ${MAX_FRAME_BYTES} are the limit; ask for less`
    this.answer({ answer: answer.answer, error: { code: "internal", message } })
  }

  announce(event: ScreensEvent): void {
    this.answer({ announce: event })
  }

  /** Answers the question for a snapshot; null: there is none. */
  snapshot(id: number, snapshot: SnapshotReply | null): void {
    const head = Buffer.alloc(16)
    head.writeUInt32BE(id, 0)
    head.writeBigUInt64BE(snapshot === null ? NO_OFFSET : BigInt(snapshot.offset), 4)
    head.writeUInt16BE(snapshot?.cols ?? 0, 12)
    head.writeUInt16BE(snapshot?.rows ?? 0, 14)
    const data = snapshot?.data ?? Buffer.alloc(0)
    for (let at = 0; at < data.length; at += SNAPSHOT_PIECE_BYTES) {
      const piece = data.subarray(at, at + SNAPSHOT_PIECE_BYTES)
      this.#socket.write(encodeFrame(FrameType.snapshot, Buffer.concat([head, piece])))
    }
    this.#socket.write(encodeFrame(FrameType.snapshot, head))
  }

  #onFrame(type: number, payload: Buffer): void {
    if (type !== FrameType.control) return
    const message = decode(payload.toString("utf8"))
    if (Exit.isFailure(message)) {
      const said = payload.toString("utf8", 0, 200)
      return void this.#socket.destroy(new Error(`the session-host said what can't be understood: ${said}`))
    }
    const value = message.value
    if ("event" in value) return this.#listener?.event(value)
    // What it announced itself.
    if ("screens" in value) return
    if (!("id" in value)) return this.#listener?.ask(value)
    const pending = this.#pending.get(value.id)
    if (pending === undefined) return
    this.#pending.delete(value.id)
    if (value.error === undefined) pending.resolve(value.result)
    else pending.reject(new Refused(value.error.code, value.error.message))
  }
}
