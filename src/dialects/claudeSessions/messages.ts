/** The wire of claude-sessions, in its own spelling: one request and one answer for each connection. */
import { Option, Result, Schema } from "effect"
import { members } from "../../wire/members.ts"

const of = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), ...fields })

const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed()))
const isText = Schema.is(Text)

/** What a client asks. Fields that are not here are ignored. */
export const Request = Schema.Union([
  of("start_session", { working_dir: Text }),
  of("list_sessions", {}),
  of("stop_session", { session_id: Text }),
  of("send_input", { session_id: Text, text: Text }),
  of("attach_session", { session_id: Text }),
  of("ping", {}),
  of("shutdown", {})
]).pipe(Schema.toTaggedUnion("type"))
export type Request = typeof Request.Type

/** A session in a listing: five texts. */
export const SessionInfo = Schema.Struct({
  id: Schema.String,
  working_dir: Schema.String,
  /** RFC 3339. */
  created_at: Schema.String,
  status: Schema.Literals(["running", "stopped", "crashed", "stale", "orphaned"]),
  log_path: Schema.String
})
export type SessionInfo = typeof SessionInfo.Type

/** What a client is answered. */
export const Response = Schema.Union([
  of("session_started", { session_id: Schema.String, log_path: Schema.String }),
  of("session_list", { sessions: Schema.Array(SessionInfo) }),
  of("session_stopped", { session_id: Schema.String }),
  of("pong", {}),
  of("ok", {}),
  of("error", { message: Schema.String })
])
export type Response = typeof Response.Type

/** One line of a session's log. */
export const LogEntry = Schema.Struct({
  /** RFC 3339, UTC. */
  timestamp: Schema.String,
  session_id: Schema.String,
  direction: Schema.Literals(["input", "output"]),
  /** Base64 of `size` bytes, which may end inside a character. */
  data: Schema.String,
  size: Schema.Int
})
export type LogEntry = typeof LogEntry.Type

/** The deepest nesting that its reader of JSON takes. */
export const DEPTH = 127

const parse = Option.liftThrowable((line: string): unknown => JSON.parse(line))
const decode = Schema.decodeUnknownOption(Request)
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Which fields a request has, beside its `type`. */
const fields = new Map<unknown, ReadonlyArray<string>>(
  Object.values(Request.cases).map(({ fields: { type, ...rest } }) => [type.literal, Object.keys(rest)])
)

/**
 * Reads a request. Fails where its program would not take it (not JSON, an unknown type, a field that is missing or
 * there twice), with what is wrong with it: a clause for its client, which quotes nothing of it.
 */
export const readRequest = (line: string): Result.Result<Request, string> => {
  const value = Option.getOrUndefined(parse(line))
  if (value === undefined) return Result.fail("the line is not JSON")
  if (!isObject(value)) return Result.fail("the line is not a JSON object")
  const names = fields.get(value["type"])
  if (names === undefined) return Result.fail(`"type" must be one of ${[...fields.keys()].join(", ")}`)
  const keys = members(line).map(({ key }) => key)
  const twice = ["type", ...names].find((name) => keys.indexOf(name) !== keys.lastIndexOf(name))
  if (twice !== undefined) return Result.fail(`"${twice}" is there twice`)
  const wrong = names.find((name) => !isText(value[name]))
  return Result.fromOption(decode(value), () => `"${wrong}" must be a text`)
}
