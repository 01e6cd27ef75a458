import { Effect } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import { Captures } from "../capture/Captures.ts"
import type { Paths } from "../config/paths.ts"
import { entrypoint } from "../config/entrypoints.ts"
import { ownBuild } from "../config/versions.ts"
import { Connections } from "../actors/Connections.ts"
import { Dialects } from "../dialects/Dialects.ts"
import { DAEMON_FEATURES, DaemonRpcs, type DaemonStatus, HobRpcs, PROTOCOL_VERSION } from "../protocol/index.ts"
import { HostLink } from "../sessions/HostLink.ts"
import { hostStatus } from "../sessions/hostStatus.ts"
import { HostUpgrade } from "../sessions/HostUpgrade.ts"
import { Sessions } from "../sessions/Sessions.ts"
import { Database } from "../storage/Database.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { ThisRun } from "./ThisRun.ts"

const pong = Effect.succeed({ pong: true } as const)

/** Answers `daemon.*`. */
export const layer = (paths: Paths) =>
  DaemonRpcs.toLayer(
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const connections = yield* Connections
      const link = yield* HostLink
      const upgrade = yield* HostUpgrade
      const sessions = yield* Sessions
      const shutdown = yield* Shutdown
      const database = yield* Database
      const dialects = yield* Dialects
      const captures = yield* Captures
      const run = yield* ThisRun
      const previousRun =
        run.previous === null
          ? null
          : {
              pid: run.previous.pid,
              version: run.previous.version,
              startedAt: run.previous.started_at,
              endedAt: run.previous.ended_at
            }

      const status = Effect.gen(function* () {
        const { running, total } = yield* sessions.counts
        const status: DaemonStatus = {
          ...ownBuild,
          entry: entrypoint("daemon"),
          protocol: PROTOCOL_VERSION,
          capabilities: Array.from(HobRpcs.requests.keys()),
          features: DAEMON_FEATURES,
          pid: process.pid,
          startedAt: run.startedAt,
          home: paths.home,
          socket: paths.socket,
          node: process.version,
          connections: yield* connections.count,
          concerns: yield* concerns.status,
          sessionHost: yield* hostStatus.pipe(
            Effect.provideService(HostLink, link),
            Effect.provideService(HostUpgrade, upgrade)
          ),
          sessions: { running, total },
          storage: yield* database.status,
          dialects: (yield* dialects.list).filter(({ state }) => state !== "disabled"),
          previousRun
        }
        return status
      })

      return DaemonRpcs.of({
        "daemon.ping": () => pong,
        "daemon.status": () => status,
        "daemon.stop": ({ sessions: all, ...caller }) =>
          Effect.gen(function* () {
            const sessionsEnded = all === true ? yield* sessions.killAll(caller) : 0
            const { running: sessionsLeft } = yield* sessions.counts
            yield* captures.saveOnStop
            yield* shutdown.request("asked by daemon.stop", "cli")
            return { pid: process.pid, sessionsLeft, sessionsEnded }
          }),
        "daemon.reload": () => config.reload,
        "daemon.upgrade": (options) => upgrade.run(options),
        "daemon.config": () => Effect.map(config.settings, (settings) => ({ file: paths.config, settings }))
      })
    })
  )
