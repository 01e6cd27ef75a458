/**
 * What HTTP doors have in common that are switched on and off in the configuration: they are where it says, at once when
 * it changes, and try again where they can't be.
 */
import { Effect, Equal, type Scope, Semaphore, Stream, SubscriptionRef } from "effect"
import type { AddressInfo } from "node:net"
import { setInConfigFile } from "../config/editConfigFile.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Settings } from "../config/settings.ts"
import type { ConfigInvalid, ConfigNotWritten } from "../protocol/index.ts"
import type { HttpListener } from "../wire/http/HttpListener.ts"
import { whoHasPort } from "../wire/http/whoHasPort.ts"
import { type ListenAt, urlOf } from "./listenAt.ts"

const FIRST_RETRY_MILLIS = 250
const LAST_RETRY_MILLIS = 30_000
/** Who switches it on waits this long for it to come up. */
const SETTLE = "10 seconds"
/** How long answers that are owed may take when it is closed. */
const DRAIN = "5 seconds"

/** How a listener is: `url` of one that is up, `reason` of one that can't be. */
export interface ListenerStatus {
  readonly state: "off" | "starting" | "up" | "refused"
  readonly url: string | null
  readonly reason: string | null
}

type Listen<At> = At & { readonly type: "listen" }

export interface ListeningOptions<At extends ListenAt, Fixed, NotListening> {
  readonly config: string
  /** The settings' group: its `enabled` and `port` are written. */
  readonly group: "webhooks" | "http"
  /** What the settings amount to. */
  readonly wanted: (settings: Settings) => At
  /** What the log says when it is up, and when it can't be; behind it come the address, or the reason. */
  readonly told: { readonly up: string; readonly refused: string }
  /** A command that chooses another port. */
  readonly portCommand: string
  /** A setting comes from a flag or a variable. */
  readonly fixed: (key: string, source: "flag" | "environment") => Fixed
  readonly notListening: (reason: string) => NotListening
}

/** A door's state, how it is switched, and what keeps it where the configuration wants it. */
export interface Listening<At, Fixed, NotListening> {
  readonly status: Effect.Effect<ListenerStatus>
  /** The same now and whenever it changes. */
  readonly statuses: Stream.Stream<ListenerStatus>
  enable(
    port: number | undefined
  ): Effect.Effect<ListenerStatus, NotListening | Fixed | ConfigInvalid | ConfigNotWritten>
  readonly disable: Effect.Effect<ListenerStatus, Fixed | ConfigInvalid | ConfigNotWritten>
  /** Listens, as long as it runs: by what `make` gives, or fails with why there can't be one. */
  run(make: (at: Listen<At>) => Effect.Effect<HttpListener, string, Scope.Scope>): Effect.Effect<never>
}

export const makeListening = <At extends ListenAt, Fixed, NotListening>(
  options: ListeningOptions<At, Fixed, NotListening>
): Effect.Effect<Listening<At, Fixed, NotListening>, never, HobConfig> =>
  Effect.gen(function* () {
    const { group, told, wanted } = options
    const config = yield* HobConfig
    const oneAtATime = yield* Semaphore.make(1)
    const first = wanted(yield* config.get)
    interface State extends ListenerStatus {
      readonly at: At
    }
    const state = yield* SubscriptionRef.make<State>({
      at: first,
      state: first.type === "off" ? "off" : "starting",
      url: null,
      reason: null
    })
    const enter = (next: State) =>
      Effect.gen(function* () {
        const before = yield* SubscriptionRef.get(state)
        yield* SubscriptionRef.set(state, next)
        if (before.state === next.state && before.reason === next.reason) return
        if (next.state === "up") yield* Effect.logInfo(`${told.up} ${next.url}`)
        if (next.state === "refused") yield* Effect.logWarning(`${told.refused}: ${next.reason}`)
      })

    const run: Listening<At, Fixed, NotListening>["run"] = (make) => {
      const listen = (at: Listen<At>): Effect.Effect<string, string, Scope.Scope> =>
        Effect.gen(function* () {
          const listener = yield* make(at)
          const opened = yield* Effect.acquireRelease(open(listener), () => close(listener))
          if ("code" in opened.result) return yield* refusalOf(opened.result, at.port, options.portCommand)
          const { address, port } = opened.result as AddressInfo
          yield* enter({ at, state: "up", url: urlOf(address, port, listener.scheme), reason: null })
          return yield* opened.failed
        })
      /** Goes on until the configuration says something else. */
      const follow = (at: At): Effect.Effect<void> =>
        Effect.gen(function* () {
          if (at.type === "off") return yield* enter({ at, state: "off", url: null, reason: null })
          if (at.type === "refused") return yield* enter({ at, state: "refused", url: null, reason: at.reason })
          for (let pause = FIRST_RETRY_MILLIS; ; pause = Math.min(2 * pause, LAST_RETRY_MILLIS)) {
            const reason = yield* Effect.scoped(Effect.catch(listen(at as Listen<At>), Effect.succeed))
            yield* enter({ at, state: "refused", url: null, reason })
            yield* Effect.sleep(pause)
          }
        })
      return Effect.andThen(
        config.changes.pipe(
          Stream.map(wanted),
          Stream.changesWith((before: At, now: At) => Equal.equals(before, now)),
          Stream.switchMap((at) => Stream.fromEffect(follow(at))),
          Stream.runDrain
        ),
        Effect.never
      )
    }

    const shown = ({ reason, state, url }: State): ListenerStatus => ({ state, url, reason })
    /** Once it is where the configuration wants it, or can't be. */
    const settled = Effect.gen(function* () {
      const now = wanted(yield* config.get)
      yield* SubscriptionRef.changes(state).pipe(
        Stream.filter(({ at, state }) => Equal.equals(at, now) && state !== "starting"),
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
          if (source === "flag" || source === "environment") return yield* Effect.fail(options.fixed(key, source))
        }
      })

    const write = (values: ReadonlyArray<readonly [key: string, value: boolean | number]>) =>
      Effect.gen(function* () {
        for (const [key, value] of values) yield* setInConfigFile(options.config, key, value)
        yield* config.reload
      })

    const enable = Effect.fn("Listening.enable")(function* (port: number | undefined) {
      yield* config.reload
      const before = (yield* config.get)[group]
      yield* checkChangeable([`${group}.enabled`, ...(port === undefined ? [] : [`${group}.port`])])
      yield* write([
        ...(port === undefined || port === before.port ? [] : [[`${group}.port`, port] as const]),
        ...(before.enabled ? [] : [[`${group}.enabled`, true] as const])
      ])
      const listener = yield* settled
      if (listener.state === "up") return listener
      yield* write([
        ...(port === undefined || port === before.port ? [] : [[`${group}.port`, before.port] as const]),
        ...(before.enabled ? [] : [[`${group}.enabled`, false] as const])
      ])
      yield* settled
      return yield* Effect.fail(options.notListening(listener.reason ?? "It has not come up; `hob logs` may tell why."))
    }, oneAtATime.withPermits(1))

    const disable = Effect.gen(function* () {
      yield* config.reload
      yield* checkChangeable([`${group}.enabled`])
      if ((yield* config.get)[group].enabled) yield* write([[`${group}.enabled`, false]])
      return yield* settled
    }).pipe(oneAtATime.withPermits(1), Effect.withSpan("Listening.disable"))

    return {
      status: Effect.map(SubscriptionRef.get(state), shown),
      statuses: Stream.map(SubscriptionRef.changes(state), shown),
      enable,
      disable,
      run
    }
  })

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

const refusalOf = (error: NodeJS.ErrnoException, port: number, command: string): Effect.Effect<string> => {
  if (error.code === "EACCES")
    return Effect.succeed(`The port ${port} needs rights that hob does not have; choose one above 1023.`)
  if (error.code !== "EADDRINUSE") return Effect.succeed(`${error.message}.`)
  return Effect.map(
    Effect.promise(() => whoHasPort(port)),
    (holder) => {
      const who = holder === null ? "another process" : `${holder.name} (pid ${holder.pid})`
      return `The port ${port} is in use by ${who}. End that, or choose another one: \`${command}\`.`
    }
  )
}
