import { Effect } from "effect"
import { monotonicMillis } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { Connection } from "./Connection.ts"
import { Lost } from "./Wire.ts"

/**
 * Keeps a connection from going unheard: a proxy cuts one that is silent for long, and one whose other end has vanished
 * looks like one that has nothing to say. Asks after a while of silence, and gives it up after a longer one.
 */
export const keepAlive = (connection: Connection, settings: () => Settings["upstream"]): Effect.Effect<never, Lost> =>
  Effect.gen(function* () {
    for (;;) {
      const { deadMillis, pingMillis } = settings()
      const ask = Math.min(pingMillis, deadMillis / 2)
      const silence = (yield* monotonicMillis) - connection.heardAt()
      if (silence < ask) {
        yield* Effect.sleep(ask - silence)
        continue
      }
      // Any answer is a sign of life, also that it may not be asked; so is whatever else comes meanwhile.
      yield* Effect.ignore(connection.ask("core.ping", "[]", Math.max(1, deadMillis - silence)))
      if (connection.isLost()) return yield* connection.lost
      const still = (yield* monotonicMillis) - connection.heardAt()
      if (still >= deadMillis) {
        connection.drop(`nothing was heard of it for ${deadMillis} ms`)
        return yield* connection.lost
      }
      // It has just been asked: not at once again.
      if (still >= ask) yield* Effect.sleep(Math.min(ask, deadMillis - still))
    }
  })
