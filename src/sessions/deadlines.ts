import { Clock, Duration, Effect, FiberMap, Layer, PubSub, Schema } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import type { SessionId } from "../protocol/index.ts"
import { ListReply } from "../protocol/sessionHost.ts"
import { learnActivities } from "./activities.ts"
import { Catalogue } from "./Catalogue.ts"
import { makeEnding } from "./ending.ts"
import type { Entry } from "./entry.ts"
import { HostLink } from "./HostLink.ts"
import { makeLabels } from "./labels.ts"
import { lifetimeOf, type LifetimeReason } from "./lifetimes.ts"
import { makeRestarts } from "./restarts.ts"

/** After a suspend of the machine a timer is late by as long as that took; so none is longer than this. */
const LONGEST_SLEEP_MILLIS = 10 * 60_000
/** The host could not be asked, or something could not be done: tried again after so long. */
const RETRY_MILLIS = 5000

const decodeListReply = Schema.decodeUnknownEffect(ListReply)

/**
 * Ends sessions when their time is up and starts those anew that want it. What is due lies in the sessions'
 * directories, so a daemon that was away acts when it is back. One fiber sleeps until the next deadline; whatever
 * happens to a session wakes it.
 */
export const layer = (paths: Paths) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const catalogue = yield* Catalogue
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const link = yield* HostLink
      const labels = yield* makeLabels
      const ending = yield* makeEnding(labels.change)
      const restarts = yield* makeRestarts(paths, labels.change)
      const { entries } = catalogue

      /**
       * What the host says now: there may have been output since; and what the screens process says, which a daemon that
       * has just begun has not heard yet. False when the host can't be asked.
       */
      const refresh = link.call({ op: "list" }).pipe(
        Effect.flatMap(decodeListReply),
        Effect.tap(({ sessions }) => Effect.sync(() => sessions.forEach((session) => catalogue.take(session)))),
        Effect.tap(learnActivities),
        Effect.as(true),
        Effect.orElseSucceed(() => false),
        Effect.provideService(Catalogue, catalogue),
        Effect.provideService(HostLink, link)
      )

      const endOf = (id: SessionId, reason: LifetimeReason) =>
        ending.end(id, reason).pipe(
          Effect.andThen(Effect.logInfo(`session ${id} was ended: ${reason}`)),
          // Also keeps it from being tried again at once.
          Effect.catch((error) =>
            Effect.andThen(Effect.logWarning(`session ${id} could not be ended: ${error.message}`), pause)
          )
        )
      const pause = Effect.sleep(Duration.millis(RETRY_MILLIS))

      const due = (now: number) =>
        Array.from(entries.values()).flatMap((entry) => {
          const lifetime = lifetimeOf(entry, now)
          return lifetime === null || lifetime.at > now ? [] : [{ entry, reason: lifetime.reason }]
        })

      yield* concerns.supervise("session deadlines", (up) =>
        Effect.gen(function* () {
          const subscription = yield* PubSub.subscribe(catalogue.events)
          const acting = yield* FiberMap.make<SessionId>()
          yield* up
          // Until then nobody can tell a running session from a lost one.
          yield* Effect.eventually(Effect.tapError(catalogue.hostKnown, () => pause))
          for (;;) {
            const { sessions } = yield* config.get
            let next = Infinity
            let now = yield* Clock.currentTimeMillis
            if (due(now).some(({ entry, reason }) => reason === "idle-stop" && !isActing(acting, entry))) {
              if (!(yield* refresh)) next = now + RETRY_MILLIS
              now = yield* Clock.currentTimeMillis
            }
            if (next === Infinity) {
              for (const { entry, reason } of due(now)) {
                const { id } = entry.file
                yield* FiberMap.run(acting, id, endOf(id, reason), { onlyIfMissing: true })
                next = Math.min(next, now + RETRY_MILLIS)
              }
            }
            for (const entry of entries.values()) {
              const lifetime = isActing(acting, entry) ? null : lifetimeOf(entry, now)
              if (lifetime !== null && lifetime.at > now) next = Math.min(next, lifetime.at)
            }
            for (const { act, at, id } of yield* restarts.plan(sessions, now)) {
              if (at <= now) yield* FiberMap.run(acting, id, act, { onlyIfMissing: true })
              next = Math.min(next, at <= now ? now + RETRY_MILLIS : at)
            }
            const sleep = Math.min(next - now, LONGEST_SLEEP_MILLIS)
            const happened = PubSub.takeAll(subscription)
            yield* next === Infinity ? happened : Effect.raceFirst(happened, Effect.sleep(Duration.millis(sleep)))
          }
        }).pipe(Effect.scoped)
      )
    })
  )

const isActing = (acting: FiberMap.FiberMap<SessionId>, { file }: Entry): boolean => FiberMap.hasUnsafe(acting, file.id)
