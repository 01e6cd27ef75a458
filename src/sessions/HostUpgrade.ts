import { Context, Effect, Layer, Semaphore } from "effect"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import { buildName, ownBuild, type Relation, relationOf } from "../config/versions.ts"
import {
  HostNotUpgraded,
  type HostUpgradeAttempt,
  type ProcessVersion,
  SessionHostUnavailable
} from "../protocol/index.ts"
import type { HelloReply, HostSession } from "../protocol/sessionHost.ts"
import { Catalogue } from "./Catalogue.ts"
import { decideUpgrade } from "./decideUpgrade.ts"
import { HostLink, HostRefused } from "./HostLink.ts"
import { loseMissing } from "./missing.ts"

export interface HostUpgraded {
  readonly outcome: "replaced" | "current" | "possible"
  readonly pid: number
  readonly from: ProcessVersion
  readonly to: ProcessVersion
  readonly sessions: ReadonlyArray<Pick<HostSession, "id" | "name" | "pid">>
}

export interface UpgradeOptions {
  readonly check?: boolean | undefined
  readonly downgrade?: boolean | undefined
}

/**
 * Has the session-host replaced, in place, by that of this daemon's build. By itself, once for each host that is met and
 * is older; an attempt that failed is not made again unless somebody asks for it.
 */
export class HostUpgrade extends Context.Service<
  HostUpgrade,
  {
    run(options: UpgradeOptions): Effect.Effect<HostUpgraded, HostNotUpgraded | SessionHostUnavailable>
    /** A host has said hello: replaces it if that is due. Failures are told in the log and the status, and by an event. */
    met(hello: HelloReply): Effect.Effect<void>
    readonly status: Effect.Effect<{ readonly upgrading: boolean; readonly last: HostUpgradeAttempt | null }>
  }
>()("hob/sessions/HostUpgrade") {
  static readonly layer = (paths: Paths) =>
    Layer.effect(
      HostUpgrade,
      Effect.gen(function* () {
        const catalogue = yield* Catalogue
        const config = yield* HobConfig
        const link = yield* HostLink
        const one = yield* Semaphore.make(1)
        let last: HostUpgradeAttempt | null = null
        /** The host that was last tried, or is about to be: it is not tried again by itself. */
        let tried: string | null = null
        let upgrading = false

        const attempt = Effect.fnUntraced(function* (host: HelloReply, asked: boolean) {
          const from = versionOf(host)
          const note = (failure: HostUpgradeAttempt["failure"]) =>
            Effect.andThen(
              Effect.sync(() => {
                last = { at: new Date().toISOString(), from, to: ownBuild, asked, failure }
              }),
              catalogue.announce(failure === null ? "host-upgraded" : "host-not-upgraded", null)
            )
          tried = identityOf(host)
          upgrading = true
          yield* Effect.logInfo(
            `session-host ${host.pid} is ${buildName(from)}: ${buildName(ownBuild)} takes its place, under ${host.sessions.length} sessions`
          )
          const successor = yield* link.upgrade(false).pipe(
            Effect.mapError((error) => asNotUpgraded(error, from)),
            Effect.tapError((error) => {
              const reason = error._tag === "HostNotUpgraded" ? error.reason : "unavailable"
              return Effect.andThen(note({ reason, detail: error.message }), Effect.logError(error.message))
            }),
            Effect.ensuring(Effect.sync(() => void (upgrading = false)))
          )
          const hello = successor ?? host
          tried = identityOf(hello)
          yield* loseMissing(paths).pipe(
            Effect.provideService(Catalogue, catalogue),
            Effect.provideService(HostLink, link)
          )
          yield* note(null)
          yield* Effect.logInfo(`session-host ${hello.pid} is ${buildName(versionOf(hello))} now`)
          return hello
        })

        const run = Effect.fn("HostUpgrade.run")(function* ({ check = false, downgrade = false }: UpgradeOptions) {
          yield* catalogue.hostKnown
          const host = yield* link.host
          if (host === null) return yield* new SessionHostUnavailable({ detail: "it is being reached" })
          const from = versionOf(host)
          const answer = (outcome: HostUpgraded["outcome"], hello: HelloReply): HostUpgraded => ({
            outcome,
            pid: hello.pid,
            from,
            to: ownBuild,
            sessions: hello.sessions.filter(({ exit }) => exit === null).map(({ id, name, pid }) => ({ id, name, pid }))
          })
          const decision = decideUpgrade(host, { asked: true, downgrade, enabled: true, tried: null })
          if (decision.type === "current") return answer("current", host)
          if (decision.type === "refuse") return yield* new HostNotUpgraded({ ...decision, host: from })
          if (decision.type === "leave") return yield* Effect.die(new Error(`left: ${decision.because}`))
          if (!check) return answer("replaced", yield* attempt(host, true))
          yield* Effect.mapError(link.upgrade(true), (error) => asNotUpgraded(error, from))
          return answer("possible", host)
        }, one.withPermits(1))

        const met = (hello: HelloReply) =>
          Effect.gen(function* () {
            const { daemon } = yield* config.get
            const decision = decideUpgrade(hello, {
              asked: false,
              downgrade: false,
              enabled: daemon.upgradeHost,
              tried
            })
            if (decision.type === "upgrade") return yield* Effect.ignore(attempt(hello, false))
            if (decision.type === "leave" || decision.type === "refuse")
              yield* Effect.logWarning(
                `session-host ${hello.pid} stays ${buildName(versionOf(hello))}: ${decision.type === "leave" ? decision.because : decision.detail}`
              )
          }).pipe(one.withPermits(1))

        return HostUpgrade.of({ run, met, status: Effect.sync(() => ({ upgrading, last })) })
      })
    )
}

export const versionOf = ({ build, version }: HelloReply): ProcessVersion => ({
  ...(version === undefined ? {} : { version }),
  ...(build === undefined ? {} : { build })
})

/** How a host stands to this daemon. */
export const relationTo = (hello: HelloReply): Relation => relationOf(hello)

const identityOf = ({ build, pid, startedAt, version }: HelloReply) => JSON.stringify([pid, startedAt, version, build])

const asNotUpgraded = (error: HostRefused | SessionHostUnavailable, host: ProcessVersion) => {
  if (!(error instanceof HostRefused)) return error
  const { message, upgrade = "unsupported" } = error.refusal
  return new HostNotUpgraded({ reason: upgrade, detail: message, host })
}
