import { Effect, Schema, type Scope } from "effect"
import { rmSync } from "node:fs"
import { DaemonRecord, isDaemonAlive, ownRecord, readDaemonRecord, writeDaemonRecord } from "../config/daemonRecord.ts"
import { LockFileUnusable, takeExclusiveLock } from "../config/exclusiveLock.ts"
import type { Paths } from "../config/paths.ts"

/** Another daemon has this home. */
export class LockBusy extends Schema.TaggedError<LockBusy>()("LockBusy", {
  path: Schema.String,
  /** What the holder says of itself; null before it has said anything, or when its record can't be read. */
  holder: Schema.NullOr(DaemonRecord)
}) {
  override get message() {
    if (this.holder === null) return `Another process holds ${this.path}.`
    const { owner, pid, startedAt } = this.holder
    return `The hob daemon ${pid} of ${owner}, running since ${startedAt}, holds ${this.path}.`
  }
}

/** Held for as long as its scope is open. */
export interface LockFile {
  readonly record: DaemonRecord
  /**
   * False once somebody has removed or replaced the lock's file: then another daemon can start on the same home, and
   * this one had better stop.
   */
  readonly isStillOurs: Effect.Effect<boolean>
}

/**
 * Makes this process the only daemon of a home, or says at once who is. Then writes `daemon.json`, and removes it when
 * the scope closes. The home must be there. Takes back whatever an earlier daemon left; fails with
 * {@link LockFileUnusable} where only a person can help.
 */
export const acquire = (
  paths: Pick<Paths, "lock" | "lockInfo" | "socket">
): Effect.Effect<LockFile, LockBusy | LockFileUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    const held = yield* Effect.acquireRelease(take(paths), (held) => Effect.sync(held.release))
    const record = ownRecord(paths)
    // Only for people and for finding the socket: a disk that is full right now is no reason not to start.
    yield* attempt(() => writeDaemonRecord(paths.lockInfo, record)).pipe(
      Effect.catch((reason) => Effect.logWarning(`${paths.lockInfo} can't be written: ${reason}`))
    )
    // Runs before the lock is free: a successor's record must not be taken for ours.
    yield* Effect.addFinalizer(() =>
      held.isStillOurs() ? Effect.ignore(attempt(() => rmSync(paths.lockInfo, { force: true }))) : Effect.void
    )
    return { record, isStillOurs: Effect.sync(held.isStillOurs) }
  }).pipe(Effect.withSpan("LockFile.acquire"))

const take = Effect.fnUntraced(function* (paths: Pick<Paths, "lock" | "lockInfo">) {
  const held = yield* Effect.try({ try: () => takeExclusiveLock(paths.lock), catch: (error) => error }).pipe(
    Effect.catch((error) => (error instanceof LockFileUnusable ? Effect.fail(error) : Effect.die(error)))
  )
  if (held === null) return yield* new LockBusy({ path: paths.lock, holder: livingHolder(paths.lockInfo) })
  return held
})

const attempt = (work: () => void): Effect.Effect<void, string> =>
  Effect.try({ try: work, catch: (error) => (error as Error).message })

/** A record whose process has ended is its predecessor's: the holder has not written its own yet. */
const livingHolder = (path: string): DaemonRecord | null => {
  const record = readDaemonRecord(path)
  return record !== null && isDaemonAlive(record) ? record : null
}
