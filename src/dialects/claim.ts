import { Data, Effect, type Scope } from "effect"
import { type BigIntStats, lstatSync } from "node:fs"
import type { Socket } from "node:net"
import { dirname } from "node:path"
import {
  connect,
  listen,
  MAX_SOCKET_PATH_BYTES,
  prepareRunDirectory,
  SocketConnectError,
  SocketPathError,
  type UnixListener
} from "../wire/unixSocket.ts"
import { whoListens } from "./whoListens.ts"

/** A dialect can't listen where its clients look for it. `reason` is a sentence that says what to do. */
export class Refusal extends Data.TaggedError("Refusal")<{
  readonly reason: string
  /** Who answers there, if that is why and it can be seen. */
  readonly pid: number | null
}> {}

const refusal = (reason: string, pid: number | null = null) => new Refusal({ reason, pid })

/** A path that this process listens on. */
export interface Claimed {
  readonly listener: UnixListener
  /** Whether the file at the path is still the socket that was put there. */
  readonly isOurs: () => boolean
}

/**
 * Asks the path, and listens on it if nobody answers there: a socket that nobody listens on is replaced, anything else
 * is left as it is. Its directory is made when it is missing, and closed to other users. With the scope the socket's
 * file is removed, if it is still ours.
 */
export const claim = (
  path: string,
  onConnection: (socket: Socket) => void
): Effect.Effect<Claimed, Refusal, Scope.Scope> =>
  Effect.gen(function* () {
    yield* attempt(() => prepareRunDirectory(dirname(path)))
    yield* ask(path)
    const listener = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () => listen(path, onConnection, { allowHalfOpen: true }),
        catch: asRefusal
      }),
      (listener) => Effect.promise(listener.stop)
    )
    const own = yield* Effect.sync(() => identityOf(path))
    return { listener, isOurs: () => own !== null && identityOf(path) === own }
  })

/** Fails when somebody answers at the path, or when hob may not ask. */
export const ask = (path: string): Effect.Effect<void, Refusal> =>
  Effect.gen(function* () {
    const answered = yield* Effect.promise(async () => {
      try {
        const socket = await connect(path, { timeoutMillis: 0 })
        socket.destroy()
        return true
      } catch (error) {
        return error
      }
    })
    if (answered === true || isBusy(answered)) return yield* Effect.flatMap(occupied(path), Effect.fail)
    if (!(answered instanceof SocketConnectError)) return yield* asRefusal(answered)
    // Nobody; or something that is no socket, of which the listener says what it is.
    if (["missing", "refused", "not-a-socket"].includes(answered.reason)) return
    if (answered.reason === "too-long") return yield* tooLong(path)
    return yield* refusal(`${answered.message} End what runs there.`)
  })

const isBusy = (error: unknown): boolean => error instanceof SocketConnectError && error.reason === "busy"

const occupied = (path: string): Effect.Effect<Refusal> =>
  Effect.map(
    Effect.promise(() => whoListens(path).catch(() => null)),
    (listener) => {
      if (listener === null) {
        return refusal(
          `${path}: somebody answers there, and hob may not see which process (it is another user's, or runs in a container). End it and try again.`
        )
      }
      const { command, pid } = listener
      const who = command === "" ? `pid ${pid}` : `pid ${pid} (${command})`
      return refusal(`${path}: ${who} answers there. End that one and try again.`, pid)
    }
  )

const attempt = (act: () => void): Effect.Effect<void, Refusal> => Effect.try({ try: act, catch: asRefusal })

/** What to do about a path that can't be had; the tool's own sentences speak of hob's home. */
const fixes: Record<SocketPathError["reason"], string> = {
  "too-long": "",
  "is-a-link": "hob follows no links here: move it out of the way.",
  "not-a-directory": "Move it out of the way.",
  "not-a-socket": "hob did not make it and leaves it alone: move it out of the way.",
  "foreign-owner": "Have its owner remove it.",
  "cannot-create": "Make it by hand (mkdir -p -m 700).",
  "cannot-bind": "Make sure that its directory can be written to."
}

const asRefusal = (error: unknown): Refusal => {
  if (!(error instanceof SocketPathError)) {
    return refusal(error instanceof Error ? error.message : String(error))
  }
  return error.reason === "too-long"
    ? tooLong(error.path)
    : refusal(`${error.path}: ${error.problem} ${fixes[error.reason]}`)
}

const tooLong = (path: string): Refusal =>
  refusal(
    `${path}: is ${Buffer.byteLength(path)} bytes long, and hob can put a socket in place at one of ${MAX_SOCKET_PATH_BYTES - 9}. Only a shorter home directory helps: its clients look nowhere else.`
  )

const identityOf = (path: string): string | null => {
  let found: BigIntStats
  try {
    found = lstatSync(path, { bigint: true })
  } catch {
    return null
  }
  return `${found.dev} ${found.ino}`
}
