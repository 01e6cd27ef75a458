import { Exit, Schema } from "effect"
import { Socket } from "node:net"
import { dirname } from "node:path"
import { ScreensHello } from "../protocol/screens.ts"
import { type ErrorFrame, FrameType, MAX_FRAME_BYTES, OpenFrame } from "../protocol/sessionHost.ts"
import { encodeJsonFrame, FrameReader } from "../wire/frames.ts"
import { adoptListener, listen, prepareRunDirectory, type UnixListener } from "../wire/unixSocket.ts"
import { onceGone } from "../wire/watchSocket.ts"
import { ControlConnection, type ControlOptions } from "./ControlConnection.ts"
import { DataClient } from "./DataClient.ts"
import type { Snapshot } from "./ExactScreens.ts"
import { RecordsClient } from "./RecordsClient.ts"
import { ScreensConnection } from "./ScreensConnection.ts"
import type { SessionHost } from "./SessionHost.ts"
import { descriptorOf, send, sendLast, unsentBytes } from "./upgrade/sockets.ts"
import type { ConnectionState, Handover } from "./upgrade/state.ts"

/** A connection must say within this time what it is. */
const FIRST_FRAME_MILLIS = 30_000
/** How long after an attempt to make the socket again that failed. */
const LISTEN_AGAIN_MILLIS = 5_000

const decodeHello = Schema.decodeUnknownExit(Schema.fromJsonString(ScreensHello))
const decodeOpen = Schema.decodeUnknownExit(Schema.fromJsonString(OpenFrame))

export interface HostServerOptions {
  readonly path: string
  readonly host: SessionHost
  readonly log: (message: string) => void
  /** Asks for a session's screen, with so many lines of history above it; null when there is none to be had. */
  readonly askScreen: (session: string, historyLines: number, head: number) => Promise<Snapshot | null>
  /** A daemon asked this process to end, and has been answered. */
  readonly onStop: () => void
  /** A connection came or went. */
  readonly onChange: () => void
  /** The socket's file was removed; true when this process ends with it. */
  readonly onGone: () => boolean
  /** A daemon asks this process to replace itself. */
  readonly upgrade: ControlOptions["upgrade"]
}

/** Who is behind a connection, once it has said so. */
interface Peer {
  readonly onFrame: (type: number, payload: Buffer) => void
  /** What a successor needs to go on with it; missing, or null, where the connection has to be made anew. */
  readonly handOver?: () => object | null
}

interface Accepted {
  readonly reader: FrameReader
  peer: Peer | null
}

/** The host's socket. The first frame of a connection decides whether a daemon or a client of output is behind it. */
export class HostServer {
  readonly #options: HostServerOptions
  readonly #sockets = new Map<Socket, Accepted>()
  /** Those of the screens process: this one's own. */
  readonly #own = new Set<Socket>()
  #listener: UnixListener | null = null
  #unwatch = () => {}

  private constructor(options: HostServerOptions) {
    this.#options = options
  }

  /** Listens; rejects with `SocketPathError`. */
  static async listen(options: HostServerOptions): Promise<HostServer> {
    const host = new HostServer(options)
    host.#listening(await listen(options.path, (socket) => host.#accept(socket)))
    return host
  }

  /** Listens on, with the socket of a predecessor of this process. */
  static async adopt(options: HostServerOptions, { dev, fd, ino }: Handover["listener"]): Promise<HostServer> {
    const host = new HostServer(options)
    const file = { dev: BigInt(dev), ino: BigInt(ino) }
    host.#listening(await adoptListener(options.path, fd, file, (socket) => host.#accept(socket)))
    return host
  }

  /** Connections of every kind, but those of this host's own screens process. */
  get connections(): number {
    return this.#sockets.size - this.#own.size
  }

  /** Takes the socket away and ends every connection. */
  async close(): Promise<void> {
    this.#unwatch()
    await this.#listener?.stop()
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  /** What a successor of this process needs to be the one that listens, and to go on with the connections. */
  handOver(): Pick<Handover, "listener" | "connections"> {
    const { file, server } = this.#listener!
    const fd = descriptorOf(server)
    if (fd === null) throw new Error("the socket does not listen")
    return {
      listener: { fd, dev: String(file.dev), ino: String(file.ino) },
      connections: [...this.#sockets].flatMap(([socket, accepted]) => describe(socket, accepted) ?? [])
    }
  }

  /** Goes on with a connection of a predecessor; `upgraded` answers who asked for that. */
  adoptConnection(state: ConnectionState, upgraded: () => Promise<unknown>): void {
    const socket = new Socket({ fd: state.fd, readable: true, writable: true })
    const unsent = Buffer.from(state.unsent, "base64")
    const { accepted, push } = this.#accept(socket)
    const isServed = state.kind === "data" || state.kind === "records"
    if (!isServed && unsent.length > 0) send(socket, unsent)
    if (state.kind === "control") {
      const control = this.#control(socket)
      accepted.peer = control
      control.adopt(state, upgraded)
    } else if (isServed) accepted.peer = this.#serveOn(socket, state, unsent)
    else if (state.ending) accepted.peer = { onFrame: () => {} }
    if (accepted.peer !== null) socket.setTimeout(0)
    if (state.received !== "") push(Buffer.from(state.received, "base64"))
    if (state.ending) socket.end()
  }

  #listening(listener: UnixListener): void {
    const { log, path } = this.#options
    listener.server.on("error", (error) => log(`the socket: ${error.message}`))
    this.#listener = listener
    this.#unwatch = onceGone(path, () => {
      if (this.#options.onGone()) return
      log(`${path} was removed: it is made again`)
      void this.#listenAgain(listener)
    })
  }

  /** Nobody could find the sessions any more. */
  async #listenAgain(before: UnixListener): Promise<void> {
    const { log, path } = this.#options
    try {
      prepareRunDirectory(dirname(path))
      this.#listening(await listen(path, (socket) => this.#accept(socket)))
      await before.stop()
    } catch (error) {
      log((error as Error).message)
      const timer = setTimeout(() => void this.#listenAgain(before), LISTEN_AGAIN_MILLIS)
      timer.unref()
      this.#unwatch = () => clearTimeout(timer)
    }
  }

  #accept(socket: Socket) {
    const { log, onChange } = this.#options
    const reader = new FrameReader(MAX_FRAME_BYTES, (type, payload) => {
      if (socket.destroyed) return
      if (accepted.peer !== null) return accepted.peer.onFrame(type, payload)
      socket.setTimeout(0)
      accepted.peer = this.#introduce(socket, type, payload)
    })
    const accepted: Accepted = { reader, peer: null }
    this.#sockets.set(socket, accepted)
    onChange()
    const push = (chunk: Buffer) => {
      try {
        reader.push(chunk)
      } catch (error) {
        // The stream can't be read any further, or a bug met this connection: it ends and no other one does.
        log(`a connection was cut off: ${error instanceof Error ? error.stack : String(error)}`)
        socket.destroy()
      }
    }
    socket.setTimeout(FIRST_FRAME_MILLIS, () => socket.destroy())
    socket.on("data", push)
    // A peer that goes away says so with an error as often as with an end.
    socket.on("error", () => {})
    socket.on("close", () => {
      this.#sockets.delete(socket)
      this.#own.delete(socket)
      onChange()
    })
    return { accepted, push }
  }

  #isOwn(socket: Socket): void {
    this.#own.add(socket)
    this.#options.onChange()
  }

  #control(socket: Socket): ControlConnection {
    const { host, log, onStop, upgrade } = this.#options
    return new ControlConnection(socket, { host, stop: onStop, upgrade, log })
  }

  #serveOn(socket: Socket, state: Extract<ConnectionState, { kind: "data" | "records" }>, unsent: Buffer): Peer {
    const source = this.#options.host.open(state.session)
    if (source === null) {
      socket.destroy()
      throw new Error(`its session ${state.session} is not there`)
    }
    if (state.kind === "records") return new RecordsClient(socket, source, { held: state.client, unsent })
    const { grant, open } = state.client
    if (grant.op !== "grant" || grant.mode === "records") throw new Error("it has no grant")
    const askScreen = (historyLines: number, head: number) => this.#options.askScreen(state.session, historyLines, head)
    const { mode } = grant
    return new DataClient({
      socket,
      source,
      grant: { ...grant, mode },
      open,
      askScreen,
      held: { client: state.client, unsent }
    })
  }

  #introduce(socket: Socket, type: number, payload: Buffer): Peer {
    const { askScreen, host, log } = this.#options
    if (type === FrameType.control) {
      const connection = this.#control(socket)
      connection.onFrame(type, payload)
      return connection
    }
    const refuse = (code: ErrorFrame["code"], message: string) => {
      sendLast(socket, encodeJsonFrame(FrameType.error, { code, message } satisfies ErrorFrame))
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
    if (mode === "records") return new RecordsClient(socket, source, { grant })
    return new DataClient({
      socket,
      source,
      grant: { ...grant, mode },
      open: open.value,
      askScreen: (historyLines, head) => askScreen(grant.session, historyLines, head)
    })
  }
}

/** A connection for a successor; null when it is closed, or has to be made anew. */
const describe = (socket: Socket, { peer, reader }: Accepted): ConnectionState | null => {
  const fd = socket.destroyed ? null : descriptorOf(socket)
  const about = peer === null || socket.writableEnded ? { kind: "new" } : (peer.handOver?.() ?? null)
  if (fd === null || about === null) return null
  // What a paused socket has read already; it is put back for the case that nothing comes of it.
  const read = (socket.read() as Buffer | null) ?? Buffer.alloc(0)
  if (read.length > 0) socket.unshift(read)
  return {
    ...about,
    fd,
    unsent: unsentBytes(socket).toString("base64"),
    received: Buffer.concat([reader.rest(), read]).toString("base64"),
    ending: socket.writableEnded
  } as ConnectionState
}
