import { Context, Effect, Equal, Layer, type Scope, Semaphore, Stream, SubscriptionRef } from "effect"
import type { AddressInfo } from "node:net"
import { Concerns } from "../actors/Concerns.ts"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import {
  type ConfigInvalid,
  type ConfigNotWritten,
  type WebhookListener,
  WebhooksFixed,
  WebhooksNotListening
} from "../protocol/index.ts"
import { openFilesLimit } from "../wire/openFiles.ts"
import { HttpListener } from "./http/HttpListener.ts"
import { decideListenAt, type ListenAt, photonPort, PORT_VARIABLE, urlOf } from "./listenAt.ts"
import { Webhooks } from "./Webhooks.ts"
import { whoHasPort } from "./whoHasPort.ts"

const FIRST_RETRY_MILLIS = 250
const LAST_RETRY_MILLIS = 30_000
/** Who switches it on waits this long for it to come up. */
const SETTLE = "10 seconds"
/** How long answers that are owed may take when it is closed. */
const DRAIN = "5 seconds"
/** Senders may have so much of what the process may open: `1 / MAX_SHARE`. */
const MAX_SHARE = 4

type NotWritten = WebhooksFixed | ConfigInvalid | ConfigNotWritten
type State = WebhookListener & { readonly at: ListenAt }

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
      const oneAtATime = yield* Semaphore.make(1)
      const at = decideListenAt((yield* config.get).webhooks, env)
      const state = yield* SubscriptionRef.make<State>({
        at,
        state: at.type === "off" ? "off" : "starting",
        url: null,
        reason: null
      })
      const enter = (next: State) =>
        Effect.gen(function* () {
          const before = yield* SubscriptionRef.get(state)
          yield* SubscriptionRef.set(state, next)
          if (before.state === next.state && before.reason === next.reason) return
          if (next.state === "up") yield* Effect.logInfo(`webhooks are heard at ${next.url}`)
          if (next.state === "refused") yield* Effect.logWarning(`webhooks are not heard: ${next.reason}`)
        })

      const share = Math.max(1, Math.floor((openFilesLimit() ?? Infinity) / MAX_SHARE))
      let maxConnections = (yield* config.get).webhooks.maxConnectionCount

      const listen = (at: ListenAt & { readonly type: "listen" }): Effect.Effect<string, never, Scope.Scope> =>
        Effect.gen(function* () {
          const listener = new HttpListener({ ...at, maxConnections: () => Math.min(maxConnections, share), handle })
          const opened = yield* Effect.acquireRelease(open(listener), () => close(listener))
          if ("code" in opened.result) return yield* refusalOf(opened.result, at.port)
          const { address, port } = opened.result as AddressInfo
          yield* enter({ at, state: "up", url: urlOf(address, port), reason: null })
          return yield* opened.failed
        })

      /** Goes on until the configuration says something else. */
      const follow = (at: ListenAt): Effect.Effect<void> =>
        Effect.gen(function* () {
          if (at.type === "off") return yield* enter({ at, state: "off", url: null, reason: null })
          if (at.type === "refused") return yield* enter({ at, state: "refused", url: null, reason: at.reason })
          for (let pause = FIRST_RETRY_MILLIS; ; pause = Math.min(2 * pause, LAST_RETRY_MILLIS)) {
            const reason = yield* Effect.scoped(listen(at))
            yield* enter({ at, state: "refused", url: null, reason })
            yield* Effect.sleep(pause)
          }
        })

      yield* concerns.supervise("webhook listener", (up) =>
        Effect.andThen(
          up,
          Effect.andThen(
            config.changes.pipe(
              Stream.tap(({ webhooks }) => Effect.sync(() => void (maxConnections = webhooks.maxConnectionCount))),
              Stream.map(({ webhooks }) => decideListenAt(webhooks, env)),
              Stream.changesWith((before: ListenAt, now: ListenAt) => Equal.equals(before, now)),
              Stream.switchMap((at) => Stream.fromEffect(follow(at))),
              Stream.runDrain
            ),
            Effect.never
          )
        )
      )

      // When hob stops, not when it listens elsewhere: answers that are owed are given at once.
      yield* Effect.addFinalizer(() => Effect.sync(letGo))

      const shown = ({ reason, state, url }: State): WebhookListener => ({ state, url, reason })
      /** Once it is where the configuration wants it, or can't be. */
      const settled = Effect.gen(function* () {
        const wanted = decideListenAt((yield* config.get).webhooks, env)
        yield* SubscriptionRef.changes(state).pipe(
          Stream.filter(({ at, state }) => Equal.equals(at, wanted) && state !== "starting"),
          Stream.runHead,
          Effect.timeoutOption(SETTLE)
        )
        return shown(yield* SubscriptionRef.get(state))
      })

      const checkChangeable = (keys: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const settings = yield* config.settings
          for (const key of keys) {
            const { source } = settings.find((setting) => setting.key === key)!
            if (source === "flag" || source === "environment") return yield* new WebhooksFixed({ key, source })
          }
        })

      const write = (values: ReadonlyArray<readonly [key: string, value: boolean | number]>) =>
        Effect.gen(function* () {
          for (const [key, value] of values) yield* setInConfigFile(paths.config, key, value)
          yield* config.reload
        })

      const enable = Effect.fn("Listening.enable")(function* (port: number | undefined) {
        yield* config.reload
        const before = (yield* config.get).webhooks
        yield* checkChangeable(["webhooks.enabled", ...(port === undefined ? [] : ["webhooks.port"])])
        yield* write([
          ...(port === undefined || port === before.port ? [] : [["webhooks.port", port] as const]),
          ...(before.enabled ? [] : [["webhooks.enabled", true] as const])
        ])
        const listener = yield* settled
        if (listener.state === "up") return listener
        yield* write([
          ...(port === undefined || port === before.port ? [] : [["webhooks.port", before.port] as const]),
          ...(before.enabled ? [] : [["webhooks.enabled", false] as const])
        ])
        yield* settled
        return yield* new WebhooksNotListening({
          reason: listener.reason ?? "It has not come up; `hob logs` may tell why."
        })
      }, oneAtATime.withPermits(1))

      const disable = Effect.gen(function* () {
        yield* config.reload
        yield* checkChangeable(["webhooks.enabled"])
        if ((yield* config.get).webhooks.enabled) yield* write([["webhooks.enabled", false]])
        if (photonPort(env) !== undefined) {
          return yield* new WebhooksFixed({ key: PORT_VARIABLE, source: "environment" })
        }
        return yield* settled
      }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Listening.disable"))

      return Listening.of({
        status: Effect.map(SubscriptionRef.get(state), shown),
        waits: Effect.map(SubscriptionRef.get(state), (now) => now.state !== "off" || waits()),
        enable,
        disable
      })
    })
  )

interface Opened {
  readonly result: AddressInfo | NodeJS.ErrnoException
  /** Why the listening socket is no more. */
  readonly failed: Effect.Effect<string>
}

const open = (listener: HttpListener): Effect.Effect<Opened> =>
  Effect.callback((resume) => {
    let fail = (_error: Error): void => {}
    const failed = Effect.callback<string>((resume) => {
      fail = (error) => resume(Effect.succeed(error.message))
    })
    listener.listen(
      (result) => resume(Effect.succeed({ result, failed })),
      (error) => fail(error)
    )
  })

const close = (listener: HttpListener): Effect.Effect<void> =>
  Effect.callback<void>((resume) => listener.close(() => resume(Effect.void))).pipe(
    Effect.interruptible,
    Effect.timeoutOption(DRAIN),
    Effect.andThen(Effect.sync(() => listener.cutOff()))
  )

const refusalOf = (error: NodeJS.ErrnoException, port: number): Effect.Effect<string> => {
  if (error.code === "EACCES")
    return Effect.succeed(`The port ${port} needs rights that hob does not have; choose one above 1023.`)
  if (error.code !== "EADDRINUSE") return Effect.succeed(`${error.message}.`)
  return Effect.map(
    Effect.promise(() => whoHasPort(port)),
    (holder) => {
      const who = holder === null ? "another process" : `${holder.name} (pid ${holder.pid})`
      return `The port ${port} is in use by ${who}. End that, or choose another one: \`hob webhook on --port PORT\`.`
    }
  )
}
