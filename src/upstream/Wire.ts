import { Effect, type Scope } from "effect"
import { connect, type Socket } from "node:net"
import type { ClientOptions, WebSocket } from "ws"
import type { Target } from "./target.ts"

/** Why a connection could not be made, or has ended: the end of a sentence. */
export class Lost {
  readonly _tag = "Lost"
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** One WebSocket, for as long as its scope is open. */
export interface Wire {
  /** False when it is no longer open: nothing was written then. */
  readonly send: (text: string) => boolean
  /** Asks for a sign of life: a ping frame, which is answered whatever else is under way. */
  readonly ping: () => void
  /** Closes it at once, as if it had been lost for this reason. */
  readonly drop: (reason: string) => void
}

export interface WireOptions {
  readonly target: Target
  readonly insecure: boolean
  /** PEM. */
  readonly ca: string | null
  /** The longest message that is taken. */
  readonly maxBytes: number
  /** Something came, if only a part of a message. */
  readonly onHeard: () => void
  /** Each message, and at the end, once, why there will be no more. */
  readonly onText: (text: string) => void
  readonly onLost: (reason: string) => void
}

// Loaded by the first connection: the daemon starts in less time without.
const library = Effect.promise(() => import("ws"))

/** Connects. Interrupting it, or closing the scope, leaves no socket behind. */
export const open = (options: WireOptions): Effect.Effect<Wire, Lost, Scope.Scope> =>
  Effect.gen(function* () {
    const { WebSocket } = yield* library
    const { target } = options
    let over = false
    const lose = (reason: string): void => {
      if (over) return
      over = true
      options.onLost(reason)
    }
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => new WebSocket(target.url, settings(options))),
      (socket) =>
        Effect.sync(() => {
          lose("hob closed it")
          socket.removeAllListeners("message")
          if (socket.readyState === WebSocket.OPEN) socket.close(1000)
          // Whoever does not answer a close would keep the socket, and the process.
          socket.terminate()
        })
    )
    let problem: string | undefined
    const together = new Together()
    socket.once("upgrade", ({ socket }) => {
      together.use(socket)
      socket.on("data", options.onHeard)
    })
    socket.on("error", (error) => void (problem ??= reasonOf(error)))
    yield* opened(socket, () => problem)
    socket.on("close", (code, reason) => lose(problem ?? closeReason(code, reason.toString())))
    socket.on("message", (data, isBinary) => {
      if (over) return
      if (isBinary) return drop("it sent a binary message, which is none of JSON-RPC")
      options.onText((data as Buffer).toString())
    })
    const drop = (reason: string): void => {
      lose(reason)
      socket.terminate()
    }
    return {
      send: (text) => {
        if (over || socket.readyState !== WebSocket.OPEN) return false
        together.begin()
        socket.send(text)
        return true
      },
      ping: () => {
        if (!over && socket.readyState === WebSocket.OPEN) socket.ping()
      },
      drop
    }
  })

/** What is written in one turn goes out as one: a system call costs more than all else that a request does. */
class Together {
  #socket: Socket | undefined
  #isOpen = false

  use(socket: Socket): void {
    this.#socket = socket
  }

  begin(): void {
    if (this.#isOpen || this.#socket === undefined) return
    this.#isOpen = true
    this.#socket.cork()
    process.nextTick(() => {
      this.#isOpen = false
      this.#socket?.uncork()
    })
  }
}

const settings = ({ ca, insecure, maxBytes, target }: WireOptions): ClientOptions => ({
  origin: target.origin,
  maxPayload: maxBytes,
  perMessageDeflate: false,
  followRedirects: false,
  ...(ca === null ? {} : { ca }),
  ...(insecure ? { rejectUnauthorized: false } : {}),
  ...(target.socketPath === null ? {} : { createConnection: () => connect(target.socketPath!) })
})

const opened = (socket: WebSocket, problem: () => string | undefined): Effect.Effect<void, Lost> =>
  Effect.callback((resume) => {
    socket.once("open", () => resume(Effect.void))
    socket.once("close", (code) => resume(Effect.fail(new Lost(problem() ?? closeReason(code, "")))))
    socket.once("unexpected-response", (request, { statusCode }) => {
      request.destroy()
      resume(Effect.fail(new Lost(`it answered the handshake with HTTP ${statusCode} (is that its API?)`)))
    })
  })

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused (is it running?)",
  ENOENT: "there is no such socket (does the middleware run on this machine?)",
  EACCES: "permission denied",
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name can't be looked up now",
  ETIMEDOUT: "it does not answer",
  ECONNRESET: "it reset the connection",
  EPIPE: "it closed the connection",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to its network",
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: "it sent a longer message than may be (upstream.resultBytes)",
  WS_ERR_INVALID_UTF8: "it sent a text that is not UTF-8",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name (--ca and --insecure say what to trust)"
}

const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/

const reasonOf = (error: Error & { readonly code?: string; readonly errors?: ReadonlyArray<Error> }): string => {
  const { code = "" } = error
  // Of a name with several addresses each has failed.
  if (code === "" && error.errors?.[0] !== undefined) return reasonOf(error.errors[0])
  const known = words[code]
  if (known !== undefined) return known
  if (isCertificate.test(code)) return `its certificate is not trusted, ${code} (--ca and --insecure say what to trust)`
  return error.message || code || "the connection failed"
}

const codes: Readonly<Record<number, string>> = {
  1000: "it closed the connection",
  1001: "it is going away",
  1006: "the connection broke off",
  1007: "it found a message too long before login",
  1008: "it does not accept this origin",
  1009: "it found a message too long",
  1011: "it had an internal error",
  1012: "it is restarting"
}

const closeReason = (code: number, said: string): string =>
  `${codes[code] ?? "it closed the connection"} (code ${code}${said === "" ? "" : `, ${JSON.stringify(said.slice(0, 200))}`})`
