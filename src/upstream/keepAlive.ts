import { Effect } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { Connection } from "./Connection.ts"
import type { Lost } from "./Wire.ts"

/**
 * Keeps a connection from going unheard: a proxy cuts one that is silent for long, and one whose other end has vanished
 * looks like one that has nothing to say. Asks after a while of silence, and gives it up after a longer one. Asked is the
 * WebSocket: `core.ping` is a call, and waits at the upstream behind ten that run.
 *
 * A silence in which this process itself stood still (it was stopped, or the machine was far too busy) says nothing of
 * the other end, whose answer may lie here unread: then it is asked once more before it is given up.
 */
export const keepAlive = (
  connection: Pick<Connection, "drop" | "heardAt" | "lost" | "ping">,
  settings: () => Settings["upstream"]
): Effect.Effect<never, Lost> =>
  Effect.gen(function* () {
    let stoodStill = false
    for (;;) {
      const { deadMillis, pingMillis } = settings()
      const ask = Math.min(pingMillis, deadMillis / 2)
      const now = yield* monotonicMillis
      const silence = now - connection.heardAt()
      const pause: number = silence < ask ? ask - silence : stoodStill ? ask : Math.min(ask, deadMillis - silence)
      if (silence >= deadMillis && !stoodStill) {
        connection.drop(`nothing was heard of it for ${deadMillis} ms`)
        return yield* connection.lost
      }
      if (silence >= ask) connection.ping()
      yield* Effect.sleep(pause)
      stoodStill = (yield* monotonicMillis) - now - pause >= ask
    }
  })
