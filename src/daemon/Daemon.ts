import { Effect, Layer } from "effect"
import * as Agents from "../agents/layer.ts"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import { DirectMethods } from "../actors/DirectMethods.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import * as Capture from "../capture/layer.ts"
import * as Channels from "../channels/layer.ts"
import { Connections } from "../actors/Connections.ts"
import * as NativeSocket from "../connection/layer.ts"
import * as Dialects from "../dialects/layer.ts"
import * as Http from "../http/layer.ts"
import * as Locks from "../locks/layer.ts"
import * as Machine from "../machine/layer.ts"
import * as Methods from "../methods/layer.ts"
import { HobRpcs } from "../protocol/index.ts"
import * as Schedule from "../schedule/layer.ts"
import * as Sessions from "../sessions/layer.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../storage/Database.ts"
import * as Upstream from "../upstream/layer.ts"
import * as Webhooks from "../webhooks/layer.ts"
import * as DaemonHandlers from "./handlers.ts"
import * as IdleExit from "./idleExit.ts"
import { Shutdown } from "../actors/Shutdown.ts"
import { ThisRun } from "./ThisRun.ts"

/** What a daemon is made of, and where. */
export interface DaemonOptions {
  readonly paths: Paths
  /** Settings that go before environment and file: `key=value`. */
  readonly flags?: ReadonlyArray<string>
  /** Default: this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The descriptor of a listening socket at `paths.socket` that a service manager passed to this process. */
  readonly passed?: number
}

/**
 * The whole daemon. Built from the bottom up, taken down from the top: the door closes first and lets what is in
 * flight finish, then the concerns end, and the session-host is left to its sessions.
 *
 * Programs and tests embed it as it stands; being the only daemon of a home is the business of {@link file://./main.ts}.
 */
export const layer = ({ env = process.env, flags = [], passed, paths }: DaemonOptions) =>
  Http.listening(paths).pipe(
    Layer.provideMerge(door(paths, passed)),
    Layer.provideMerge(Layer.effectDiscard(IdleExit.supervised)),
    Layer.provideMerge(DaemonHandlers.layer(paths)),
    Layer.provideMerge(Dialects.layer({ paths, env })),
    Layer.provideMerge(Http.layer(paths)),
    // ── concerns: one line each ──
    Layer.provideMerge(Machine.layer({ paths, env })),
    Layer.provideMerge(Webhooks.layer({ paths, env })),
    Layer.provideMerge(Schedule.layer),
    Layer.provideMerge(Upstream.layer),
    Layer.provideMerge(Channels.layer),
    Layer.provideMerge(Methods.layer(paths)),
    Layer.provideMerge(Locks.layer),
    Layer.provideMerge(Capture.layer(paths)),
    Layer.provideMerge(Agents.layer),
    Layer.provideMerge(Sessions.layer(paths)),
    // ── what they all stand on ──
    Layer.provideMerge(
      Layer.mergeAll(Connections.layer, Shutdown.layer, ThisRun.layer, DirectMethods.layer, Announcer.layer)
    ),
    Layer.provideMerge(Layer.mergeAll(Database.layer(paths), Secrets.layer(paths))),
    Layer.provideMerge(Concerns.layer),
    Layer.provideMerge(HobConfig.layer({ paths, env, flags }))
  )

const door = (paths: Paths, passed: number | undefined) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const { socket } = yield* (yield* HobConfig).get
      return NativeSocket.layer(HobRpcs, {
        path: paths.socket,
        limits: socket,
        ...(passed === undefined ? {} : { passed })
      })
    })
  )
