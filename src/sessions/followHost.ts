import { Effect, Layer, Queue } from "effect"
import { Concerns } from "../actors/Concerns.ts"
import { HobConfig } from "../config/HobConfig.ts"
import type { Paths } from "../config/paths.ts"
import type { SessionId } from "../protocol/index.ts"
import type { ScreensEvent } from "../protocol/screens.ts"
import type { HelloReply } from "../protocol/sessionHost.ts"
import { learnActivities } from "./activities.ts"
import { Catalogue } from "./Catalogue.ts"
import { removeClaudeSettings, sweepClaudeSettings } from "./claudeHooks.ts"
import { isOpen, told } from "./entry.ts"
import { HostLink } from "./HostLink.ts"
import { HostUpgrade } from "./HostUpgrade.ts"
import { expired } from "./retention.ts"
import { readEntry } from "./sessionFiles.ts"

/** The sessions actor: takes the news from the host, in order, and keeps the catalogue true to them. */
export const layer = (paths: Paths) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const catalogue = yield* Catalogue
      const concerns = yield* Concerns
      const config = yield* HobConfig
      const link = yield* HostLink
      const upgrade = yield* HostUpgrade
      const { announce, entries, put } = catalogue
      const learn = (hello: HelloReply) =>
        learnActivities(hello).pipe(Effect.provideService(Catalogue, catalogue), Effect.provideService(HostLink, link))

      /** A host has said hello: what it does not hold has ended (and says so on disk), or is lost. */
      const onConnected = Effect.fnUntraced(function* (hello: HelloReply) {
        const held = new Set(hello.sessions.map(({ id }) => id))
        let lost = 0
        for (const entry of entries.values()) {
          if (entry.exit !== null || entry.starting || held.has(entry.file.id)) continue
          const onDisk = yield* readEntry(paths.sessions, entry.file.id)
          if (onDisk?.exit) {
            yield* announce("closed", put(onDisk))
          } else if (entry.host !== null) {
            lost++
            yield* announce("lost", put({ ...entry, host: null }))
          }
        }
        for (const session of hello.sessions) put(told(entries.get(session.id), session))
        if (lost > 0) {
          yield* announce("host-lost", null)
          yield* Effect.logError(
            `the session-host went away: ${lost} sessions are lost, their logs are kept; session-host ${hello.pid} takes new ones`
          )
        }
        yield* catalogue.hostIsKnown
      })

      /** What the screens process saw: it knows nothing of sessions that have ended meanwhile. */
      const onScreens = Effect.fnUntraced(function* (event: ScreensEvent) {
        const entry = entries.get(event.session)
        if (entry === undefined) return
        const { activity, title, type } = event
        put({ ...entry, ...(activity === undefined ? {} : { activity }), ...(title === undefined ? {} : { title }) })
        yield* announce(type === "activity" ? "activity" : "changed", entries.get(event.session)!)
      })

      const retain = Effect.gen(function* () {
        const { sessions } = yield* config.get
        for (const { file } of expired(entries.values(), sessions, Date.now())) {
          yield* link.call({ op: "remove", session: file.id }).pipe(
            Effect.andThen(Effect.sync(() => catalogue.forget(file.id))),
            Effect.catch((error) => Effect.logWarning(`session ${file.id} could not be removed: ${error.message}`))
          )
        }
      })

      yield* concerns.supervise("sessions", (up) =>
        Effect.gen(function* () {
          yield* up
          for (;;) {
            const news = yield* Queue.take(link.news)
            if (news.type === "connected") {
              yield* onConnected(news.hello)
              yield* sweepClaudeSettings(paths, (id) => isOpen(entries.get(id as SessionId)))
              yield* Effect.forkChild(learn(news.hello))
              yield* Effect.forkChild(upgrade.met(news.hello))
              yield* retain
              continue
            }
            if (news.type === "screens") {
              yield* onScreens(news.event)
              continue
            }
            const { client, event, session } = news.event
            // The one who asked for it has announced it, or the hello that told of it.
            if (event === "started" || event === "removed") continue
            const before = entries.get(session.id)
            // Removed while the host was telling of it.
            if (before === undefined) continue
            yield* catalogue.begin(before, session)
            const entry = put(told(before, session))
            yield* announce(event, entry)
            if (client !== undefined) catalogue.announceClient(client, entry)
            if (event !== "closed") continue
            yield* removeClaudeSettings(paths, session.id)
            yield* retain
          }
        })
      )
    })
  )
