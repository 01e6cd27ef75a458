import { Exit, Schema } from "effect"
import type { Socket } from "node:net"
import { ScreensHello } from "../protocol/screens.ts"
import { type ErrorFrame, FrameType, MAX_FRAME_BYTES, OpenFrame } from "../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { listen, type UnixListener } from "../wire/unixSocket.ts"
import { ControlConnection } from "./ControlConnection.ts"
import { DataClient } from "./DataClient.ts"
import type { Snapshot } from "./ExactScreens.ts"
import { RecordsClient } from "./RecordsClient.ts"
import { ScreensConnection } from "./ScreensConnection.ts"
import type { SessionHost } from "./SessionHost.ts"

/** A connection must say within this time what it is. */
const FIRST_FRAME_MILLIS = 30_000

const decodeHello = Schema.decodeUnknownExit(Schema.fromJsonString(ScreensHello))
const decodeOpen = Schema.decodeUnknownExit(Schema.fromJsonString(OpenFrame))

export interface HostServerOptions {
  readonly path: string
  readonly host: SessionHost
  readonly log: (message: string) => void
  /** Asks for a session's screen, with so many lines of history above it; null when there is none to be had. */
  readonly askScreen: (session: string, historyLines: number) => Promise<Snapshot | null>
  /** A daemon asked this process to end, and has been answered. */
  readonly onStop: () => void
  /** A connection came or went. */
  readonly onChange: () => void
}

/** The host's socket. The first frame of a connection decides whether a daemon or a client of output is behind it. */
export class HostServer {
  readonly #options: HostServerOptions
  readonly #sockets = new Set<Socket>()
  /** Those of the screens process: this one's own. */
  readonly #own = new Set<Socket>()
  #listener: UnixListener | null = null

  private constructor(options: HostServerOptions) {
    this.#options = options
  }

  /** Listens; rejects with `SocketPathError`. */
  static async listen(options: HostServerOptions): Promise<HostServer> {
    const host = new HostServer(options)
    const listener = await listen(options.path, (socket) => host.#accept(socket))
    listener.server.on("error", (error) => options.log(`the socket: ${error.message}`))
    host.#listener = listener
    return host
  }

  /** Connections of every kind, but those of this host's own screens process. */
  get connections(): number {
    return this.#sockets.size - this.#own.size
  }

  /** Takes the socket away and ends every connection. */
  async close(): Promise<void> {
    await this.#listener?.stop()
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(socket: Socket): void {
    const { log, onChange } = this.#options
    this.#sockets.add(socket)
    onChange()
    let peer: { readonly onFrame: (type: number, payload: Buffer) => void } | null = null
    const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
      if (socket.destroyed) return
      if (peer !== null) return peer.onFrame(type, payload)
      socket.setTimeout(0)
      peer = this.#introduce(socket, type, payload)
    })
    socket.setTimeout(FIRST_FRAME_MILLIS, () => socket.destroy())
    socket.on("data", (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        // The stream can't be read any further, or a bug met this connection: it ends and no other one does.
        log(`a connection was cut off: ${error instanceof Error ? error.stack : String(error)}`)
        socket.destroy()
      }
    })
    // A peer that goes away says so with an error as often as with an end.
    socket.on("error", () => {})
    socket.on("close", () => {
      this.#sockets.delete(socket)
      this.#own.delete(socket)
      onChange()
    })
  }

  #isOwn(socket: Socket): void {
    this.#own.add(socket)
    this.#options.onChange()
  }

  #introduce(socket: Socket, type: number, payload: Buffer) {
    const { askScreen, host, log, onStop } = this.#options
    if (type === FrameType.control) {
      const connection = new ControlConnection(socket, host, onStop, log)
      connection.onFrame(type, payload)
      return connection
    }
    const refuse = (code: ErrorFrame["code"], message: string) => {
      socket.end(encodeJsonFrame(FrameType.error, { code, message } satisfies ErrorFrame))
      return { onFrame: () => {} }
    }
    if (type === FrameType.screens) {
      const hello = decodeHello(payload.toString("utf8"))
      if (Exit.isFailure(hello)) return refuse("bad-frame", "a screens frame needs a token")
      const connection = ScreensConnection.accept(socket, hello.value, host, log)
      if (connection === null) return refuse("bad-ticket", "this token is not that of the screens process")
      this.#isOwn(socket)
      return connection
    }
    if (type !== FrameType.open) return refuse("bad-frame", `the first frame can't be of type ${type}`)
    const open = decodeOpen(payload.toString("utf8"))
    if (Exit.isFailure(open)) return refuse("bad-frame", "an open frame needs a ticket")
    const grant = host.tickets.take(open.value.ticket)
    if (grant === null) return refuse("bad-ticket", "this ticket was used, has expired, or never was")
    const source = host.open(grant.session)
    if (source === null) return refuse("unknown-session", `there is no session ${grant.session}`)
    if (grant.uncounted === true) this.#isOwn(socket)
    const { mode } = grant
    if (mode === "records") return new RecordsClient(socket, source)
    return new DataClient({
      socket,
      source,
      grant: { ...grant, mode },
      open: open.value,
      askScreen: (historyLines) => askScreen(grant.session, historyLines)
    })
  }
}
