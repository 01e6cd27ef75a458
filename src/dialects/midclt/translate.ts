/** Between midclt's answers and what hob's upstreams say. Pure. */
import { Schema } from "effect"
import type { JobProgress, UpstreamCallError } from "../../protocol/upstream.ts"
import { oneLine } from "../../upstream/scan.ts"
import type { Refusal } from "./messages.ts"
import { dumps, Raw } from "./python.ts"

/** The line of a result, around the text that the upstream wrote. */
export const result = (text: string): string => `{"type": "result", "result": ${oneLine(text)}}`
export const pong = result('"pong"')
export const shuttingDown = result('"Daemon shutting down"')

export const progress = ({ description, percent, state }: JobProgress): string =>
  dumps({ type: "progress", percent, description, state })

/** What fails before anything is called, or is no failure of a call: without `trace` and `extra`. */
export const error = (text: string, type: string): string => dumps({ type: "error", error: text, error_type: type })

export const refused = ({ byServer, refused, type }: Refusal): string =>
  byServer === true ? callFailed(refused, { code: -32600 }) : error(refused, type)

/** What a call fails with always has both. */
const callFailed = (text: string, more: object = {}): string =>
  dumps({ type: "error", error: text, error_type: "ClientException", trace: null, extra: null, ...more })

const CALL_TIMEOUT = "Call timeout"
export const timedOut = callFailed(CALL_TIMEOUT)
export const pingTimeout = error(CALL_TIMEOUT, "CallTimeout")

/** What was asked for is an object of theirs, and no JSON. */
export const notSerializable = (what: "Call" | "Job"): string =>
  error(`Object of type ${what} is not JSON serializable`, "TypeError")

/** A call's failure. What midclt's clients don't know stands behind what they do: `errno`, `errname`, `code`, `errors`, `detail`, `job`. */
export const failure = (problem: UpstreamCallError): string => {
  switch (problem._tag) {
    case "UpstreamCallFailed": {
      const { code, errname, errno, extra, job, reason, trace } = problem
      const ids = { code, errno, errname, ...(job === null ? {} : { job }) }
      const errors = code === INVALID_PARAMS && extra !== null ? validationText(extra) : undefined
      return errors === undefined
        ? callFailed(reason, { trace: raw(trace), extra: raw(extra), ...ids })
        : callFailed(errors, { ...ids, errors: raw(extra) })
    }
    case "UpstreamTimedOut":
      return callFailed(CALL_TIMEOUT, { detail: problem.message })
    case "UpstreamOutcomeUnknown":
    case "UpstreamJobAborted":
      return callFailed(problem.message, problem.job === null ? {} : { job: problem.job })
    default:
      return callFailed(problem.message)
  }
}

/** Of a ping: the class tells a time-out from the rest. */
export const pingFailure = (problem: UpstreamCallError): string =>
  problem._tag === "UpstreamTimedOut" ? pingTimeout : error(problem.message, "ClientException")

const INVALID_PARAMS = -32602
const raw = (text: string | null): Raw | null => (text === null ? null : new Raw(oneLine(text)))

const decodeErrors = Schema.decodeUnknownOption(
  Schema.fromJsonString(
    Schema.Array(Schema.Tuple([Schema.NullOr(Schema.String), Schema.NullOr(Schema.String), Schema.Unknown]))
  )
)

/** One line for each parameter that is wrong; undefined where it isn't said which. */
const validationText = (extra: string): string | undefined => {
  const errors = decodeErrors(extra)
  if (errors._tag === "None" || errors.value.length === 0) return undefined
  return errors.value.map(([attribute, message]) => `[EINVAL] ${attribute ?? "ALL"}: ${message ?? ""}`).join("\n")
}
