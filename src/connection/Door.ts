import { type Duration, Effect, Exit, Fiber, FiberSet, Scope, Semaphore } from "effect"
import { type Rpc, type RpcGroup, RpcServer } from "effect/rpc"
import type { Socket } from "node:net"
import { Connections } from "../actors/Connections.ts"
import { turnsOfLoop } from "../actors/turns.ts"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { Connection, type Shared } from "./Connection.ts"
import type { ConnectionLimits } from "./limits.ts"
import { makeMethods } from "./methods.ts"

/** How long a last answer may take to be sent: when the daemon closes, and to a client that is refused. */
const FAREWELL = "1 second"
/** Clients that are being refused at once. Each takes one of the files that are kept for other uses. */
const MAX_FAREWELLS = 24

/** Whom a door serves may do less than everybody: why not, where a method is not allowed. */
export type Forbids = (method: string) => string | undefined

/**
 * What a door does with its clients: each is a connection of its own, whose requests the handlers of `group` answer, with
 * the same limits and the same end whatever it came through.
 */
export const makeDoor = Effect.fnUntraced(function* <Rpcs extends Rpc.Any>(
  group: RpcGroup.RpcGroup<Rpcs>,
  limits: ConnectionLimits
) {
  const connections = yield* Connections
  const handlers = yield* Effect.context<Rpc.ToHandler<Rpcs>>()
  const direct = yield* DirectMethods
  const clients = new Map<number, Connection>()
  const serverScope = yield* Effect.acquireRelease(Scope.make(), closeWithin(FAREWELL))
  const server = yield* RpcServer.makeNoSerialization(group, {
    // A span for each request costs this door a third of its speed; a defect concerns its own call only.
    disableTracing: true,
    disableFatalDefects: true,
    onFromServer: (response) => clients.get(response.clientId)?.fromServer(response) ?? Effect.void
  }).pipe(Scope.provide(serverScope))
  const shared: Shared & { closing: boolean } = {
    limits,
    turns: yield* turnsOfLoop,
    methods: makeMethods(group, handlers, direct.find),
    server,
    fork: yield* FiberSet.makeRuntime<never, any, any>(),
    largeLine: Semaphore.makeUnsafe(1),
    closing: false
  }
  const fork = yield* FiberSet.makeRuntime<never, unknown, never>()

  const serve = (socket: Socket, forbids?: Forbids, entered?: (clientId: number) => void): Effect.Effect<void> =>
    Effect.gen(function* () {
      if (socket.destroyed) return
      const clientId: number = yield* connections.enter(() => connection.inFlight)
      entered?.(clientId)
      const connection = new Connection(clientId, socket, shared, forbids)
      clients.set(clientId, connection)
      const left = Effect.suspend(() => {
        socket.destroy()
        clients.delete(clientId)
        connection.left()
        return Effect.andThen(server.disconnect(clientId), connections.leave(clientId))
      })
      const fiber = fork(
        connection.run().pipe(
          Effect.catchCause((cause) => Effect.logError("a connection failed and is closed", cause)),
          Effect.ensuring(left)
        )
      )
      socket.on("close", () => fiber.interruptUnsafe())
    })

  let refused = 0
  /** Closing at once would take the reason away from a client that has begun to send, as most have. */
  const refuse = (socket: Socket, reason: string): void => {
    socket.end(`${reason}\n`)
    if (refused >= MAX_FAREWELLS) return socket.destroySoon()
    refused++
    socket.resume()
    const closed = Effect.callback<void>((resume) => void socket.on("close", () => resume(Effect.void)))
    fork(
      Effect.timeoutOption(closed, FAREWELL).pipe(
        Effect.ensuring(
          Effect.sync(() => {
            refused--
            socket.destroy()
          })
        )
      )
    )
  }

  const each = (f: (connection: Connection) => Effect.Effect<void>) =>
    Effect.forEach([...clients.values()], f, { concurrency: "unbounded", discard: true })

  const drain = Effect.gen(function* () {
    shared.closing = true
    yield* connections.stopping
    yield* each((connection) => connection.cancelEndless)
    const idle = each((connection) => connection.idle)
    yield* Effect.timeoutOption(idle, limits.drainMillis)
    yield* each((connection) => server.disconnect(connection.clientId))
    yield* Effect.timeoutOption(idle, FAREWELL)
    yield* each((connection) => Effect.sync(() => connection.hangUp()))
    yield* Effect.timeoutOption(
      each((connection) => connection.closed),
      FAREWELL
    )
  })

  return { serve, refuse, drain, size: () => clients.size }
})

/** A handler that can't be interrupted must not keep the daemon from stopping. */
const closeWithin = (duration: Duration.Input) => (scope: Scope.Closeable) =>
  Effect.forkDetach(Scope.close(scope, Exit.void)).pipe(
    Effect.flatMap((fiber) => Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), duration))
  )
