/**
 * The native socket: a listener, and one supervised fiber per connection. JSON-RPC 2.0, one message per line, in the
 * envelope of effect/rpc; the front door of this folder.
 */
import { Context, Effect, Exit, Layer, Queue } from "effect"
import type { Rpc, RpcGroup } from "effect/rpc"
import { existsSync } from "node:fs"
import type { Socket } from "node:net"
import { dirname } from "node:path"
import { Concerns } from "../actors/Concerns.ts"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { RpcErrorCode } from "../protocol/errors.ts"
import { adopt } from "../wire/passedSocket.ts"
import { onceGone } from "../wire/watchSocket.ts"
import { listen, prepareRunDirectory, SocketPathError, type UnixListener } from "../wire/unixSocket.ts"
import type { Connections } from "../actors/Connections.ts"
import { type Forbids, makeDoor } from "./Door.ts"
import { type ConnectionLimits, defaultConnectionLimits, effectiveMaxConnections } from "./limits.ts"
import { refusal } from "./replies.ts"

export { Connections } from "../actors/Connections.ts"
export { type ConnectionLimits, defaultConnectionLimits } from "./limits.ts"

export interface NativeSocketOptions {
  /** Where to listen. Its directory is made when it is missing, and closed to other users. */
  readonly path: string
  readonly limits?: Partial<ConnectionLimits>
  /** A listening socket at `path` that a service manager passed to this process: accepted on instead of binding. */
  readonly passed?: number
}

/** Sockets that have been accepted and not been taken up yet. */
const ARRIVALS = 4096

/** The native socket, listening. */
export class NativeSocket extends Context.Service<
  NativeSocket,
  {
    readonly path: string
    /** As many as are served at once, and what sets this limit. */
    readonly maxConnections: { readonly max: number; readonly reason: string }
    /**
     * Serves a client that came through another door, as one of its own: `socket` carries lines. It may call what
     * `forbids` has no objection to. `entered` hears by which id handlers will know it, before it asks for anything.
     */
    serve(socket: Socket, forbids?: Forbids, entered?: (clientId: number) => void): Effect.Effect<void>
  }
>()("hob/connection/NativeSocket") {}

/**
 * Answers the methods of `group` at `options.path` while the layer is open; the layer is ready when connects succeed.
 * Closing it stops accepting, lets what is in flight finish within `limits.drainMillis`, cancels the rest, and removes
 * the socket's file if it is still its own. Fails with {@link SocketPathError}.
 */
export const layer = <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  options: NativeSocketOptions
): Layer.Layer<
  NativeSocket,
  SocketPathError,
  Rpc.ToHandler<Rpcs> | Rpc.Middleware<Rpcs> | Connections | Concerns | DirectMethods
> =>
  Layer.effect(
    NativeSocket,
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const limits: ConnectionLimits = { ...defaultConnectionLimits, ...options.limits }
      const maxConnections = effectiveMaxConnections(limits.maxConnections)
      const door = yield* makeDoor(group, limits)

      const arrivals = yield* Queue.dropping<Socket>(ARRIVALS)
      // Finalizers run from the last to the first: the listener stops, then what is in flight is waited for.
      yield* Effect.addFinalizer(() =>
        Effect.andThen(
          Effect.interruptible(door.drain),
          Effect.sync(() => destroyAll(arrivals))
        )
      )
      const arrived = (socket: Socket): void => {
        socket.on("error", ignoreSocketError)
        const refuse = door.size() + Queue.sizeUnsafe(arrivals) >= maxConnections.max
        if (!refuse && Queue.offerUnsafe(arrivals, socket)) return
        const message = `hob has ${maxConnections.max} connections, the most it takes (${maxConnections.reason}).`
        door.refuse(socket, refusal(null, RpcErrorCode.tooManyConnections, message))
      }
      yield* concerns.supervise("connections", (up) =>
        Effect.andThen(up, Effect.forever(Effect.flatMap(Queue.take(arrivals), door.serve)))
      )

      // The first attempt fails the layer; when the listener fails later, it is made again.
      let first: UnixListener | undefined = yield* options.passed === undefined
        ? openListener(options.path, arrived)
        : adoptListener(options.passed, options.path, arrived)
      const removal = Effect.callback<never, Error>((resume) => {
        const end = onceGone(options.path, () => resume(Effect.fail(new Error(`${options.path} was removed`))))
        return Effect.sync(end)
      })
      let mayReplace = true
      yield* concerns.supervise("socket listener", (up) =>
        Effect.gen(function* () {
          // Who has put something there since ours was removed, a service manager, is whom clients are to reach.
          if (!mayReplace && existsSync(options.path)) return yield* removal
          mayReplace = true
          const listener = yield* Effect.acquireRelease(
            Effect.suspend(() => (first === undefined ? openListener(options.path, arrived) : Effect.succeed(first))),
            (listener) => Effect.promise(listener.stop)
          )
          first = undefined
          yield* up
          const failure = Effect.callback<never, Error>((resume) => {
            listener.server.on("error", (error) => resume(Effect.fail(error)))
          })
          // The lock is this daemon's: what is missing there comes back.
          return yield* Effect.raceFirst(
            failure,
            Effect.tapError(removal, () => Effect.sync(() => void (mayReplace = false)))
          )
        }).pipe(Effect.scoped)
      )
      return NativeSocket.of({ path: options.path, maxConnections, serve: door.serve })
    })
  )

const adoptListener = (fd: number, path: string, onConnection: (socket: Socket) => void) =>
  Effect.tryPromise({
    try: () => adopt(fd, path, onConnection, { allowHalfOpen: true }),
    catch: (error) => error as Error
  }).pipe(
    Effect.catch((error) =>
      Effect.andThen(
        Effect.logWarning(`the socket that was passed is not used: ${error.message}`),
        openListener(path, onConnection)
      )
    )
  )

const openListener = (
  path: string,
  onConnection: (socket: Socket) => void
): Effect.Effect<UnixListener, SocketPathError> =>
  Effect.tryPromise({
    try: () => {
      prepareRunDirectory(dirname(path))
      return listen(path, onConnection, { allowHalfOpen: true })
    },
    catch: (cause) =>
      cause instanceof SocketPathError
        ? cause
        : new SocketPathError("cannot-bind", path, `can't be listened on (${String(cause)}).`, "", cause)
  })

const destroyAll = (arrivals: Queue.Dequeue<Socket>): void => {
  for (
    let exit = Queue.takeUnsafe(arrivals);
    exit !== undefined && Exit.isSuccess(exit);
    exit = Queue.takeUnsafe(arrivals)
  ) {
    exit.value.destroy()
  }
}

/** What a socket's error means is told by its `close`. */
const ignoreSocketError = (): void => {}
