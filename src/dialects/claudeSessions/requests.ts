/** Answers the requests of claude-sessions' clients with hob's own services. */
import { Effect } from "effect"
import { stat } from "node:fs/promises"
import { isAbsolute } from "node:path"
import { HobConfig } from "../../config/HobConfig.ts"
import type { ClaudeSessionsPaths } from "../../config/dialectPaths.ts"
import type { Session, SessionId } from "../../protocol/index.ts"
import { Sessions } from "../../sessions/Sessions.ts"
import { Request, type Response } from "./messages.ts"
import { makeSubmit } from "./submit.ts"
import { error, notStarted, parseUuid, sentences, STOPPED_TAG, TAG, toInfo } from "./translate.ts"

/** The size of a session's terminal. Its clients can't say another. */
const SIZE = { cols: 80, rows: 24 }

export interface RequestsOptions {
  readonly paths: ClaudeSessionsPaths
  /** What `start_session` runs; where it is empty, what the setting says. */
  readonly command: ReadonlyArray<string>
  /** Makes the session's log and begins to write it. */
  readonly beginLog: (session: Session) => Effect.Effect<void>
  readonly shutDown: Effect.Effect<void>
}

export const makeRequests = Effect.fnUntraced(function* ({ beginLog, paths, shutDown, ...given }: RequestsOptions) {
  const config = yield* HobConfig
  const sessions = yield* Sessions
  const submit = yield* makeSubmit

  /** A session of this dialect; undefined when there is none of this id. */
  const find = (id: string) =>
    sessions.show(id).pipe(
      Effect.map((session) => (session.id === id && session.tags.includes(TAG) ? session : undefined)),
      Effect.catchTags({
        SessionNotFound: () => Effect.succeed(undefined),
        SessionAmbiguous: () => Effect.succeed(undefined)
      })
    )

  const start = Effect.fnUntraced(function* (workingDir: string): Effect.fn.Return<Response> {
    if (workingDir !== "" && !isAbsolute(workingDir)) return error(sentences.relative(workingDir))
    if (!(yield* exists(workingDir))) return error(sentences.noDirectory(workingDir))
    const { dialects } = yield* config.get
    const command = given.command.length > 0 ? given.command : dialects.claudeSessions.command
    return yield* sessions
      // Its clients and the program are to look below the same home, where it is not the one of the user's entry.
      .run({ command, cwd: workingDir, tags: [TAG], extraEnv: { HOME: paths.home }, ...SIZE })
      .pipe(
        Effect.tap(beginLog),
        Effect.map((session): Response => ({
          type: "session_started",
          session_id: session.id,
          log_path: paths.log(session.id)
        })),
        Effect.catchTags({
          SpawnFailed: (failure) =>
            Effect.as(
              Effect.logWarning(`a session of claude-sessions could not be started: ${failure.message}`),
              notStarted(failure)
            ),
          // It has no name.
          SessionNameTaken: Effect.die,
          SessionHostUnavailable: ({ message }) => Effect.succeed(error(`Failed to start session: ${message}`))
        })
      )
  })

  const list = Effect.map(sessions.list({ all: true, tags: [TAG] }), (all): Response => ({
    type: "session_list",
    sessions: all.map((session) => toInfo(session, paths.log(session.id)))
  }))

  /** Off the list, and known as one that was on it: its log may not be complete yet. */
  const unlist = (id: SessionId) => sessions.tag(id, { add: [STOPPED_TAG], remove: [TAG] })

  const stop = Effect.fnUntraced(function* (given: string): Effect.fn.Return<Response> {
    const id = parseUuid(given)
    if (id === null) return error(sentences.badId)
    return yield* Effect.gen(function* () {
      const session = yield* find(id)
      if (session === undefined) return error(sentences.notFound(id))
      yield* sessions.kill(session.id)
      yield* unlist(session.id)
      return { type: "session_stopped" as const, session_id: given }
    }).pipe(
      Effect.catchTag("SessionNotFound", () => Effect.succeed(error(sentences.notFound(id)))),
      Effect.catch(({ message }) => Effect.succeed(error(`Failed to stop session: ${message}`)))
    )
  })

  const send = Effect.fnUntraced(function* (given: string, text: string): Effect.fn.Return<Response> {
    const id = parseUuid(given)
    if (id === null) return error(sentences.badId)
    return yield* Effect.gen(function* () {
      const session = yield* find(id)
      if (session === undefined) return error(sentences.notActive)
      yield* submit(session, text)
      return { type: "ok" as const }
    }).pipe(
      Effect.catchTags({
        SessionNotFound: () => Effect.succeed(error(sentences.notActive)),
        SessionEnded: () => Effect.succeed(error(sentences.notActive)),
        NotSubmitted: ({ detail }) => Effect.succeed(error(`Failed to send input: ${detail}`))
      }),
      Effect.catch((failure) =>
        Effect.as(
          Effect.logWarning(`input of a client of claude-sessions was not typed: ${failure.message}`),
          error(sentences.notWritten)
        )
      )
    )
  })

  /** Answers one request. What `shutdown` brings about happens behind its answer: see {@link RequestsOptions}. */
  const answer = Request.match({
    ping: () => Effect.succeed<Response>({ type: "pong" }),
    list_sessions: () => list,
    start_session: ({ working_dir }) => start(working_dir),
    stop_session: ({ session_id }) => stop(session_id),
    send_input: ({ session_id, text }) => send(session_id, text),
    attach_session: () => Effect.succeed(error(sentences.noAttach)),
    shutdown: () => Effect.as(shutDown, { type: "ok" } as Response)
  })

  return answer as (request: Request) => Effect.Effect<Response>
})

const exists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(path).then(
      () => true,
      () => false
    )
  )
