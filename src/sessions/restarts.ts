import { Clock, Effect, Result } from "effect"
import { randomUUID } from "node:crypto"
import { bootId } from "../config/processIdentity.ts"
import type { Paths } from "../config/paths.ts"
import type { Settings } from "../config/settings.ts"
import { SessionId } from "../protocol/index.ts"
import { Catalogue } from "./Catalogue.ts"
import { type Entry, isOpen } from "./entry.ts"
import { decideName, type Labels } from "./labels.ts"
import { decideRestart, reasonOfRestart, successor } from "./restarting.ts"
import { readEnvironment } from "./sessionFiles.ts"
import { makeSpawning, sessionVariables } from "./spawning.ts"

/** Something that is to be done for a session at a time, in milliseconds since 1970. */
export interface Planned {
  readonly id: SessionId
  readonly at: number
  readonly act: Effect.Effect<void>
}

/** The host is away, or takes no more sessions now: asked again after so long. */
const AWAY_MILLIS = 5000

/** Starts sessions anew that want it when they have ended. `change` writes down what is new of one. */
export const makeRestarts = Effect.fnUntraced(function* (paths: Paths, change: Labels["change"]) {
  const catalogue = yield* Catalogue
  const spawn = yield* makeSpawning(paths)
  const { entries, put } = catalogue
  /** By the id of the ended session: starts that have failed, and when the next one is. */
  const failures = new Map<SessionId, { readonly count: number; readonly next: number }>()

  const giveUp = (entry: Entry, why: string) =>
    Effect.gen(function* () {
      yield* Effect.logWarning(`session ${entry.file.id} is not started anew: ${why}`)
      failures.delete(entry.file.id)
      yield* change(entry, { restartStopped: why })
    }).pipe(Effect.ignore)

  const failed = Effect.fnUntraced(function* (entry: Entry, message: string, counts: boolean) {
    const { id, restart } = entry.file
    const count = (failures.get(id)?.count ?? 0) + (counts ? 1 : 0)
    if (restart!.max > 0 && restart!.count + count >= restart!.max) return yield* giveUp(entry, message)
    const next = (yield* Clock.currentTimeMillis) + (counts ? Math.min(1000 * 2 ** count, 60_000) : AWAY_MILLIS)
    failures.set(id, { count, next })
    yield* Effect.logWarning(`session ${id} could not be started anew, and will be tried again: ${message}`)
    yield* catalogue.announce("changed", put({ ...entry, restartsAt: next }))
  })

  const restart = Effect.fnUntraced(function* (old: Entry, count: number, settings: Settings["sessions"]) {
    // A daemon may have been killed between the start and its being written down.
    const begun = Array.from(entries.values()).find(({ file }) => file.restartedFrom?.id === old.file.id)
    if (begun !== undefined) return yield* Effect.ignore(change(old, { restartedAs: begun.file.id }))
    const kept = yield* readEnvironment(paths.sessions, old.file.id)
    if (kept === null) return yield* giveUp(old, "its environment is not there any more")
    const millis = yield* Clock.currentTimeMillis
    const now = entries.get(old.file.id)
    if (now === undefined || decideRestart(now, settings.restartDelayMillis, millis).type !== "restart") return
    const open = Array.from(entries.values()).filter((entry) => isOpen(entry))
    if (open.length >= settings.maxCount) {
      return yield* failed(now, `${open.length} sessions are running, the limit (sessions.maxCount)`, false)
    }
    const id = SessionId.make(randomUUID())
    const createdAt = new Date(millis).toISOString()
    const file = successor(now, { id, createdAt, count, because: reasonOfRestart(now, bootId()) })
    const taken = decideName(entries.values(), { ...now, file, starting: true }, file.name)
    if (Result.isFailure(taken)) return yield* giveUp(now, taken.failure.message)
    const begin = yield* Effect.result(spawn(file, { ...kept, ...sessionVariables(paths, id) }))
    if (Result.isFailure(begin)) {
      return yield* failed(now, begin.failure.message, begin.failure._tag === "SpawnFailed")
    }
    failures.delete(now.file.id)
    yield* Effect.logInfo(`session ${now.file.id} was started anew as ${id} (${file.restartedFrom!.because})`)
    yield* change(entries.get(now.file.id) ?? now, { restartedAs: id }).pipe(
      Effect.catch((error) => Effect.logWarning(`that could not be written down: ${error.message}`))
    )
  })

  /** What is to be done for sessions that have ended; says of each when. */
  const plan = Effect.fnUntraced(function* (settings: Settings["sessions"], now: number) {
    const planned: Array<Planned> = []
    for (const entry of entries.values()) {
      const { id } = entry.file
      const decision = decideRestart(entry, settings.restartDelayMillis, now)
      if (decision.type === "no") continue
      if (decision.type === "exhausted") {
        const why = `it has been started anew ${decision.count} times in a row`
        planned.push({ id, at: 0, act: giveUp(entry, why) })
        continue
      }
      const at = Math.max(decision.at, failures.get(id)?.next ?? 0)
      if (entry.restartsAt !== at) yield* catalogue.announce("changed", put({ ...entry, restartsAt: at }))
      planned.push({ id, at, act: restart(entry, decision.count, settings) })
    }
    return planned
  })

  return { plan }
})
