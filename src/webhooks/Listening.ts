import { Context, Effect, Layer, Stream } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { makeListening } from "../listening/Listening.ts"
import {
  type ConfigInvalid,
  type ConfigNotWritten,
  type WebhookListener,
  WebhooksFixed,
  WebhooksNotListening
} from "../protocol/index.ts"
import { HttpListener } from "../wire/http/HttpListener.ts"
import { openFilesLimit } from "../wire/openFiles.ts"
import { decideListenAt, photonPort, PORT_VARIABLE } from "./listenAt.ts"
import { Webhooks } from "./Webhooks.ts"

/** Senders may have so much of what the process may open: `1 / MAX_SHARE`. */
const MAX_SHARE = 4

type NotWritten = WebhooksFixed | ConfigInvalid | ConfigNotWritten

/** Whether and where hob listens for webhooks: what the configuration says, at once when it changes. */
export class Listening extends Context.Service<
  Listening,
  {
    readonly status: Effect.Effect<WebhookListener>
    /** Whether senders may come, or deliveries are to be run. */
    readonly waits: Effect.Effect<boolean>
    /** See `webhooks.enable`. */
    enable(port: number | undefined): Effect.Effect<WebhookListener, WebhooksNotListening | NotWritten>
    /** See `webhooks.disable`. */
    readonly disable: Effect.Effect<WebhookListener, NotWritten>
  }
>()("hob/webhooks/Listening") {}

export interface ListeningOptions {
  readonly paths: Pick<Paths, "config">
  readonly env: Readonly<Record<string, string | undefined>>
}

export const layer = ({
  env,
  paths
}: ListeningOptions): Layer.Layer<Listening, never, Concerns | HobConfig | Webhooks> =>
  Layer.effect(
    Listening,
    Effect.gen(function* () {
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const { handle, letGo, waits } = yield* Webhooks
      const listening = yield* makeListening({
        config: paths.config,
        group: "webhooks",
        wanted: ({ webhooks }) => decideListenAt(webhooks, env),
        told: { up: "webhooks are heard at", refused: "webhooks are not heard" },
        portCommand: "hob webhook on --port PORT",
        fixed: (key, source) => new WebhooksFixed({ key, source }),
        notListening: (reason) => new WebhooksNotListening({ reason })
      })

      const share = Math.max(1, Math.floor((openFilesLimit() ?? Infinity) / MAX_SHARE))
      let maxConnections = (yield* config.get).webhooks.maxConnectionCount
      yield* config.changes.pipe(
        Stream.runForEach(({ webhooks }) => Effect.sync(() => void (maxConnections = webhooks.maxConnectionCount))),
        Effect.forkScoped
      )
      yield* concerns.supervise("webhook listener", (up) =>
        Effect.andThen(
          up,
          listening.run((at) =>
            Effect.sync(
              () =>
                new HttpListener({
                  ...at,
                  verbs: "POST",
                  maxConnections: () => Math.min(maxConnections, share),
                  handle
                })
            )
          )
        )
      )

      // When hob stops, not when it listens elsewhere: answers that are owed are given at once.
      yield* Effect.addFinalizer(() => Effect.sync(letGo))

      return Listening.of({
        status: listening.status,
        waits: Effect.map(listening.status, ({ state }) => state !== "off" || waits()),
        enable: listening.enable,
        disable: Effect.tap(listening.disable, () =>
          photonPort(env) === undefined
            ? Effect.void
            : Effect.fail(new WebhooksFixed({ key: PORT_VARIABLE, source: "environment" }))
        )
      })
    })
  )
