import { Deferred, Effect, Fiber, Layer, Schema, type Scope } from "effect"
import { RpcClient, RpcClientError, type RpcMessage } from "effect/rpc"
import { Socket as EffectSocket } from "effect/socket"
import type { Socket } from "node:net"
import { Inbox } from "../../wire/Inbox.ts"
import { LineFault, LineReader } from "../../wire/lines.ts"
import { connect, SocketConnectError } from "../../wire/unixSocket.ts"
import { decodeMessage, encodeMessage } from "./messages.ts"

type ProtocolService = RpcClient.Protocol["Service"]

/** Requests waiting to be sent above which a caller waits. Bytes. */
const WRITE_BUFFER_BYTES = 1024 * 1024

/**
 * Answers of one call that may wait for its reader before everything waits for it. The daemon holds a stream back before
 * that: it sends so much that is not acknowledged, and no more.
 */
const MAX_BEHIND = 4096

/** What has come of a call while its reader has not taken what came before. */
interface Behind {
  readonly responses: Array<RpcMessage.FromServerEncoded>
  delivery: Fiber.Fiber<void> | undefined
}

/** effect/rpc's client protocol over one connection to the native socket. */
export interface SocketProtocol extends ProtocolService {
  /**
   * Waits until the connection is lost and tells how. Nothing is reconnected behind the caller's back: what was in
   * flight, and every later call, fails with this error.
   */
  readonly lost: Effect.Effect<RpcClientError.RpcClientError>
}

/** Connects to the socket at `path`; the connection closes with the scope. Lines are split in linear time. */
export const make = (path: string): Effect.Effect<SocketProtocol, SocketConnectError, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => connect(path),
        catch: (cause) =>
          cause instanceof SocketConnectError ? cause : new SocketConnectError("system", path, String(cause), cause)
      }),
      (socket) => Effect.sync(() => void socket.destroySoon())
    )
    const lost = yield* Deferred.make<RpcClientError.RpcClientError>()
    let problem: unknown
    socket.on("error", (error) => (problem = error))
    const inbox = new Inbox(socket)
    const protocol: ProtocolService = yield* RpcClient.Protocol.make((writeResponse, clientIds) => {
      const tellAll = (response: RpcMessage.FromServerEncoded) =>
        Effect.forEach([...clientIds], (clientId) => writeResponse(clientId, response), { discard: true })
      return Effect.gen(function* () {
        const scope = yield* Effect.scope
        const owners = new Map<string | number, number>()
        const behind = new Map<string | number, Behind>()
        let failure: RpcClientError.RpcClientError | undefined

        const receive = (response: RpcMessage.FromServerEncoded): Effect.Effect<void> => {
          if (response._tag !== "Exit" && response._tag !== "Chunk") return tellAll(response)
          const { requestId } = response
          const clientId = owners.get(requestId)
          if (clientId === undefined) return Effect.void
          if (response._tag === "Exit") owners.delete(requestId)
          const waits = behind.get(requestId)
          if (waits !== undefined) {
            waits.responses.push(response)
            return waits.responses.length < MAX_BEHIND ? Effect.void : Fiber.await(waits.delivery!)
          }
          if (response._tag === "Exit") return writeResponse(clientId, response)
          return deliver(clientId, requestId, response)
        }

        /** Waits for the reader of a stream apart: answers of other calls, which it may wait for itself, come past it. */
        const deliver = (clientId: number, requestId: string | number, first: RpcMessage.FromServerEncoded) =>
          Effect.suspend(() => {
            const waits: Behind = { responses: [], delivery: undefined }
            behind.set(requestId, waits)
            const delivery = Effect.gen(function* () {
              for (let next: typeof first | undefined = first; next !== undefined; next = waits.responses.shift()) {
                yield* writeResponse(clientId, next)
              }
            }).pipe(Effect.ensuring(Effect.sync(() => void behind.delete(requestId))))
            return Effect.map(
              Effect.forkIn(delivery, scope, { startImmediately: true }),
              (fiber) => void (waits.delivery = fiber)
            )
          })

        const read = Effect.gen(function* () {
          // The daemon bounds what it sends.
          const reader = new LineReader({ lineBytes: Infinity, depth: Infinity })
          for (;;) {
            const chunk = yield* inbox.take
            if (chunk === undefined) return "the daemon closed the connection"
            reader.push(chunk)
            for (let line = reader.next(); line !== undefined; line = reader.next()) {
              const message = line instanceof LineFault ? line.message : decodeMessage(line)
              if (typeof message === "string") return message
              if (message._tag === "refused") return message.reason
              yield* receive(message)
            }
          }
        })
        yield* read.pipe(
          Effect.flatMap((reason) => {
            socket.destroy()
            failure = connectionLost(reason, problem)
            owners.clear()
            return Effect.andThen(
              Deferred.succeed(lost, failure),
              Effect.uninterruptible(tellAll({ _tag: "ClientProtocolError", error: failure }))
            )
          }),
          Effect.forkScoped
        )

        const outgoing = new Outgoing(socket)
        return {
          send: (clientId, request) =>
            Effect.suspend(() => {
              if (failure !== undefined) return Effect.fail(failure)
              if (request._tag === "Request") owners.set(request.id, clientId)
              else if (request._tag === "Interrupt") owners.delete(request.requestId)
              return outgoing.add(encodeMessage(request))
            }),
          supportsAck: true,
          supportsTransferables: false,
          codecFor: Schema.toCodecJson as RpcClient.Protocol["Service"]["codecFor"]
        }
      })
    })
    return { ...protocol, lost: Deferred.await(lost) }
  })

/** The protocol as a layer, for `RpcClient.make`. */
export const layer = (path: string): Layer.Layer<RpcClient.Protocol, SocketConnectError> =>
  Layer.effect(RpcClient.Protocol, make(path))

const connectionLost = (reason: string, problem: unknown): RpcClientError.RpcClientError =>
  new RpcClientError.RpcClientError({
    reason: new EffectSocket.SocketReadError({ cause: new Error(reason, { cause: problem }) })
  })

/** Whether a call failed because the connection was lost, and not because of what the daemon answered. */
export const isConnectionLost = (error: unknown): error is RpcClientError.RpcClientError =>
  error instanceof RpcClientError.RpcClientError && error.reason._tag === "SocketReadError"

/** What is asked for in one turn of the loop goes out in one write. */
class Outgoing {
  readonly #socket: Socket
  #text = ""

  constructor(socket: Socket) {
    this.#socket = socket
  }

  add(line: string): Effect.Effect<void> {
    if (this.#text === "") queueMicrotask(() => this.#flush())
    this.#text += line
    return this.#socket.writableLength > WRITE_BUFFER_BYTES ? this.#drained : Effect.void
  }

  #flush(): void {
    const text = this.#text
    this.#text = ""
    if (this.#socket.writable) this.#socket.write(text)
  }

  readonly #drained = Effect.callback<void>((resume) => {
    const done = () => {
      this.#socket.off("drain", done)
      this.#socket.off("close", done)
      resume(Effect.void)
    }
    this.#socket.on("drain", done)
    this.#socket.on("close", done)
    return Effect.sync(done)
  })
}
