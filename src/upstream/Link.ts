import { Deferred, Duration, Effect, Latch, type Redacted, Result, Schedule, type Scope, Semaphore } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { clocks } from "../actors/monotonic.ts"
import type { Settings } from "../config/settings.ts"
import type { PromptRefused } from "../protocol/methods.ts"
import {
  type CredentialKind,
  type UpstreamConnectError,
  type UpstreamDeclaration,
  UpstreamLoginRefused,
  type UpstreamState,
  UpstreamUnreachable
} from "../protocol/upstream.ts"
import { connect, type Connection, setOptions } from "./Connection.ts"
import { keepAlive } from "./keepAlive.ts"
import { KeyCache, LimitedRate, login, type LoginError, Refused } from "./login.ts"
import { LoginLimit } from "./LoginLimit.ts"
import { reconnecting } from "./retry.ts"
import type { Target } from "./target.ts"
import type { Ask } from "./Upstreams.ts"
import { Waiters } from "./Waiters.ts"
import { Lost } from "./Wire.ts"

/** After "too many logins", nothing is tried for so long. */
const LIMITED_MILLIS = 60_000

const GONE = "it was removed, or declared anew"

export interface LinkCredential {
  readonly kind: CredentialKind
  readonly secret: Redacted.Redacted
}

export interface LinkOptions {
  readonly declared: UpstreamDeclaration
  readonly target: Target
  readonly settings: () => Settings["upstream"]
  /** What to log in with, read anew for each login; or why there is nothing to be read. */
  readonly credential: Effect.Effect<LinkCredential | null, Refused>
  readonly ca: Effect.Effect<string | null, Refused>
  /** What the upstream says unasked. */
  readonly notify: (method: string, params: string) => void
  /** Done on each connection as soon as it is logged in, before anybody gets it. */
  readonly prepare: (connection: Connection) => Effect.Effect<void, Lost>
  /** The connection that was prepared is gone. */
  readonly down: () => void
  /** There will be none, until somebody changes something. */
  readonly refused: (error: UpstreamLoginRefused) => void
  /** It is in another state than before. */
  readonly changed: (status: LinkStatus) => void
  /** Something goes on that needs the connection: it is neither idle nor left down. */
  readonly isBusy: () => boolean
}

export interface LinkStatus {
  readonly state: UpstreamState
  readonly since: number
  readonly reason: string | null
  readonly nextAttemptAt: number | null
  readonly connections: number
  readonly logins: number
}

/** The one connection of an upstream, which is made when somebody needs it, kept alive, and made again when it is lost. */
export interface Link {
  /** The connection, once there is one that is logged in. `isPatient`: waits also while attempts fail. */
  readonly connection: (wanting?: {
    readonly ask?: Ask | undefined
    readonly isPatient?: boolean
  }) => Effect.Effect<Connection, UpstreamConnectError>
  /** The connection that is up, if there is one. */
  readonly current: () => Connection | undefined
  /** Counts the logins of the connection: what was refused before another one may be asked again. */
  readonly epoch: () => number
  /** Logs in anew on the same connection, unless somebody has done so since `epoch`. */
  readonly logInAgain: (epoch: number) => Effect.Effect<void, UpstreamConnectError>
  /** Ends the connection there is, forgets every refusal, and begins anew. */
  readonly restart: Effect.Effect<void>
  /** Somebody has used it: it is not idle. */
  readonly used: () => void
  readonly status: () => LinkStatus
  /** There is something to log in with. */
  readonly mayLogIn: () => boolean
}

/** The link, with the actor that keeps it, for as long as the scope is open. */
export const make = (options: LinkOptions): Effect.Effect<Link, never, Concerns | Scope.Scope> =>
  Effect.gen(function* () {
    const { declared, settings, target } = options
    const { name } = declared
    const concerns = yield* Concerns
    const { monotonic: now, wall } = yield* clocks
    const waiters = new Waiters()
    const keys = new KeyCache()
    const limit = new LoginLimit()
    const oneLogin = yield* Semaphore.make(1)
    /** Somebody waits for the connection. */
    const wanted = yield* Latch.make()
    /** Somebody wants everything to begin anew. */
    const restarted = yield* Latch.make()
    /** Of this run: a login that was refused in the middle of it. */
    let refused = Deferred.makeUnsafe<never, LoginError>()
    let current: Connection | undefined
    let epoch = 0
    let hasCredential = false
    let isClosed = false
    let lastUsed = now()
    /** When a connection that was up was lost, and none has been up since. */
    let lostAt: number | undefined
    let refusal: UpstreamLoginRefused | undefined
    let status: LinkStatus = {
      state: "idle",
      since: wall(),
      reason: null,
      nextAttemptAt: null,
      connections: 0,
      logins: 0
    }

    const become = (state: UpstreamState, change: Partial<LinkStatus> = {}): void => {
      const isNew = state !== status.state
      status = { ...status, nextAttemptAt: null, ...change, state, since: isNew ? wall() : status.since }
      if (isNew) options.changed(status)
    }

    const used = (): void => void (lastUsed = now())
    /** How long until it is idle, in milliseconds. */
    const leftToIdle = (): number => {
      if (options.isBusy() || waiters.size > 0) used()
      return declared.lifetimeMillis === 0 ? Infinity : lastUsed + declared.lifetimeMillis - now()
    }

    const oneTimePassword: Effect.Effect<string, PromptRefused> = Effect.suspend(() => {
      const message = `One-time password of ${declared.user ?? "the user"} at ${name}:`
      return Effect.map(waiters.ask({ message, type: "text", secret: true }), String)
    })

    const logIn = (connection: Connection): Effect.Effect<void, LoginError> =>
      Effect.gen(function* () {
        const credential = yield* options.credential
        hasCredential = credential !== null
        if (credential === null) return
        status = { ...status, logins: status.logins + 1 }
        const ask = (method: string, params: ReadonlyArray<unknown>) =>
          connection.ask(method, JSON.stringify(params), settings().connectMillis)
        yield* login({ name, target, user: declared.user, credential, ask, oneTimePassword, keys })
      })

    /** Waits until there may be another login, where there is to be one at all. */
    const mayBegin = Effect.gen(function* () {
      if ((yield* options.credential) === null) return
      yield* limit.enter(
        () => settings().loginsPerMinuteCount,
        (millis) =>
          Effect.sync(() => {
            const reason = `${settings().loginsPerMinuteCount} logins within a minute are enough (upstream.loginsPerMinuteCount)`
            become("waiting", { reason, nextAttemptAt: wall() + millis })
          })
      )
      become("connecting")
    })

    const idle = Effect.gen(function* () {
      for (;;) {
        const left = leftToIdle()
        if (left <= 0) return "idle" as const
        yield* Effect.sleep(Math.min(left, 24 * 3600 * 1000))
      }
    })

    /** One connection, from its first packet to its last. Succeeds when nobody needs it any more. */
    const live = Effect.gen(function* () {
      become("connecting")
      refused = Deferred.makeUnsafe()
      yield* mayBegin
      const ca = yield* options.ca
      const connection = yield* connect({
        target,
        insecure: declared.insecure,
        ca,
        settings: settings(),
        notify: options.notify
      })
      yield* setOptions(connection, settings().connectMillis)
      yield* logIn(connection)
      yield* options.prepare(connection)
      current = connection
      epoch++
      lostAt = undefined
      used()
      become("up", { connections: status.connections + 1, reason: null })
      waiters.tell(Effect.succeed(connection))
      return yield* Effect.raceAllFirst([
        connection.lost,
        keepAlive(connection, settings),
        Deferred.await(refused),
        idle
      ])
    }).pipe(
      Effect.scoped,
      Effect.ensuring(
        Effect.sync(() => {
          current = undefined
          options.down()
        })
      )
    )

    const actor = (up: Effect.Effect<void>) =>
      Effect.gen(function* () {
        yield* up
        let pauses = yield* Schedule.toStep(reconnecting(settings()))
        for (;;) {
          if (waiters.size === 0 && (lostAt === undefined || leftToIdle() <= 0)) {
            become("idle")
            yield* wanted.close
            yield* wanted.await
          }
          yield* restarted.close
          const began = now()
          const before = status.connections
          const ended = yield* Effect.result(Effect.raceFirst(live, Effect.as(restarted.await, "restarted" as const)))
          const wasUp = status.connections > before
          if (Result.isSuccess(ended)) {
            if (ended.success === "restarted") pauses = yield* Schedule.toStep(reconnecting(settings()))
            lostAt = undefined
            continue
          }
          if (wasUp) lostAt = now()
          const { failure } = ended
          if (failure instanceof Refused) {
            yield* beRefused(failure)
            continue
          }
          const reason = failure instanceof LimitedRate ? "it finds that there were too many logins" : failure.reason
          yield* Effect.logWarning(wasUp ? `the connection was lost: ${reason}` : `it can't be reached: ${reason}`)
          failWaiting(reason)
          if (wasUp && now() - began >= settings().retryMinMillis) {
            // It was well: at once, and then with the shortest pause again.
            pauses = yield* Schedule.toStep(reconnecting(settings()))
            status = { ...status, reason }
            continue
          }
          const [, pause] = yield* Effect.orDie(pauses(now(), undefined))
          yield* rest(
            reason,
            failure instanceof LimitedRate ? LIMITED_MILLIS : Duration.toMillis(pause),
            failure instanceof LimitedRate
          )
        }
      }).pipe(Effect.annotateLogs({ upstream: name }))

    /** Nothing is tried until somebody says that things have changed. */
    const beRefused = ({ reason, response }: Refused) =>
      Effect.gen(function* () {
        const error = new UpstreamLoginRefused({ upstream: name, response, reason: reason.replaceAll("NAME", name) })
        refusal = error
        become("refused", { reason: error.reason })
        keys.forget()
        yield* Effect.logError(error.message)
        waiters.tell(Effect.fail(error))
        options.refused(error)
        yield* restarted.await
        refusal = undefined
      })

    /** Somebody who calls shortens the pause to the shortest there is, but not that of a server that asked for one. */
    const rest = (reason: string, millis: number, isAsked: boolean) =>
      Effect.gen(function* () {
        become("waiting", { reason, nextAttemptAt: wall() + Math.round(millis) })
        const shortest = isAsked ? millis : Math.min(millis, settings().retryMinMillis)
        yield* Effect.raceAllFirst([
          restarted.await,
          Effect.sleep(millis),
          Effect.gen(function* () {
            yield* Effect.sleep(shortest)
            if (waiters.size > 0) return
            yield* wanted.close
            yield* wanted.await
          })
        ])
      })

    /** Calls hear at once why there is no connection; not where it was up a moment ago, and may be again in a moment. */
    const failWaiting = (reason: string): void => {
      if (lostAt !== undefined && now() - lostAt < settings().patienceMillis) return
      waiters.tell(Effect.fail(new UpstreamUnreachable({ upstream: name, reason })), "impatient")
    }

    yield* concerns.supervise(`upstream ${name}`, actor)

    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        isClosed = true
        waiters.tell(Effect.fail(new UpstreamUnreachable({ upstream: name, reason: GONE })))
      })
    )

    const connectErrorOf = (error: LoginError): UpstreamConnectError => {
      if (error instanceof Refused)
        return new UpstreamLoginRefused({
          upstream: name,
          response: error.response,
          reason: error.reason.replaceAll("NAME", name)
        })
      const reason = error instanceof Lost ? error.reason : "it finds that there were too many logins"
      return new UpstreamUnreachable({ upstream: name, reason })
    }

    const up = (): Connection | undefined => (current?.isLost() === false ? current : undefined)

    return {
      current: up,
      epoch: () => epoch,
      used,
      status: () => status,
      connection: ({ ask, isPatient = false } = {}) =>
        Effect.suspend(() => {
          const connection = up()
          if (connection !== undefined) return Effect.succeed(connection)
          if (refusal !== undefined) return Effect.fail(refusal)
          if (isClosed) return Effect.fail(new UpstreamUnreachable({ upstream: name, reason: GONE }))
          return waiters.wait({ ask, isPatient }, () => wanted.openUnsafe())
        }),
      logInAgain: (since) =>
        oneLogin.withPermit(
          Effect.gen(function* () {
            const connection = up()
            if (epoch !== since || connection === undefined) return
            yield* limit.enter(
              () => settings().loginsPerMinuteCount,
              () => Effect.void
            )
            yield* logIn(connection)
            yield* options.prepare(connection)
            epoch++
          }).pipe(
            Effect.tapError((error) => Effect.sync(() => Deferred.doneUnsafe(refused, Effect.fail(error)))),
            Effect.mapError(connectErrorOf)
          )
        ),
      restart: Effect.sync(() => {
        keys.forget()
        refusal = undefined
        lostAt ??= now()
        current = undefined
        used()
        wanted.openUnsafe()
        restarted.openUnsafe()
      }),
      mayLogIn: () => hasCredential
    }
  })
