import { Effect } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { Connection } from "./Connection.ts"
import type { Lost } from "./Wire.ts"

/**
 * Keeps a connection from going unheard: a proxy cuts one that is silent for long, and one whose other end has vanished
 * looks like one that has nothing to say. Asks after a while of silence, and gives it up after a longer one. Asked is the
 * WebSocket: `core.ping` is a call, and waits at the upstream behind ten that run.
 */
export const keepAlive = (
  connection: Pick<Connection, "drop" | "heardAt" | "lost" | "ping">,
  settings: () => Settings["upstream"]
): Effect.Effect<never, Lost> =>
  Effect.gen(function* () {
    for (;;) {
      const { deadMillis, pingMillis } = settings()
      const ask = Math.min(pingMillis, deadMillis / 2)
      const silence = (yield* monotonicMillis) - connection.heardAt()
      if (silence >= deadMillis) {
        connection.drop(`nothing was heard of it for ${deadMillis} ms`)
        return yield* connection.lost
      }
      if (silence < ask) {
        yield* Effect.sleep(ask - silence)
        continue
      }
      connection.ping()
      yield* Effect.sleep(Math.min(ask, deadMillis - silence))
    }
  })
