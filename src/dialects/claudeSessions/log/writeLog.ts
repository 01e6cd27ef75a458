import { Effect, type Scope, Stream } from "effect"
import { dirname } from "node:path"
import type { Session, SessionHostUnavailable, SessionId } from "../../../protocol/index.ts"
import type { StorageError } from "../../../protocol/storage.ts"
import { type LogPiece, logPieces } from "../../../sessions/hostStream.ts"
import type { Sessions } from "../../../sessions/Sessions.ts"
import type { Database } from "../../../storage/Database.ts"
import { prepareRunDirectory } from "../../../wire/unixSocket.ts"
import { linesFor } from "./lines.ts"
import { LogFile, LogFileMoved, type Remembered } from "./LogFile.ts"
import { recall, remember } from "./remembered.ts"

/** So many bytes of the file are read again when hob was killed. */
const REMEMBER_BYTES = 4 * 1024 * 1024
/** Lines that are put together before they are written. */
const BATCH_BYTES = 256 * 1024
const FIRST_PAUSE_MILLIS = 250
const LAST_PAUSE_MILLIS = 15_000

/** The file can't be made or written. */
class FileTrouble {
  readonly _tag = "FileTrouble"
  readonly message: string
  readonly cause: unknown
  constructor(cause: unknown) {
    this.cause = cause
    this.message = cause instanceof Error ? cause.message : String(cause)
  }
}

const attempt = <A>(act: () => Promise<A>): Effect.Effect<A, FileTrouble> =>
  Effect.tryPromise({ try: act, catch: (cause) => new FileTrouble(cause) })

export interface WriteLogOptions {
  readonly sessions: Sessions["Service"]
  readonly database: Database["Service"]
  readonly id: SessionId
  readonly path: string
  /** Called each time the file is there, mended. */
  readonly ready: Effect.Effect<void>
}

/**
 * Brings the log of a session to its file and goes on as it grows, until the session has ended and all of it is there.
 * What stands in its way (a full disk, a session-host that is away) is tried again, and nothing is lost by it: the
 * session's own log is the truth, and the file itself says up to where it has it.
 */
export const writeLog = (options: WriteLogOptions): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { path } = options
    let pause = FIRST_PAUSE_MILLIS
    let told = ""
    for (;;) {
      const done = yield* Effect.scoped(writeOn(options, () => void (pause = FIRST_PAUSE_MILLIS))).pipe(
        Effect.catchTag("SessionNotFound", () => Effect.succeed(true)),
        Effect.catch(({ message }) => {
          const isNews = message !== told
          told = message
          const text = `the log ${path} waits: ${message}`
          return Effect.as(isNews ? Effect.logWarning(text) : Effect.logDebug(text), false)
        }),
        Effect.catchDefect((defect) =>
          Effect.as(Effect.logError(`the log ${path} could not be written`, defect), false)
        )
      )
      if (done) return
      yield* Effect.sleep(pause)
      pause = Math.min(pause * 2, LAST_PAUSE_MILLIS)
    }
  })

/** Once, as far as it goes; true when nothing more will come. */
const writeOn = Effect.fnUntraced(function* (options: WriteLogOptions, progress: () => void) {
  const { database, id, path, ready, sessions } = options
  const remembered = yield* recall(database, id)
  if (remembered?.complete === true) return true
  const file = yield* openFile(path, remembered)
  yield* ready
  const store = (state: Remembered, complete: boolean) =>
    // Where it can't be, more of the file is read again, some day.
    Effect.catchIf(remember(database, id, { ...state, complete }), isStorage, () => Effect.void)
  const keep = (complete: boolean) =>
    Effect.flatMap(
      attempt(() => file.remember()),
      (state) => store(state, complete)
    )
  let sinceKept = 0

  const append = Effect.fnUntraced(function* (lines: string, position: typeof file.position) {
    if (lines === "") return
    const wasChanged = yield* attempt(() => file.append(lines, position)).pipe(
      // The one that is made in its place begins where this one ended.
      Effect.tapError(({ cause }) =>
        cause instanceof LogFileMoved ? store({ ...file.position, fileBytes: cause.bytesThere }, false) : Effect.void
      )
    )
    progress()
    sinceKept += lines.length
    if (!wasChanged && sinceKept < REMEMBER_BYTES) return
    sinceKept = 0
    yield* keep(false)
  })

  const add = Effect.fnUntraced(function* (pieces: ReadonlyArray<LogPiece>) {
    let batch = ""
    let position = file.position
    for (const piece of pieces) {
      const next = linesFor(id, position, piece)
      if (next.lines === null) {
        yield* append(batch, position)
        batch = ""
        file.skipTo(next.position)
        // Before anything that follows it: the file doesn't say that something is missing.
        yield* keep(false)
        if (piece.type === "gap") {
          yield* Effect.logWarning(`the log ${path} lacks output ${piece.from} to ${piece.to}: ${piece.reason}`)
        }
      } else batch += next.lines
      position = next.position
      if (batch.length < BATCH_BYTES) continue
      yield* append(batch, position)
      batch = ""
    }
    yield* append(batch, position)
  })

  const { input, output } = file.position
  const from = { since: output, sinceInput: input }
  const ticket = yield* sessions.attach(id, { mode: "records", follow: true, uncounted: true, ...from })
  yield* Stream.runForEach(logPieces(ticket), add)
  if (!isOver(yield* sessions.show(id), file.position.output)) return false
  yield* keep(true)
  return true
})

const openFile = (
  path: string,
  remembered: Parameters<typeof LogFile.open>[1]
): Effect.Effect<LogFile, FileTrouble, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => {
      prepareRunDirectory(dirname(path))
      return LogFile.open(path, remembered)
    }),
    (file) => Effect.promise(() => file.close().catch(() => {}))
  )

/** An older session-host ends what it sends where the log ends for now. */
const isOver = ({ closedAt, output, state }: Session, written: number): boolean =>
  state === "lost" || (state === "exited" && closedAt !== null && written >= output.end)

const isStorage = (error: FileTrouble | StorageError | SessionHostUnavailable): error is StorageError =>
  error._tag === "StorageFailed" || error._tag === "StorageBusy"
