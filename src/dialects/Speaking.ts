import { Clock, Deferred, Effect, Fiber, FiberSet, type Scope } from "effect"
import type { Socket } from "node:net"
import type { DialectState, DialectStatus } from "../protocol/dialectStatus.ts"
import { openFilesLimit } from "../wire/openFiles.ts"
import { ask, type Claimed, claim, type Refusal } from "./claim.ts"
import type { Dialect, Environment, OpenDialect } from "./Dialect.ts"
import { type DialectEntry, entryText } from "./entry.ts"
import { holdPidFile } from "./pidFile.ts"

/** Clients of one dialect at once; further ones are turned away. */
const MAX_CLIENTS = 4096
/** A dialect may have so much of what the process may open: `1 / MAX_SHARE`. */
const MAX_SHARE = 4
/** So many more are told that they are too many; those beyond are hung up on. */
const TURNED_AWAY = 256
/** How long those who are being answered have when the dialect is closed. */
const DRAIN = "5 seconds"
/** How often it is looked whether the socket's file is still ours. */
const LOOK = "5 seconds"
const FIRST_RETRY_MILLIS = 250
const LAST_RETRY_MILLIS = 30_000

/** One enabled dialect: an actor that listens where its clients look, for as long as it can. */
export interface Speaking {
  readonly entry: DialectEntry
  readonly status: () => DialectStatus
  /** The process that kept it from listening, if that is why it is refused. */
  readonly occupant: () => number | null
  /** Waits until it is up, refused or closed for the first time. */
  readonly settled: Effect.Effect<void>
  readonly actor: (up: Effect.Effect<void>) => Effect.Effect<never>
}

export const make = (dialect: Dialect, entry: DialectEntry, env: Environment): Effect.Effect<Speaking> =>
  Effect.gen(function* () {
    const socket = dialect.socket(entry.args, env)
    const settled = yield* Deferred.make<void>()
    let status: DialectStatus = { ...entry, socket, state: "starting", reason: null, since: null }
    let occupant: number | null = null

    const enter = (state: DialectState, reason: string | null = null) =>
      Effect.gen(function* () {
        const isNews = status.state !== state || status.reason !== reason
        const since = new Date(yield* Clock.currentTimeMillis).toISOString()
        if (isNews) status = { ...status, state, reason, since }
        if (state !== "starting") yield* Deferred.succeed(settled, undefined)
        if (!isNews || state === "starting") return
        if (state === "refused") yield* Effect.logWarning(`the dialect ${entryText(entry)} can't be had: ${reason}`)
        else
          yield* Effect.logInfo(
            `the dialect ${entryText(entry)} is ${state} at ${socket}${reason === null ? "" : `: ${reason}`}`
          )
      })

    const speak = (up: Effect.Effect<void>): Effect.Effect<string, Refusal | SocketGone, Scope.Scope> =>
      Effect.gen(function* () {
        const closing = yield* Deferred.make<string>()
        const shutDown = (reason: string) => Effect.asVoid(Deferred.succeed(closing, reason))
        const pidFile = dialect.pidFile?.(entry.args, env)
        if (dialect.listensItself !== true) yield* ask(socket)
        const open = yield* dialect.open({ args: entry.args, env, shutDown })
        if (open.listen !== undefined) {
          const { ended, gone } = yield* open.listen
          yield* enter("up")
          yield* up
          const lost = Effect.flatMap(gone, (reason) => Effect.fail(new SocketGone(reason)))
          return yield* Effect.raceFirst(Deferred.await(closing), Effect.raceFirst(ended, lost))
        }
        const claimed = yield* claim(socket, yield* makeClients(open))
        // Behind the socket: who finds the process finds it answering.
        const held = pidFile === undefined ? null : yield* holdPidFile(pidFile, `hob-dialect-${entry.name}`)
        yield* enter("up")
        yield* up
        const helperEnded = held === null ? Effect.never : Effect.tap(held.ended, () => open.save ?? Effect.void)
        return yield* Effect.raceFirst(
          Effect.raceFirst(Deferred.await(closing), helperEnded),
          Effect.raceFirst(watch(claimed), listenerFailed(claimed))
        )
      })

    const actor = (up: Effect.Effect<void>): Effect.Effect<never> =>
      Effect.gen(function* () {
        let pause = FIRST_RETRY_MILLIS
        for (;;) {
          const closed = yield* Effect.scoped(speak(up)).pipe(
            Effect.catchTag("SocketGone", ({ reason }) => Effect.as(enter("starting", reason), null)),
            Effect.catchTag("Refusal", ({ pid, reason }) => {
              occupant = pid
              return Effect.as(Effect.andThen(up, enter("refused", reason)), null)
            })
          )
          if (closed !== null) {
            yield* enter("closed", closed)
            return yield* Effect.never
          }
          yield* Effect.sleep(pause)
          pause = status.state === "refused" ? Math.min(pause * 2, LAST_RETRY_MILLIS) : FIRST_RETRY_MILLIS
        }
      })

    return {
      entry,
      status: () => status,
      occupant: () => (status.state === "refused" ? occupant : null),
      settled: Deferred.await(settled),
      actor
    }
  })

/** The socket's file was removed or replaced: nobody finds us any more. */
class SocketGone {
  readonly _tag = "SocketGone"
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

const watch = ({ isOurs, listener }: Claimed): Effect.Effect<never, SocketGone> =>
  Effect.gen(function* () {
    while (isOurs()) yield* Effect.sleep(LOOK)
    return yield* Effect.fail(new SocketGone(`${listener.path} was removed or replaced`))
  })

const listenerFailed = ({ listener }: Claimed): Effect.Effect<never, SocketGone> =>
  Effect.callback((resume) => {
    listener.server.on("error", (error) => resume(Effect.fail(new SocketGone(error.message))))
  })

/**
 * A fiber for each client. With the scope those who are being answered have a moment; then they are cut off. Gives what
 * takes an accepted socket.
 */
const makeClients = Effect.fnUntraced(function* ({ closing, maxClients = MAX_CLIENTS, serve, turnAway }: OpenDialect) {
  const max = Math.max(1, Math.min(maxClients, Math.floor((openFilesLimit() ?? Infinity) / MAX_SHARE)))
  const sockets = new Set<Socket>()
  const answering = new Set<Fiber.Fiber<void>>()
  const fork = yield* FiberSet.makeRuntime<never, void, never>()

  yield* Effect.addFinalizer(() =>
    Effect.andThen(
      closing ?? Effect.void,
      Effect.suspend(() => Effect.forEach([...answering], Fiber.await, { discard: true }))
    ).pipe(
      Effect.interruptible,
      Effect.timeoutOption(DRAIN),
      Effect.andThen(Effect.sync(() => sockets.forEach((socket) => socket.destroy())))
    )
  )

  return (socket: Socket): void => {
    // What an error means is told by `close`.
    socket.on("error", () => {})
    const answer = sockets.size < max ? serve : sockets.size < max + TURNED_AWAY ? turnAway : undefined
    if (answer === undefined) return void socket.destroy()
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
    const fiber = fork(
      answer(socket).pipe(
        Effect.catchCause((cause) => Effect.logError("a client of a dialect could not be answered", cause)),
        Effect.ensuring(Effect.sync(() => socket.destroy()))
      )
    )
    answering.add(fiber)
    fiber.addObserver(() => void answering.delete(fiber))
  }
})
