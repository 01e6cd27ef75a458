/** What clients of happy ask, and how they are told what is wrong: as their own daemon's web framework does. */
import { Option, Schema } from "effect"
import { Variables } from "../../machine/expandVariables.ts"
import type { Reply } from "../../wire/http/messages.ts"

const Text = Schema.String.check(Schema.isMaxLength(4096))
const optionalText = Schema.optionalKey(Text)

export const SpawnSession = Schema.Struct({
  directory: Text,
  agent: optionalText,
  environmentVariables: Schema.optionalKey(Variables)
})

export const StopSession = Schema.Struct({ sessionId: Text })

export const SessionStarted = Schema.Struct({ sessionId: Text, metadata: Schema.Unknown })

const Metadata = Schema.Struct({ hostPid: Schema.Int.check(Schema.isGreaterThan(0)) })
const decodeMetadata = Schema.decodeUnknownOption(Metadata)
/** The process of a session that somebody has begun in a terminal. */
export const hostPidOf = (metadata: unknown): number | undefined =>
  Option.getOrUndefined(Option.map(decodeMetadata(metadata), ({ hostPid }) => hostPid))

const problem = (statusCode: number, error: string, message: string, code?: string): Reply => ({
  status: statusCode,
  body: { statusCode, ...(code === undefined ? {} : { code }), error, message }
})

export const invalidBody = (message: string): Reply => problem(400, "Bad Request", message, "FST_ERR_VALIDATION")
export const emptyBody: Reply = problem(
  400,
  "Bad Request",
  "Body cannot be empty when content-type is set to 'application/json'",
  "FST_ERR_CTP_EMPTY_JSON_BODY"
)
export const notJson: Reply = problem(400, "Bad Request", "Body is not valid JSON", "FST_ERR_CTP_INVALID_JSON_BODY")
export const mediaType = (type: string): Reply =>
  problem(415, "Unsupported Media Type", `Unsupported Media Type: ${type}`, "FST_ERR_CTP_INVALID_MEDIA_TYPE")
export const bodyTooLarge: Reply = problem(
  413,
  "Payload Too Large",
  "Request body is too large",
  "FST_ERR_CTP_BODY_TOO_LARGE"
)
export const forbidden = (message: string): Reply => problem(403, "Forbidden", message)
export const misdirected: Reply = problem(421, "Misdirected Request", "This is a daemon of this machine alone.")
export const noRoute = (method: string, path: string): Reply => ({
  status: 404,
  body: { message: `Route ${method}:${path} not found`, error: "Not Found", statusCode: 404 }
})

/** What a field has to be, in the framework's words. */
export const missingField = (body: unknown, field: string, expected: string): string => {
  const value =
    typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>)[field] : undefined
  const received = value === null ? "null" : Array.isArray(value) ? "array" : typeof value
  return `body/${field} Invalid input: expected ${expected}, received ${received}`
}
