import { Context, Deferred, Effect, Layer, PubSub, Result } from "effect"
import { Announcer } from "../actors/Announcer.ts"
import { Concerns } from "../actors/Concerns.ts"
import type { Paths } from "../config/paths.ts"
import {
  type SessionAmbiguous,
  type SessionEvent,
  SessionHostUnavailable,
  type SessionId,
  type SessionNotFound
} from "../protocol/index.ts"
import type { ClientChange, HostSession } from "../protocol/sessionHost.ts"
import { Announcements } from "./announcements.ts"
import { answered, type Entry, isOpen, toSession } from "./entry.ts"
import { resolveSession } from "./resolve.ts"
import { readEntries } from "./sessionFiles.ts"

/** Events that a subscriber has not yet taken; a slower one loses the oldest and can list again. */
const EVENTS_CAPACITY = 1024

/**
 * Every session hob knows, and what happens to them. A plain map: nothing waits for it. The sessions actor and the
 * requests write it, each in one step.
 */
export class Catalogue extends Context.Service<
  Catalogue,
  {
    readonly entries: ReadonlyMap<SessionId, Entry>
    readonly put: (entry: Entry) => Entry
    readonly forget: (id: SessionId) => void
    /** Takes what the host answers; undefined when the session has been removed meanwhile, which it then stays. */
    readonly take: (host: HostSession) => Entry | undefined
    /** A session has begun: announced before anything else of it, whoever hears of it first. */
    begin(entry: Entry, host: HostSession): Effect.Effect<void>
    announce(type: SessionEvent["type"], entry: Entry | null): Effect.Effect<void>
    /** A client has attached, or is gone. */
    readonly announceClient: (change: ClientChange, entry: Entry) => void
    readonly events: PubSub.PubSub<SessionEvent>
    /** Finds what a person means, once a host has said what it holds. */
    find(ref: string): Effect.Effect<Entry, SessionNotFound | SessionAmbiguous | SessionHostUnavailable>
    /** Waits for the first host's hello: until then nobody can tell a running session from a lost one. */
    readonly hostKnown: Effect.Effect<void, SessionHostUnavailable>
    readonly hostIsKnown: Effect.Effect<void>
  }
>()("hob/sessions/Catalogue") {
  static readonly layer = (paths: Paths) =>
    Layer.effect(
      Catalogue,
      Effect.gen(function* () {
        const concerns = yield* Concerns
        const announcements = new Announcements(yield* Announcer)
        const entries = yield* readEntries(paths.sessions)
        const events = yield* PubSub.sliding<SessionEvent>(EVENTS_CAPACITY)
        const known = yield* Deferred.make<void>()

        const announce = (type: SessionEvent["type"], entry: Entry | null) =>
          Effect.suspend(() => {
            const session = entry === null ? null : toSession(entry)
            if (session !== null) announcements.event(type, session)
            return Effect.asVoid(PubSub.publish(events, { type, at: new Date().toISOString(), session }))
          })

        const put = (entry: Entry) => {
          entries.set(entry.file.id, entry)
          return entry
        }

        const hostKnown = Deferred.await(known).pipe(
          Effect.timeoutOrElse({
            duration: "15 seconds",
            orElse: () =>
              Effect.flatMap(concerns.status, (all) => {
                const failure = all.find(({ name }) => name === "session-host link")?.lastFailure
                return Effect.fail(new SessionHostUnavailable({ detail: failure?.reason ?? "it has not answered yet" }))
              })
          })
        )

        const named = function* () {
          for (const entry of entries.values()) {
            const { createdAt, id, name } = entry.file
            yield { id, name, createdAt, open: isOpen(entry), entry }
          }
        }

        return Catalogue.of({
          entries,
          events,
          announce,
          announceClient: (change, entry) => announcements.client(change, toSession(entry)),
          put,
          hostKnown,
          hostIsKnown: Effect.asVoid(Deferred.succeed(known, undefined)),
          forget: (id) => void entries.delete(id),
          take: (host) => {
            const entry = entries.get(host.id)
            return entry === undefined ? undefined : put(answered(entry, host))
          },
          begin: (entry, host) =>
            Effect.suspend(() => (entry.starting ? announce("started", put(answered(entry, host))) : Effect.void)),
          find: (ref) =>
            Effect.andThen(
              hostKnown,
              Effect.suspend(() => Effect.fromResult(Result.map(resolveSession(named(), ref), ({ entry }) => entry)))
            )
        })
      })
    )
}
