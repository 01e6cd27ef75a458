/**
 * Commands of jobs, each in a session on pipes of its own: it survives the daemon, and ends with all its processes. Such
 * a session is tagged `job` and `run:<number>`, by which the next daemon finds it again, and is removed once the run is
 * written down.
 */
import { Effect, Option, Stream } from "effect"
import type { Session, SessionId } from "../protocol/index.ts"
import type { RunNumber } from "../protocol/schedule.ts"
import { outputChunks } from "../sessions/hostStream.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import type { Outcome } from "./ActiveRun.ts"
import type { CommandWork } from "./work.ts"

const HOST_PAUSE = "5 seconds"

const tagsOf = (run: RunNumber): ReadonlyArray<string> => ["job", `run:${run}`]

export interface CommandRun {
  readonly run: RunNumber
  readonly namespace: string
  readonly id: string
  readonly slot: string | null
  readonly timeoutMillis: number | null
}

/** Starts the command. Its parameters are its standard input. */
export const startCommand = (
  sessions: Sessions["Service"],
  work: CommandWork,
  { id, namespace, run, slot, timeoutMillis }: CommandRun
) =>
  Effect.gen(function* () {
    const session = yield* sessions.run({
      command: work.command,
      kind: "pipe",
      tags: tagsOf(run),
      ...(work.cwd === undefined ? {} : { cwd: work.cwd }),
      extraEnv: {
        ...work.env,
        HOB_JOB_NAMESPACE: namespace,
        HOB_JOB_ID: id,
        HOB_JOB_RUN: String(run),
        ...(slot === null ? {} : { HOB_JOB_SLOT: slot })
      },
      ...(timeoutMillis === null ? {} : { limits: { ttlMillis: timeoutMillis } })
    })
    const input = Buffer.from(work.params === undefined ? "" : `${JSON.stringify(work.params)}\n`)
    // It may have ended without reading any.
    yield* Effect.ignore(sessions.send(session.id, input, { endInput: true }))
    return session
  })

/** The session of a run that an earlier daemon began; none when the command never started. Asks until the host answers. */
export const findCommand = (sessions: Sessions["Service"], run: RunNumber): Effect.Effect<Option.Option<Session>> =>
  Effect.gen(function* () {
    for (;;) {
      const { hostUnavailable, sessions: found } = yield* sessions.listing({ all: true, tags: tagsOf(run) })
      if (hostUnavailable === undefined) return Option.fromUndefinedOr(found[0])
      yield* Effect.sleep(HOST_PAUSE)
    }
  })

/**
 * Waits until it has ended, and tells how, with the end of what it printed; and how long it took, of a run that an
 * earlier daemon began.
 */
export const awaitCommand = (
  sessions: Sessions["Service"],
  id: SessionId,
  outputBytes: number,
  beganAt: string | null = null
) =>
  Effect.gen(function* () {
    const session = yield* sessions.wait(id)
    const output = yield* tailOf(sessions, id, outputBytes)
    const outcome = outcomeOf(session, output)
    if (beganAt === null) return outcome
    // Both are times of the wall clock, which may have been set meanwhile.
    const tookMillis = session.exit === null ? null : Math.max(0, Date.parse(session.exit.at) - Date.parse(beganAt))
    return { ...outcome, tookMillis }
  })

const tailOf = (sessions: Sessions["Service"], id: SessionId, outputBytes: number) =>
  outputBytes === 0
    ? Effect.succeed("")
    : Stream.unwrap(
        Effect.map(sessions.attach(id, { mode: "read", tail: outputBytes, uncounted: true }), outputChunks)
      ).pipe(
        Stream.runFold(
          () => [] as Array<Buffer>,
          (pieces, { data }) => {
            pieces.push(Buffer.from(data, "base64"))
            return pieces
          }
        ),
        Effect.map((pieces) => Buffer.concat(pieces).subarray(-outputBytes).toString("utf8")),
        // What it did counts more than what it said.
        Effect.orElseSucceed(() => "")
      )

const outcomeOf = ({ exit, state }: Session, output: string): Outcome => {
  const printed = output === "" ? {} : { output }
  if (exit === null) {
    const error =
      state === "lost" ? "The session-host ended while the command ran." : `The command's session is ${state}.`
    return { state: "interrupted", error, ...printed }
  }
  const { code, reason, signal } = exit
  if (code === 0) return { state: "succeeded", exitCode: 0, ...printed }
  if (reason === "ttl")
    return { state: "timed-out", error: "The command took longer than it may, and was ended.", ...printed }
  const why = reason === null ? "" : ` (${reason})`
  const error = code === null ? `The command was ended by ${signal}${why}.` : `The command exited with ${code}${why}.`
  return { state: "failed", error, ...printed, ...(code === null ? {} : { exitCode: code }) }
}
