import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Bodies, type Received } from "./Bodies.ts"
import { headersOf } from "./headers.ts"
import type { Head, Reply } from "./messages.ts"

/** What a sender that was answered may still send before it is hung up on: the answer has to reach it first. */
const LINGER_BYTES = 1024 * 1024
/** A connection on which nothing at all moves. */
const IDLE_MILLIS = 120_000
const HEAD_BYTES = 16 * 1024
/** Connections that are looked at for one that may go. */
const LOOKED_AT = 64

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
  /** For an answer that is written in pieces: its head is written by whoever takes it. */
  readonly stream: () => ServerResponse
}

export interface HttpListenerOptions {
  readonly host: string
  readonly port: number
  /** How long a whole request may take to come; its head half as long. */
  readonly requestMillis: number
  readonly maxConnections: () => number
  /** HTTPS, with this certificate and key (PEM). */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer }
  readonly handle: (exchange: Exchange) => void
  /** A request to speak another protocol. Without it such a request is answered as any other. */
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
  readonly #sockets = new Set<Duplex>()
  /** Connections whose request is whole and waits for its answer. */
  readonly #answering = new Set<Duplex>()
  /** Connections that speak another protocol by now: others end them. */
  readonly #upgraded = new Set<Duplex>()
  /** The answer that a connection is in the middle of. */
  readonly #current = new WeakMap<Duplex, ServerResponse>()
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
      // Node's own answer says nothing; whoever handles a request looks for it.
      requireHostHeader: false
    }
    this.#server =
      tls === undefined
        ? createServer(limits)
        : createTlsServer({ ...limits, ...tls, handshakeTimeout: requestMillis, minVersion: "TLSv1.2" })
    this.#server.timeout = IDLE_MILLIS
    // Who closes its side with the request, as `nc -N` does, still wants the answer. Node's own, and not of its types.
    Object.assign(this.#server, { httpAllowHalfOpen: true })
    this.#server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => this.#connected(socket))
    this.#server.on("request", (request, response) => this.#requested(request, response, false))
    // Who asks before it sends is told before it sends.
    this.#server.on("checkContinue", (request, response) => this.#requested(request, response, true))
    this.#server.on("checkExpectation", (request, response) => {
      answer(request, response, { status: 417, body: { error: "The only thing to expect is 100-continue." } })
    })
    this.#server.on("clientError", (error, socket) => this.#failed(error, socket))
    this.#server.on("tlsClientError", (_error, socket) => socket.destroy())
    this.#server.on("connect", (_request, socket) => socket.end(rawReply(405, `Use ${options.verbs}.`)))
    if (upgrade !== undefined) {
      this.#server.on("upgrade", (request, socket, first) => {
        socket.on("error", () => {})
        // It is of use now: others go when there are too many.
        this.#answering.add(socket)
        this.#upgraded.add(socket)
        upgrade(headOf(request), request, socket, first)
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
    for (const socket of this.#sockets) if (!this.#answering.has(socket)) socket.destroy()
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

  /** When there are too many, the oldest goes that has nothing whole to wait for: one that is slow by intent. */
  #connected(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on("close", () => {
      this.#sockets.delete(socket)
      this.#answering.delete(socket)
      this.#upgraded.delete(socket)
      this.#tellClosed()
    })
    if (this.#sockets.size <= this.#options.maxConnections()) return
    let looked = 0
    for (const other of this.#sockets) {
      if (!this.#answering.has(other)) return void other.destroy()
      if (++looked === LOOKED_AT) break
    }
    socket.destroy()
  }

  #requested(request: IncomingMessage, response: ServerResponse, asks: boolean): void {
    const { socket } = request
    this.#current.set(socket, response)
    // What an error of a connection means is told by its end.
    response.on("error", () => {})
    response.on("close", () => this.#answering.delete(socket))
    this.#options.handle({
      address: socket.remoteAddress ?? "",
      port: socket.remotePort ?? 0,
      head: headOf(request),
      receive: (limit, done) => {
        if (asks) response.writeContinue()
        this.#bodies.receive(request, limit, (received) => {
          if (received instanceof Buffer) this.#answering.add(socket)
          done(received)
        })
      },
      reply: (reply) => answer(request, response, reply),
      stream: () => {
        this.#answering.add(socket)
        // There is no end of it to wait for: who closes its side has gone.
        socket.once("end", () => socket.destroy())
        return response
      }
    })
  }

  #failed(error: NodeJS.ErrnoException, socket: Duplex): void {
    const current = this.#current.get(socket)
    const isOwed = current?.req.complete === true && !current.writableFinished
    // What is behind a whole request takes nothing from it: it has its answer first.
    if (isOwed && !socket.destroyed) return void current.once("finish", () => socket.destroy())
    const isAnswered = current?.headersSent === true && !current.req.complete
    if (isAnswered || !socket.writable || error.code === "ECONNRESET") return void socket.destroy()
    const [status, text] = meanings[error.code ?? ""] ?? [400, "That is not HTTP as hob speaks it."]
    socket.end(rawReply(status, text), () => socket.destroy())
  }
}

const headOf = (request: IncomingMessage): Head => ({
  method: request.method ?? "",
  target: request.url ?? "",
  headers: headersOf(request.rawHeaders)
})

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
