/** A job until its end, on as many connections as that takes. */
import { Effect } from "effect"
import { type UpstreamCallError, UpstreamJobAborted } from "../protocol/upstream.ts"
import type { Connection } from "./Connection.ts"
import { hasEnded, type Job, readJob } from "./jobs.ts"
import type { Link } from "./Link.ts"
import type { Out } from "./Out.ts"
import { failed, outcomeOfRow, unknown, type Which } from "./outcomes.ts"
import type { Answer } from "./Requests.ts"
import { arrayElements } from "./scan.ts"
import { Lost } from "./Wire.ts"

export interface FollowOptions {
  readonly which: Which
  readonly link: Link
  readonly out: Out
  /** How long to wait for a connection that is lost. */
  readonly rejoinMillis: number
  /** How long an answer about the job may take. */
  readonly askMillis: number
}

/** The job's result: from the answer that was held back until its end, or once that is lost, from what the upstream knows. */
export const followJob = (options: FollowOptions, job: number): Effect.Effect<string, UpstreamCallError> =>
  Effect.flatMap(options.out.answered, (answer) => settleJob(options, job, answer))

/** What the answer of a job means: a job that was aborted is answered as one that has no result. */
export const settleJob = (
  options: FollowOptions,
  job: number,
  answer: Answer
): Effect.Effect<string, UpstreamCallError> => {
  const { out, which } = options
  if (answer.type === "lost") return rejoin(options, job, answer.reason)
  if (answer.type === "error") return Effect.fail(failed(which, answer.error, job))
  if (answer.result !== "null" || out.state === "SUCCESS") return Effect.succeed(answer.result)
  if (out.state === "ABORTED") return Effect.fail(new UpstreamJobAborted({ ...which, job }))
  // The answer and the last event come in either order: who has not heard it asks.
  const connection = options.link.current()
  const row = connection === undefined ? Effect.fail(new Lost("gone")) : rowOf(options, connection, job)
  return row.pipe(
    Effect.orElseSucceed(() => undefined),
    Effect.flatMap((row) => {
      const outcome = row === undefined ? undefined : outcomeOfRow(which, row)
      return outcome !== undefined && "error" in outcome ? Effect.fail(outcome.error) : Effect.succeed(answer.result)
    })
  )
}

/** Finds the job again: what it came to, or, while it runs, waits for its end. */
const rejoin = (options: FollowOptions, job: number, lost: string): Effect.Effect<string, UpstreamCallError> =>
  Effect.gen(function* () {
    const { link, out, rejoinMillis, which } = options
    let reason = lost
    for (;;) {
      const connection = yield* link.connection({ isPatient: true }).pipe(
        Effect.timeoutOrElse({
          duration: rejoinMillis,
          orElse: () => Effect.fail(new Lost(`${reason}; it did not come back within ${rejoinMillis} ms`))
        }),
        Effect.mapError((error) => unknown(which, job, error instanceof Lost ? error.reason : error.reason))
      )
      const found = yield* Effect.result(rowOf(options, connection, job))
      if (found._tag === "Failure") {
        if (!(found.failure instanceof Lost)) return yield* unknown(which, job, found.failure.reason)
        reason = found.failure.reason
        // It answers others, and not this: a pause, not a race.
        if (!connection.isLost()) yield* Effect.sleep("1 second")
        continue
      }
      const row = found.success
      const known = row === undefined ? undefined : readJob(row)
      if (row === undefined || known === undefined)
        return yield* unknown(which, job, `${reason}; the upstream does not know the job any more`)
      if (!hasEnded(known)) {
        out.progress(known.progress)
        const answer = yield* waitFor(connection, job)
        if (answer.type !== "lost") return yield* settleJob(options, job, answer)
        reason = answer.reason
        continue
      }
      return yield* end(options, row, known)
    }
  })

const end = ({ out, which }: FollowOptions, row: string, job: Job): Effect.Effect<string, UpstreamCallError> => {
  if (out.state !== job.progress.state) out.progress(job.progress)
  const outcome = outcomeOfRow(which, row)
  if (outcome === undefined) return Effect.fail(unknown(which, job.id, "its row can't be read"))
  return "error" in outcome ? Effect.fail(outcome.error) : Effect.succeed(outcome.result)
}

/** Its row as it was written, with the result that is hidden otherwise. */
const rowOf = ({ askMillis }: FollowOptions, connection: Connection, job: number) =>
  Effect.map(
    connection.ask("core.get_jobs", `[[["id", "=", ${job}]], {"extra": {"raw_result": true}}]`, askMillis),
    (rows) => arrayElements(rows)?.[0]
  )

/** `core.job_wait` is answered when the job has ended, as the call that began it would have been. */
const waitFor = (connection: Connection, job: number): Effect.Effect<Answer> =>
  Effect.callback((resume) => {
    const sent = connection.send("core.job_wait", `[${job}]`, (answer) => resume(Effect.succeed(answer)))
    if (sent === undefined) return resume(Effect.succeed({ type: "lost", reason: "the connection was lost" }))
    return Effect.sync(sent.forget)
  })
