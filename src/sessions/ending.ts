import { Clock, Effect, PubSub } from "effect"
import { constants } from "node:os"
import { HobConfig } from "../config/HobConfig.ts"
import {
  OwnSession,
  type Session,
  type SessionAmbiguous,
  SessionHostUnavailable,
  type SessionId,
  SessionNotFound,
  SessionRunning,
  UnknownSignal
} from "../protocol/index.ts"
import { Catalogue } from "./Catalogue.ts"
import { type Entry, isOpen, toSession } from "./entry.ts"
import { HostLink } from "./HostLink.ts"
import type { Labels } from "./labels.ts"
import { decideRestart } from "./restarting.ts"

/** Who asks for an end: the session inside which the caller runs, and whether that one is meant too. */
export interface Caller {
  readonly from?: string
  readonly self?: boolean
}

/** `TERM` and `SIGTERM` are the same. */
const isSignal = (name: string): boolean => {
  const upper = name.toUpperCase()
  return Object.hasOwn(constants.signals, upper.startsWith("SIG") ? upper : `SIG${upper}`)
}

/** How sessions end: waited for, killed, forgotten. `change` writes down what is new of one. */
export const makeEnding = Effect.fnUntraced(function* (change: Labels["change"]) {
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

  /** Has the host end every process of a session; of one that has ended or is lost, what is left of it. */
  const askToEnd = Effect.fnUntraced(function* (
    id: SessionId,
    reason: string,
    options: { readonly signal?: string; readonly graceMillis?: number } = {}
  ): Effect.fn.Return<void, SessionHostUnavailable | UnknownSignal> {
    const { sessions } = yield* config.get
    const signal = options.signal ?? "SIGTERM"
    const graceMillis = options.graceMillis ?? sessions.killGraceMillis
    yield* link.call({ op: "kill", session: id, signal, graceMillis, reason }, graceMillis).pipe(
      Effect.catchTag("HostRefused", ({ refusal }): Effect.Effect<void, UnknownSignal | SessionHostUnavailable> => {
        if (refusal.code === "unknown-signal") return Effect.fail(new UnknownSignal({ signal }))
        if (refusal.code === "internal") return Effect.fail(new SessionHostUnavailable({ detail: refusal.message }))
        // Any other refusal means that it ended while we asked.
        return Effect.void
      })
    )
  })

  /** Ends a session that runs, for this reason, and waits until it has closed. */
  const end = Effect.fnUntraced(function* (
    id: SessionId,
    reason: string,
    options: { readonly signal?: string; readonly graceMillis?: number } = {}
  ): Effect.fn.Return<Session, SessionNotFound | SessionHostUnavailable | UnknownSignal> {
    yield* askToEnd(id, reason, options)
    return yield* waitFor(id)
  })

  /** One that has ended is not started anew any more. */
  const stopRestarting = Effect.fnUntraced(function* (entry: Entry) {
    const { sessions } = yield* config.get
    const now = yield* Clock.currentTimeMillis
    if (decideRestart(entry, sessions.restartDelayMillis, now).type === "no") return entry
    return yield* change(entry, { restartStopped: "it was ended on request" })
  })

  /** May this caller end that session? Not its own, unless it says so. */
  const refuseOwn = ({ file }: Entry, { from, self }: Caller): Effect.Effect<void, OwnSession> =>
    from === file.id && self !== true ? Effect.fail(new OwnSession({ id: file.id, name: file.name })) : Effect.void

  const kill = Effect.fn("Sessions.kill")(function* (
    ref: string,
    options: { readonly signal?: string; readonly graceMillis?: number } & Caller = {}
  ): Effect.fn.Return<
    Session,
    SessionNotFound | SessionAmbiguous | SessionHostUnavailable | UnknownSignal | OwnSession
  > {
    const entry = yield* find(ref)
    if (options.signal !== undefined && !isSignal(options.signal)) {
      return yield* new UnknownSignal({ signal: options.signal })
    }
    yield* refuseOwn(entry, options)
    if (!isOpen(entry)) {
      const stopped = yield* stopRestarting(entry)
      yield* askToEnd(entry.file.id, "killed", options)
      return toSession(stopped)
    }
    yield* end(entry.file.id, "killed", options)
    const ended = entries.get(entry.file.id)
    if (ended === undefined) return yield* new SessionNotFound({ session: ref })
    // It may have ended by itself while it was asked.
    return toSession(yield* stopRestarting(ended))
  })

  const remove = Effect.fn("Sessions.remove")(function* (
    ref: string,
    options: { readonly force?: boolean } & Caller = {}
  ) {
    const found = yield* find(ref)
    const { id } = found.file
    if (isOpen(found)) {
      if (options.force !== true) return yield* new SessionRunning({ id })
      yield* refuseOwn(found, options)
      yield* end(id, "killed").pipe(Effect.catchTag("UnknownSignal", Effect.die))
    }
    yield* link
      .call({ op: "remove", session: id })
      .pipe(Effect.catchTag("HostRefused", () => Effect.fail(new SessionRunning({ id }))))
    const entry = entries.get(id)
    catalogue.forget(id)
    if (entry !== undefined) yield* catalogue.announce("removed", entry)
    return { id }
  })

  const killAll = Effect.fn("Sessions.killAll")(function* (caller: Caller = {}) {
    // A daemon that was just started has to hear first what there is to end.
    yield* Effect.ignore(catalogue.hostKnown)
    const own = open().find(({ file }) => file.id === caller.from)
    if (own !== undefined) yield* refuseOwn(own, caller)
    const waiting = Array.from(entries.values()).filter((entry) => !isOpen(entry))
    yield* Effect.forEach(waiting, (entry) => Effect.exit(stopRestarting(entry)), { discard: true })
    const all = open()
    yield* Effect.forEach(all, ({ file }) => Effect.exit(kill(file.id)), { concurrency: "unbounded", discard: true })
    const left = new Set(open().map(({ file }) => file.id))
    return all.filter(({ file }) => !left.has(file.id)).length
  })

  return { open, wait, end, kill, remove, killAll }
})
