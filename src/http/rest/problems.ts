/** What a request is told that failed: a sentence, the error's name, and what it has to say. */
import { Schema } from "effect"
import { HttpApiSchema } from "effect/http-api"

const fields = {
  /** A sentence that says what is wrong and what to do next. */
  error: Schema.String,
  /** The error's name, where it has one. */
  tag: Schema.optionalKey(Schema.String),
  /** What the error says beside that. */
  details: Schema.optionalKey(Schema.Json)
}

const problem = <const S extends number>(status: S, identifier: string) =>
  Schema.Struct({ status: Schema.Literal(status), ...fields })
    .annotate({ identifier })
    .pipe(HttpApiSchema.status(status))

const BadRequest = problem(400, "BadRequest")
const NotFound = problem(404, "NotFound")
const Conflict = problem(409, "Conflict")
const Unprocessable = problem(422, "Unprocessable")
const TooMany = problem(429, "TooMany")
const Unavailable = problem(503, "Unavailable")

/** Any of them: what a route can be answered with instead. */
export const problems = [BadRequest, NotFound, Conflict, Unprocessable, TooMany, Unavailable] as const

export type Problem = (typeof problems)[number]["Type"]

interface Tagged {
  readonly _tag: string
  readonly message: string
}

const statuses: Readonly<Record<string, Problem["status"]>> = {
  SessionNotFound: 404,
  SessionAmbiguous: 409,
  SessionNameTaken: 409,
  SessionEnded: 409,
  SessionRunning: 409,
  OwnSession: 409,
  IdempotencyConflict: 409,
  AgentTakesNoTurns: 409,
  UnknownSignal: 400,
  AgentNeedsPrompt: 400,
  UnknownAgent: 422,
  AgentDirectoryUnusable: 422,
  SpawnFailed: 422,
  InputQueueFull: 429,
  SessionHostUnavailable: 503,
  StorageFailed: 503,
  StorageFull: 503,
  StorageBusy: 503
}

/** A method's error as an answer. */
export const problemOf = (error: Tagged): Problem => {
  const { _tag: tag, message } = error
  const { cause: _cause, stack: _stack, ...details } = JSON.parse(JSON.stringify(error)) as Record<string, Schema.Json>
  const tooMany = tag === "SpawnFailed" && details["reason"] === "too-many-sessions"
  const status = tooMany ? 429 : (statuses[tag] ?? 422)
  const { _tag, ...rest } = details
  return { status, error: message, tag, details: rest } as Problem
}
