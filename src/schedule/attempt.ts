/** One attempt of a run: the method is called, or the command runs. */
import { Cause, Duration, Effect } from "effect"
import type { Methods } from "../methods/Methods.ts"
import type { MethodError } from "../protocol/methodErrors.ts"
import type { Sessions } from "../sessions/Sessions.ts"
import { type ActiveRun, isoOf, type Outcome } from "./ActiveRun.ts"
import { awaitCommand, startCommand } from "./runCommand.ts"
import type { CommandWork, Work } from "./work.ts"

/** The pause before attempt number `attempts + 1`: a second, doubling, at most five minutes. */
export const retryPause = (attempts: number): Duration.Duration =>
  Duration.millis(Math.min(1000 * 2 ** Math.max(0, attempts - 1), 300_000))

/** A method whose module has its hands full is asked again for so long. */
const BUSY_MILLIS = 60_000
const BUSY_PAUSE_MILLIS = 200

const failed = (error: MethodError): Outcome => {
  const state = error._tag === "MethodTimedOut" ? "timed-out" : "failed"
  const exitCode = error._tag === "MethodFailed" && error.exitCode !== undefined ? { exitCode: error.exitCode } : {}
  return { state, error: error.message, ...exitCode }
}

/** The beginning of a text, cut between characters. */
const cutTo = (text: string, limit: number): string => {
  if (text.length <= limit && Buffer.byteLength(text) <= limit) return text
  return new TextDecoder().decode(Buffer.from(text.slice(0, limit)).subarray(0, limit), { stream: true })
}

const answered = (result: unknown, outputBytes: number): Outcome => {
  if (result === undefined || outputBytes === 0) return { state: "succeeded" }
  return { state: "succeeded", output: cutTo(JSON.stringify(result), outputBytes) }
}

/** Calls the method. A limit of the job's own holds even where the method does not listen. */
const callMethod = (
  methods: Methods["Service"],
  { of: { id, namespace, timeoutMillis } }: ActiveRun,
  { method, params = {} }: Exclude<Work, CommandWork>,
  outputBytes: number
): Effect.Effect<Outcome> => {
  const invoke = (leftMillis: number): Effect.Effect<Outcome> =>
    methods
      .invoke({
        namespace,
        method,
        params,
        caller: { kind: "job", id },
        ...(timeoutMillis === null ? {} : { timeoutMillis })
      })
      .pipe(
        Effect.map((result) => answered(result, outputBytes)),
        Effect.catch((error) =>
          error._tag === "MethodsBusy" && leftMillis > 0
            ? Effect.andThen(
                Effect.sleep(BUSY_PAUSE_MILLIS),
                Effect.suspend(() => invoke(leftMillis - BUSY_PAUSE_MILLIS))
              )
            : Effect.succeed(failed(error))
        )
      )
  const call = invoke(BUSY_MILLIS)
  if (timeoutMillis === null) return call
  const error = `The method "${method}" took longer than ${timeoutMillis} ms, and was stopped.`
  return Effect.raceFirst(call, Effect.as(Effect.sleep(timeoutMillis), { state: "timed-out", error } satisfies Outcome))
}

/** Runs the command; `told` hears of its session. */
const command = (
  sessions: Sessions["Service"],
  active: ActiveRun,
  work: CommandWork,
  outputBytes: number,
  told: (session: ActiveRun["session"]) => Effect.Effect<void>
): Effect.Effect<Outcome> => {
  const { of, run, slot } = active
  return Effect.gen(function* () {
    const { id: session } = yield* startCommand(sessions, work, {
      run,
      namespace: of.namespace,
      id: of.id,
      slot: slot === null ? null : isoOf(slot),
      timeoutMillis: of.timeoutMillis
    })
    yield* told(session)
    return yield* awaitCommand(sessions, session, outputBytes)
  }).pipe(Effect.catch((error) => Effect.succeed<Outcome>({ state: "failed", error: error.message })))
}

/** What a bug says. */
export const ofBug = (cause: Cause.Cause<unknown>): Outcome => {
  const error = Cause.squash(cause)
  return { state: "failed", error: `hob failed: ${error instanceof Error ? error.message : String(error)}` }
}

export interface Means {
  readonly methods: Methods["Service"]
  readonly sessions: Sessions["Service"]
  readonly outputBytes: number
}

export const attempt = (
  { methods, outputBytes, sessions }: Means,
  active: ActiveRun,
  told: (session: ActiveRun["session"]) => Effect.Effect<void>
): Effect.Effect<Outcome> => {
  const { work } = active.of
  if (work === undefined) return Effect.succeed({ state: "interrupted", error: "The job is no more." })
  return "method" in work
    ? callMethod(methods, active, work, outputBytes)
    : command(sessions, active, work, outputBytes, told)
}
