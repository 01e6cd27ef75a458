import { type Duration, Effect } from "effect"
import type { Socket } from "node:net"
import type { Outbox } from "./Outbox.ts"

/** How often a client that has ended its side is looked at: it may have gone altogether, and nothing else would tell. */
const PROBE_INTERVAL = "1 second"
/** How long a client may take to end its own side: closing before would take from it what it has not read yet. */
const FAREWELL = "1 second"

export interface LastWordsOptions {
  /** Nothing is in flight any more that would be answered. */
  readonly isIdle: () => boolean
  /** Waits for that. */
  readonly idle: Effect.Effect<void>
  /** How long it may read nothing of what it is owed. */
  readonly stallAfter: Duration.Input
}

/** Serves a client that has ended its side to the end: it gets every answer, unless it has gone or stops reading. */
export const lastWords = (
  socket: Socket,
  outbox: Outbox,
  { idle, isIdle, stallAfter }: LastWordsOptions
): Effect.Effect<void> =>
  Effect.gen(function* () {
    while (!isIdle() && !socket.destroyed) {
      // Costs no byte, and fails when the client has closed both sides.
      socket.write("")
      yield* Effect.timeoutOption(idle, PROBE_INTERVAL)
    }
    outbox.uncork()
    outbox.end()
    for (let before = -1; before !== outbox.piecesWritten && !socket.writableFinished;) {
      before = outbox.piecesWritten
      yield* Effect.timeoutOption(once(socket, "finish"), stallAfter)
    }
    yield* Effect.timeoutOption(once(socket, "close"), FAREWELL)
  })

/** Waits until everything that is to be sent has been handed to the kernel, or until the socket has closed. */
export const once = (socket: Socket, event: "finish" | "close"): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (socket.closed || (event === "finish" && socket.writableFinished)) return resume(Effect.void)
    const done = () => resume(Effect.void)
    socket.once(event, done)
    if (event !== "close") socket.once("close", done)
    return Effect.sync(() => void socket.off(event, done).off("close", done))
  })
