import { Deferred, Effect, FiberMap, Stream } from "effect"
import type { ClaudeSessionsPaths } from "../../../config/dialectPaths.ts"
import type { Session, SessionId } from "../../../protocol/index.ts"
import { Sessions } from "../../../sessions/Sessions.ts"
import { Database } from "../../../storage/Database.ts"
import { STOPPED_TAG, TAG } from "../translate.ts"
import { forgetAllBut } from "./remembered.ts"
import { writeLog } from "./writeLog.ts"

/** How long the answer to `start_session` waits for the file. */
const FILE_WITHIN = "2 seconds"

const isOurs = ({ tags }: Pick<Session, "tags">): boolean => tags.includes(TAG) || tags.includes(STOPPED_TAG)

/** The live logs of this dialect's sessions: one writer for each, while the dialect is spoken. */
export const makeLogs = Effect.fnUntraced(function* (paths: ClaudeSessionsPaths) {
  const sessions = yield* Sessions
  const database = yield* Database
  const writers = yield* FiberMap.make<SessionId>()

  /** Of each that is written: done once its file is there. */
  const files = new Map<SessionId, Deferred.Deferred<void>>()

  const write = (id: SessionId) =>
    Effect.suspend(() => {
      if (files.has(id)) return Effect.void
      const file = Deferred.makeUnsafe<void>()
      files.set(id, file)
      const ready = Effect.asVoid(Deferred.succeed(file, undefined))
      const writer = writeLog({ sessions, database, id, path: paths.log(id), ready }).pipe(
        Effect.ensuring(Effect.sync(() => void files.delete(id)))
      )
      return Effect.asVoid(FiberMap.run(writers, id, writer))
    })

  /** All there are: also those that ended, or were stopped, while nobody wrote. */
  const writeAll = Effect.gen(function* () {
    const all = yield* sessions.list({ all: true })
    yield* forgetAllBut(database, new Set(all.map(({ id }) => id)))
    yield* Effect.forEach(all.filter(isOurs), ({ id }) => write(id), { discard: true })
  })

  yield* Effect.forkScoped(
    Stream.runForEach(sessions.events, ({ session, type }) =>
      session !== null && (type === "started" || type === "changed") && isOurs(session)
        ? write(session.id)
        : Effect.void
    ),
    { startImmediately: true }
  )
  // A session-host that is away must not keep anybody waiting.
  yield* Effect.forkScoped(writeAll)

  return {
    /** Makes a new session's file and begins to write it. A file that can't be made is no reason to keep its client waiting. */
    begin: ({ id }: Session): Effect.Effect<void> =>
      Effect.gen(function* () {
        yield* write(id)
        const file = files.get(id)
        if (file !== undefined) yield* Effect.timeoutOption(Deferred.await(file), FILE_WITHIN)
      })
  }
})
