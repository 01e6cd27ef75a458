/** The native protocol over a WebSocket: one message per frame, on a connection as any of the native socket. */
import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type RawData, type WebSocket, WebSocketServer } from "ws"
import { LineSocket } from "./LineSocket.ts"

/** Close codes of RFC 6455 and the registry of IANA. */
const GOING_AWAY = 1001
const NOT_UNDERSTOOD = 1003
const POLICY = 1008

export class WebSocketClient {
  readonly line: LineSocket
  readonly #socket: WebSocket
  #isAlive = true

  /** `transport`: what the WebSocket writes to. */
  constructor(socket: WebSocket, transport: Duplex, closed: () => void) {
    this.#socket = socket
    this.line = new LineSocket({
      // Whoever reads too slowly holds up itself.
      take: (line, done) => (socket.readyState === socket.OPEN ? sendText(transport, line, done) : done()),
      ended: () => socket.close(GOING_AWAY),
      closed: () => {
        // A client that is cut off has read nothing for long: it reads no farewell either.
        if (socket.readyState === socket.OPEN) socket.terminate()
      }
    })
    this.line.onRoom(() => socket.isPaused && socket.resume())
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (isBinary) return socket.close(NOT_UNDERSTOOD, "Send messages as text.")
      if (!this.line.say((data as Buffer).toString("utf8"))) socket.pause()
    })
    socket.on("pong", () => (this.#isAlive = true))
    socket.on("error", () => {})
    socket.on("close", () => {
      this.line.destroy()
      closed()
    })
  }

  /** A half-open connection is noticed by the second ping that has no answer. */
  ping(): void {
    if (!this.#isAlive) return this.#socket.terminate()
    this.#isAlive = false
    this.#socket.ping()
  }

  /** Its token is no good any more, or hob answers over HTTP no longer. */
  end(isClosing = false): void {
    if (isClosing) this.#socket.close(GOING_AWAY)
    else this.#socket.close(POLICY, "The token is no longer good.")
    this.line.destroy()
  }
}

const FINAL_TEXT = 0x81

/** The head of a frame that is a whole message, as text, of so many bytes (RFC 6455 §5.2). A server's are not masked. */
const headOf = (bytes: number): Buffer => {
  if (bytes < 126) return Buffer.from([FINAL_TEXT, bytes])
  const head = Buffer.allocUnsafe(bytes < 65_536 ? 4 : 10)
  head[0] = FINAL_TEXT
  head[1] = bytes < 65_536 ? 126 : 127
  if (bytes < 65_536) head.writeUInt16BE(bytes, 2)
  else head.writeBigUInt64BE(BigInt(bytes), 2)
  return head
}

/**
 * One message in pieces that others are sent too, none of them copied: `ws` would have to be given it in one. Its own
 * frames are written whole, so these stand between them.
 */
const sendText = (transport: Duplex, message: ReadonlyArray<Buffer>, done: () => void): void => {
  if (!transport.writable) return done()
  let bytes = 0
  for (const piece of message) bytes += piece.length
  transport.cork()
  transport.write(headOf(bytes))
  for (const [at, piece] of message.entries()) {
    if (at < message.length - 1) transport.write(piece)
    else transport.write(piece, () => done())
  }
  transport.uncork()
}

/** What makes WebSockets of requests that have been let in. */
export const makeUpgrader = (maxMessageBytes: number) => {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes
  })
  return (request: IncomingMessage, socket: Duplex, first: Buffer, opened: (socket: WebSocket) => void): void =>
    server.handleUpgrade(request, socket, first, (webSocket) => opened(webSocket))
}
