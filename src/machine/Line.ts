import { Data, Deferred, Effect, Exit, type Scope } from "effect"
import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import type { Socket as TcpSocket } from "node:net"
import type { Duplex } from "node:stream"

/** No answer in time, or the line broke before it came. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly event: string }> {
  override get message() {
    return `The server has not answered ${this.event}.`
  }
}

/** The server can't be had on this line. */
export class NoLine extends Data.TaggedError("NoLine")<{ readonly reason: string }> {
  override get message() {
    return this.reason
  }
}

/** A connected socket, for as long as its scope. */
export interface Line {
  readonly tell: (event: string, value: unknown) => void
  readonly ask: (event: string, value: unknown, withinMillis: number) => Effect.Effect<unknown, NoAnswer>
  /** Waits until it has broken, and gives why. */
  readonly broken: Effect.Effect<string>
  readonly break: (reason: string) => Effect.Effect<void>
  /** Whether anything at all has come since the last time that this was asked. */
  readonly heard: () => boolean
  /** How often the server says that it is there. */
  readonly pingMillis: () => number
}

export interface LineOptions {
  readonly url: string
  readonly auth: Readonly<Record<string, unknown>>
  /** Called with what the server sends; `ack` where it waits for an answer. */
  readonly hear: (event: string, value: unknown, ack: ((answer: unknown) => void) | undefined) => void
  readonly withinMillis: number
}

const PING_MILLIS = 25_000
/** How long a goodbye may take. */
const GOODBYE_MILLIS = 250

/** Opens a line. Its own library would try for ever by itself, and not always end what it has begun: it tries once. */
export const open = ({ auth, hear, url, withinMillis }: LineOptions): Effect.Effect<Line, NoLine, Scope.Scope> =>
  Effect.gen(function* () {
    const { io } = yield* Effect.promise(() => import("socket.io-client"))
    const tcp = new Set<Duplex>()
    const agent = remembering(url, tcp)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        // Whatever the library believes: a line that is given up is gone, or the server goes on sending calls to it.
        for (const socket of tcp) socket.destroy()
        agent.destroy()
      })
    )
    const broken = yield* Deferred.make<string>()
    const socket = io(url, {
      path: "/v1/updates",
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      autoConnect: false,
      auth: { ...auth },
      // The library's types know agents by name only; its WebSocket takes any.
      agent: agent as unknown as string
    })
    let heard = true
    let pingMillis = PING_MILLIS
    const connected = Effect.callback<void, NoLine>((resume) => {
      socket.once("connect", () => resume(Effect.void))
      socket.once("connect_error", (error) => resume(Effect.fail(new NoLine({ reason: reasonOf(error) }))))
      socket.connect()
      const { engine } = socket.io
      engine.on("packet", () => void (heard = true))
      engine.on("handshake", ({ pingInterval }) => void (pingMillis = pingInterval))
    })
    const breakOff = (reason: string) => void Deferred.doneUnsafe(broken, Exit.succeed(reason))
    socket.on("disconnect", (reason) => breakOff(`The connection was lost (${reason}).`))
    socket.onAny((event: string, ...args: ReadonlyArray<unknown>) => {
      const last = args.at(-1)
      const ack = typeof last === "function" ? (last as (answer: unknown) => void) : undefined
      hear(event, args[0], ack)
    })
    yield* Effect.addFinalizer(() =>
      Effect.callback<void>((resume) => {
        if (!socket.connected) return resume(Effect.void)
        for (const each of tcp) each.once("close", () => resume(Effect.void))
        socket.disconnect()
      }).pipe(
        Effect.interruptible,
        Effect.timeoutOption(GOODBYE_MILLIS),
        Effect.ensuring(Effect.sync(() => socket.disconnect()))
      )
    )
    const isUp = yield* Effect.timeoutOption(connected, withinMillis)
    if (isUp._tag === "None") return yield* new NoLine({ reason: "The server did not take the connection in time." })
    return {
      tell: (event, value) => void socket.emit(event, value),
      ask: (event, value, within) =>
        Effect.callback<unknown, NoAnswer>((resume) => {
          if (!socket.connected) return resume(Effect.fail(new NoAnswer({ event })))
          socket.emit(event, value, (answer: unknown) => resume(Effect.succeed(answer)))
        }).pipe(
          Effect.raceFirst(Effect.andThen(Deferred.await(broken), Effect.fail(new NoAnswer({ event })))),
          // Also where what asks can't be interrupted: at the end, when nobody may be listening.
          Effect.interruptible,
          Effect.timeoutOrElse({ duration: within, orElse: () => Effect.fail(new NoAnswer({ event })) })
        ),
      broken: Deferred.await(broken),
      break: (reason) => Effect.sync(() => breakOff(reason)),
      heard: () => {
        const before = heard
        heard = false
        return before
      },
      pingMillis: () => pingMillis
    }
  })

/** Knows every TCP connection that is made with it: they are what is to be ended. */
const remembering = (url: string, sockets: Set<Duplex>): HttpAgent => {
  const agent = url.startsWith("https:") ? new HttpsAgent() : new HttpAgent()
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback) as TcpSocket | null | undefined
    if (socket != null) {
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
    }
    return socket
  }
  return agent
}

const reasonOf = (error: Error & { readonly description?: unknown }): string => {
  // A connection that was not made is told in a wrapper that says nothing.
  const cause = error.description as { readonly error?: Error; readonly message?: string } | undefined
  const detail = cause?.error?.message ?? cause?.message
  return detail === undefined || detail === "" ? `${error.message}.` : `${error.message} (${detail}).`
}
