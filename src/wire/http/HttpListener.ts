import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Bodies, type Received } from "./Bodies.ts"
import { headersOf } from "./headers.ts"
import type { Head, Reply } from "./messages.ts"

/** What a sender that was answered may still send before it is hung up on: the answer has to reach it first. */
const LINGER_BYTES = 1024 * 1024
/** A connection on which nothing at all moves, unless hob owes it an answer and it reads. */
const IDLE_MILLIS = 120_000
/** A peer that went without a word is noticed after so long. */
const PROBE_MILLIS = 60_000
const HANDSHAKE_MILLIS = 10_000
const HEAD_BYTES = 16 * 1024

/** One request and its answer. */
export interface Exchange {
  readonly address: string
  /** The sender's port. */
  readonly port: number
  readonly head: Head
  /** Its body, once; from then on the connection is not the one that goes when there are too many. */
  readonly receive: (limit: number, done: (received: Received) => void) => void
  /** Answers, unless it is answered. */
  readonly reply: (reply: Reply) => void
  /** For an answer of another form: its head is written by whoever takes it. */
  readonly response: () => ServerResponse
  /** For one without an end: it ends also when its reader closes its side. */
  readonly endless: () => ServerResponse
}

export interface HttpListenerOptions {
  readonly host: string
  readonly port: number
  /** How long a whole request may take to come; its head half as long. */
  readonly requestMillis: number
  readonly maxConnections: () => number
  /** How long a connection may stay on which nothing moves; 120,000. */
  readonly idleMillis?: number
  /** HTTPS, with this certificate and key (PEM). */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly handle: (exchange: Exchange) => void
  /** A request for a WebSocket. Without it such a request is answered as any other; one for anything else always is. */
  readonly upgrade?: (head: Head, request: IncomingMessage, socket: Duplex, first: Buffer) => void
  /** It listens, on this port. */
  readonly listening?: (port: number) => void
  /** It is about to be closed: answers without an end should be ended. */
  readonly closing?: () => void
  /** What a request with CONNECT is told. */
  readonly verbs: string
}

/** An HTTP door: time limits, sizes and what parsers say, and nothing of what is behind it. Plain Node. */
export class HttpListener {
  readonly #server: Server
  readonly #options: HttpListenerOptions
  readonly #bodies = new Bodies()
  readonly #sockets = new Set<Socket>()
  /** Connections that have no whole request; the one that waits for longest first. */
  readonly #waiting = new Set<Socket>()
  /** Connections that say who they are still, by where they come from. */
  readonly #handshaking = new Map<string, Socket>()
  /** Connections that speak another protocol by now: others end them. */
  readonly #upgraded = new Set<Socket>()
  /** The answer that a connection is in the middle of. */
  readonly #current = new WeakMap<Duplex, ServerResponse>()
  /** Connections that end with the answer they are in the middle of. */
  readonly #last = new WeakSet<Duplex>()
  #closed: (() => void) | undefined

  constructor(options: HttpListenerOptions) {
    this.#options = options
    const { requestMillis, tls, upgrade } = options
    const limits: ServerOptions = {
      maxHeaderSize: HEAD_BYTES,
      headersTimeout: Math.ceil(requestMillis / 2),
      requestTimeout: requestMillis,
      connectionsCheckingInterval: Math.min(1000, Math.ceil(requestMillis / 4)),
      keepAliveTimeout: 5000,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_MILLIS,
      shouldUpgradeCallback: asksForWebSocket,
      // Node's own answer says nothing; whoever handles a request looks for it.
      requireHostHeader: false
    }
    this.#server =
      tls === undefined
        ? createServer(limits)
        : createTlsServer({
            ...limits,
            ...tls,
            handshakeTimeout: Math.min(requestMillis, HANDSHAKE_MILLIS),
            minVersion: "TLSv1.2"
          })
    this.#server.timeout = options.idleMillis ?? IDLE_MILLIS
    this.#server.on("timeout", (socket) => this.#idle(socket))
    // Who closes its side with the request, as `nc -N` does, still wants the answer. Node's own, and not of its types.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    if (tls === undefined) this.#server.on("connection", (socket: Socket) => this.#connected(socket))
    else {
      this.#server.on("connection", (socket: Socket) => this.#handshake(socket))
      this.#server.on("secureConnection", (socket: Socket) => {
        this.#handshaking.delete(peerOf(socket))
        this.#connected(socket)
      })
    }
    this.#server.on("request", (request, response) => this.#requested(request, response, false))
    // Who asks before it sends is told before it sends.
    this.#server.on("checkContinue", (request, response) => this.#requested(request, response, true))
    this.#server.on("checkExpectation", (request, response) => {
      answer(request, response, { status: 417, body: { error: "The only thing to expect is 100-continue." } })
    })
    this.#server.on("clientError", (error, socket) => this.#failed(error, socket))
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy())
    this.#server.on("connect", (_request, socket) => hangUp(socket, rawReply(405, `Use ${options.verbs}.`)))
    if (upgrade !== undefined) {
      this.#server.on("upgrade", (request, stream, first) => {
        stream.on("error", () => {})
        // An older Node asks nobody whether to upgrade.
        if (!asksForWebSocket(request)) {
          return hangUp(stream, rawReply(400, "Only a WebSocket can be opened, by a request without a body."))
        }
        const { socket } = request
        // It is of use now: others go when there are too many.
        this.#waiting.delete(socket)
        this.#upgraded.add(socket)
        upgrade(headOf(request), request, stream, first)
      })
    }
  }

  get scheme(): "http" | "https" {
    return this.#options.tls === undefined ? "http" : "https"
  }

  /** Calls back with where it listens, or why it can't; later failures of the listening socket go to `failed`. */
  listen(done: (result: AddressInfo | NodeJS.ErrnoException) => void, failed: (error: Error) => void): void {
    this.#server.once("error", done)
    this.#server.listen({ host: this.#options.host, port: this.#options.port, backlog: 4096 }, () => {
      this.#server.off("error", done)
      this.#server.on("error", failed)
      const address = this.#server.address() as AddressInfo
      this.#options.listening?.(address.port)
      done(address)
    })
  }

  /** Accepts no more; calls back once every answer that is owed has been given, or `cutOff` was called. */
  close(done: () => void): void {
    if (!this.#server.listening) return done()
    this.#closed = done
    this.#options.closing?.()
    this.#server.close()
    this.#server.closeIdleConnections()
    for (const socket of [...this.#handshaking.values(), ...this.#waiting]) socket.destroy()
    this.#tellClosed()
  }

  /** Ends what has not ended; what speaks another protocol is for whoever speaks it. */
  cutOff(): void {
    for (const socket of this.#sockets) if (!this.#upgraded.has(socket)) socket.destroy()
  }

  #tellClosed(): void {
    if (this.#closed === undefined || this.#sockets.size > this.#upgraded.size) return
    const done = this.#closed
    this.#closed = undefined
    done()
  }

  /** TLS has not begun: it counts, for it holds as much as any other. */
  #handshake(socket: Socket): void {
    const peer = peerOf(socket)
    if (peer === "") return void socket.destroy()
    this.#handshaking.set(peer, socket)
    socket.on("close", () => {
      if (this.#handshaking.get(peer) === socket) this.#handshaking.delete(peer)
    })
    this.#makeRoom(socket)
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket)
    this.#waiting.add(socket)
    socket.on("close", () => {
      this.#sockets.delete(socket)
      this.#waiting.delete(socket)
      this.#upgraded.delete(socket)
      this.#tellClosed()
    })
    this.#makeRoom(socket)
  }

  /** When there are too many, the one goes that has had nothing whole for longest: it is slow by intent. */
  #makeRoom(newest: Socket): void {
    if (this.#sockets.size + this.#handshaking.size <= this.#options.maxConnections()) return
    for (const others of [this.#handshaking.values(), this.#waiting]) {
      for (const other of others) if (other !== newest) return void other.destroy()
    }
    newest.destroy()
  }

  /** Who waits for an answer is silent for as long as it takes; who does not read what there is has stalled. */
  #idle(socket: Socket): void {
    if (this.#waiting.has(socket) || socket.writableLength > 0) return void socket.destroy()
    socket.setTimeout(this.#server.timeout)
  }

  #requested(request: IncomingMessage, response: ServerResponse, asks: boolean): void {
    const { socket } = request
    this.#current.set(socket, response)
    // What an error of a connection means is told by its end.
    response.on("error", () => {})
    response.on("close", () => {
      if (this.#current.get(socket) === response && this.#sockets.has(socket) && !socket.destroyed) {
        this.#waiting.add(socket)
        if (this.#closed !== undefined && request.complete) socket.end(() => socket.destroy())
      }
    })
    if (!hasBody(request)) this.#waiting.delete(socket)
    this.#options.handle({
      address: socket.remoteAddress ?? "",
      port: socket.remotePort ?? 0,
      head: headOf(request),
      receive: (limit, done) => {
        if (asks) response.writeContinue()
        this.#bodies.receive(request, limit, (received) => {
          if (received instanceof Buffer) this.#waiting.delete(socket)
          done(received)
        })
      },
      reply: (reply) => answer(request, response, reply),
      response: () => response,
      endless: () => {
        const gone = () => socket.destroy()
        socket.once("end", gone)
        response.on("close", () => socket.off("end", gone))
        if (socket.readableEnded) gone()
        return response
      }
    })
  }

  #failed(error: NodeJS.ErrnoException, socket: Duplex): void {
    const current = this.#current.get(socket)
    const isOwed = current?.req.complete === true && !current.writableFinished
    // What is behind a whole request takes nothing from it: it has its answer first.
    if (isOwed && !socket.destroyed) {
      if (!this.#last.has(socket)) current.once("finish", () => socket.destroy())
      return void this.#last.add(socket)
    }
    const isAnswered = current?.headersSent === true && !current.req.complete
    if (isAnswered || !socket.writable || error.code === "ECONNRESET") return void socket.destroy()
    const [status, text] = meanings[error.code ?? ""] ?? [400, "That is not HTTP as hob speaks it."]
    hangUp(socket, rawReply(status, text))
  }
}

const headOf = (request: IncomingMessage): Head => ({
  method: request.method ?? "",
  target: request.url ?? "",
  headers: headersOf(request.rawHeaders)
})

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0"

/** What asks for another protocol, such as h2c, may be answered in this one. */
const asksForWebSocket = (request: IncomingMessage): boolean =>
  request.headers.upgrade?.toLowerCase() === "websocket" && !hasBody(request)

const peerOf = ({ remoteAddress, remotePort }: Socket): string =>
  remotePort === undefined ? "" : `${remoteAddress} ${remotePort}`

const hangUp = (socket: Duplex, reply: string): void => {
  socket.on("error", () => {})
  socket.end(reply, () => socket.destroy())
}

const meanings: Readonly<Record<string, readonly [status: number, text: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, "The request took too long to come."],
  HPE_HEADER_OVERFLOW: [431, `The head of a request may have at most ${HEAD_BYTES} bytes.`],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "The body has more about its chunks than in them."]
}

const phrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Payload Too Large",
  421: "Misdirected Request",
  426: "Upgrade Required",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  503: "Service Unavailable"
}

/** For where there is no response to write to. */
export const rawReply = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): string => {
  const text = JSON.stringify({ error })
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${phrases[status] ?? "Error"}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${more.join("")}\r\n${text}`
}

const answer = (request: IncomingMessage, response: ServerResponse, { body, headers, status }: Reply): void => {
  if (response.headersSent || response.destroyed) return
  const text = body === undefined ? "" : JSON.stringify(body)
  response.writeHead(status, {
    ...headers,
    ...(text === "" ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  })
  response.end(text)
  if (!request.complete) linger(request)
}

/** A connection that is closed with something unread in it is reset, and the answer may be lost: some of it is read. */
const linger = (request: IncomingMessage): void => {
  let bytes = 0
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > LINGER_BYTES) request.socket.destroy()
  })
}
