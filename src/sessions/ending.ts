import { Effect, PubSub } from "effect"
import { HobConfig } from "../config/HobConfig.ts"
import {
  type Session,
  type SessionAmbiguous,
  SessionHostUnavailable,
  type SessionId,
  SessionNotFound,
  SessionRunning,
  UnknownSignal
} from "../protocol/index.ts"
import { Catalogue } from "./Catalogue.ts"
import { isOpen, toSession } from "./entry.ts"
import { HostLink } from "./HostLink.ts"

/** How sessions end: waited for, killed, forgotten. */
export const makeEnding = Effect.gen(function* () {
  const catalogue = yield* Catalogue
  const config = yield* HobConfig
  const link = yield* HostLink
  const { entries, find } = catalogue

  const open = () => Array.from(entries.values()).filter((entry) => isOpen(entry))

  const waitFor = Effect.fnUntraced(function* (id: SessionId): Effect.fn.Return<Session, SessionNotFound> {
    return yield* Effect.scoped(
      Effect.gen(function* () {
        // Before the first look, so that no event falls between.
        const subscription = yield* PubSub.subscribe(catalogue.events)
        for (;;) {
          const entry = entries.get(id)
          if (entry === undefined) return yield* new SessionNotFound({ session: id })
          if (!isOpen(entry)) return toSession(entry)
          yield* PubSub.take(subscription)
        }
      })
    )
  })

  const wait = Effect.fn("Sessions.wait")(function* (ref: string) {
    const { file } = yield* find(ref)
    return yield* waitFor(file.id)
  })

  const kill = Effect.fn("Sessions.kill")(function* (
    ref: string,
    options: { readonly signal?: string; readonly graceMillis?: number } = {}
  ): Effect.fn.Return<Session, SessionNotFound | SessionAmbiguous | SessionHostUnavailable | UnknownSignal> {
    const entry = yield* find(ref)
    if (!isOpen(entry)) return toSession(entry)
    const { sessions } = yield* config.get
    const signal = options.signal ?? "SIGTERM"
    const graceMillis = options.graceMillis ?? sessions.killGraceMillis
    yield* link.call({ op: "kill", session: entry.file.id, signal, graceMillis }, graceMillis).pipe(
      Effect.catchTag("HostRefused", ({ refusal }): Effect.Effect<void, UnknownSignal | SessionHostUnavailable> => {
        if (refusal.code === "unknown-signal") return Effect.fail(new UnknownSignal({ signal }))
        if (refusal.code === "internal") return Effect.fail(new SessionHostUnavailable({ detail: refusal.message }))
        // Any other refusal means that it ended while we asked.
        return Effect.void
      })
    )
    return yield* waitFor(entry.file.id)
  })

  const remove = Effect.fn("Sessions.remove")(function* (ref: string, options: { readonly force?: boolean } = {}) {
    const { file } = yield* find(ref)
    const id = file.id
    if (isOpen(entries.get(id))) {
      if (options.force !== true) return yield* new SessionRunning({ id })
      yield* kill(id).pipe(Effect.catchTag("UnknownSignal", Effect.die))
    }
    yield* link
      .call({ op: "remove", session: id })
      .pipe(Effect.catchTag("HostRefused", () => Effect.fail(new SessionRunning({ id }))))
    const entry = entries.get(id)
    catalogue.forget(id)
    if (entry !== undefined) yield* catalogue.announce("removed", entry)
    return { id }
  })

  const killAll = Effect.suspend(() => {
    const all = open()
    return Effect.as(
      Effect.forEach(all, ({ file }) => Effect.exit(kill(file.id)), { concurrency: "unbounded", discard: true }),
      all.length
    )
  })

  return { open, wait, kill, remove, killAll }
})
