import { Effect } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { monotonicMillis } from "../actors/monotonic.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { Http } from "../http/Http.ts"
import { Dialects } from "../dialects/Dialects.ts"
import { Machine } from "../machine/Machine.ts"
import { Schedule } from "../schedule/Schedule.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { Connections } from "../actors/Connections.ts"
import { Listening } from "../webhooks/Listening.ts"
import { Shutdown } from "../actors/Shutdown.ts"

/** How long to sleep before looking again: exact enough for what is left, and rarely enough to cost nothing. */
export const nextLook = (leftMillis: number): number => Math.min(Math.max(leftMillis, 1000), 30_000)

/**
 * Stops a daemon that nobody has used for `daemon.idleExitMillis`: no connection, no session that runs or is about to, no
 * job that is to run, no dialect that is up, no machine that is kept in step, no webhooks that are listened for or wait,
 * no HTTP API that is on. Off when 0.
 * Activity between two looks that is over again by the second one is seen by the count of connections ever accepted.
 */
export const supervised = Effect.gen(function* () {
  const concerns = yield* Concerns
  const config = yield* HobConfig
  const connections = yield* Connections
  const dialects = yield* Dialects
  const http = yield* Http
  const schedule = yield* Schedule
  const sessions = yield* Sessions
  const shutdown = yield* Shutdown
  const webhooks = yield* Listening
  const machine = yield* Machine
  yield* concerns.supervise("idle exit", (up) =>
    Effect.gen(function* () {
      yield* up
      let idleSince = yield* monotonicMillis
      let accepted = yield* connections.accepted
      for (;;) {
        const { daemon } = yield* config.get
        const now = yield* monotonicMillis
        const acceptedNow = yield* connections.accepted
        // Clients of a dialect can't start a daemon: one that speaks any is not idle.
        const speaks = (yield* dialects.list).some(({ state }) => state === "up")
        const { running, waiting } = yield* sessions.counts
        const jobs = yield* schedule.waits
        const busy =
          speaks ||
          jobs ||
          (yield* webhooks.waits) ||
          (yield* machine.waits) ||
          (yield* http.waits) ||
          (yield* connections.count) > 0 ||
          running + waiting > 0 ||
          acceptedNow !== accepted
        accepted = acceptedNow
        if (busy) idleSince = now
        const left = daemon.idleExitMillis - (now - idleSince)
        if (daemon.idleExitMillis > 0 && left <= 0) {
          yield* shutdown.request(`idle for ${daemon.idleExitMillis} ms`)
          return yield* Effect.never
        }
        yield* Effect.sleep(nextLook(daemon.idleExitMillis > 0 ? left : Infinity))
      }
    })
  )
})
