/** The wire of photon's daemon, in its own spelling: one JSON object on a line, each request with an `id`. */
import { Option, Schema } from "effect"
import { hasLargeNumber } from "../../wire/largeNumbers.ts"
import { memberText } from "../../wire/members.ts"
import { endOfPlainText, endOfWhole, isPlainJson, wholeOf } from "../../wire/plainJson.ts"

const of = <const Type extends string, Fields extends Schema.Struct.Fields>(type: Type, fields: Fields) =>
  Schema.Struct({ type: Schema.Literal(type), id: Schema.String, ...fields })

const anything = Schema.optionalKey(Schema.Unknown)

/** What a client asks, checked as its own daemon checks it: what is `anything` here is never refused. Other fields are ignored. */
export const Request = Schema.Union([
  of("ping", {}),
  of("shutdown", {}),
  of("subscribe", { channel: Schema.String, lastEventId: anything }),
  of("unsubscribe", { channel: Schema.String }),
  of("publish", { channel: Schema.String }),
  of("lock", { lockName: Schema.String, sessionId: anything, lockTimeout: anything }),
  of("unlock", { lockName: Schema.String, sessionId: anything }),
  of("list_locks", {}),
  of("command", { method: Schema.String, args: anything, sessionId: anything }),
  of("prompt_response", { promptValue: anything }),
  of("schedule", {
    jobId: Schema.String,
    method: Schema.String,
    cron: Schema.String,
    args: anything,
    sessionId: anything
  }),
  of("unschedule", { jobId: Schema.String }),
  of("list_jobs", {})
]).pipe(Schema.toTaggedUnion("type"))
export type Request = typeof Request.Type

/** A line that was understood. Where a request has come in the usual spelling its texts are what stood in the line. */
export type Said =
  | { readonly type: "request"; readonly request: Exclude<Request, { readonly type: "ping" | "publish" }> }
  | { readonly type: "ping"; readonly id: string }
  /** `message`: its JSON; undefined where there is none. `id`: its JSON. */
  | { readonly type: "publish"; readonly id: string; readonly channel: string; readonly message: string | undefined }
  /** `id`: JSON, of the line's own id where it has one that is a string. */
  | { readonly type: "refusal"; readonly id: string; readonly error: string }

/** The `id` of an answer to something that has none. */
export const UNKNOWN_ID = '"unknown"'

const decode = Schema.decodeUnknownOption(Request)

/** Tells what a line is. */
export const readLine = (line: string): Said => {
  const plain = readPlainLine(line)
  if (plain !== undefined) return plain
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (error) {
    return { type: "refusal", id: UNKNOWN_ID, error: (error as Error).message }
  }
  const request = readPlainLock(value) ?? Option.getOrUndefined(decode(value))
  if (request === undefined) return { type: "refusal", id: idOf(value), error: "Invalid request format" }
  if (request.type === "ping") return { type: "ping", id: JSON.stringify(request.id) }
  if (request.type !== "publish") return { type: "request", request }
  const { message } = value as { readonly message?: unknown }
  return {
    type: "publish",
    id: JSON.stringify(request.id),
    channel: request.channel,
    // What is too large to be a number comes as null, as from photon's own daemon: hob's clients could not read it.
    message: hasLargeNumber(message) ? JSON.stringify(message) : memberText(line, "message")
  }
}

/** The same for requests about locks, which come by the thousand too, without the schema; what is odd is left to it. */
export const readPlainLock = (value: unknown): Extract<Request, { readonly type: "lock" | "unlock" }> | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const { id, lockName, lockTimeout, sessionId, type } = value as { readonly [Key in keyof PlainLock]?: unknown }
  if (typeof id !== "string" || typeof lockName !== "string" || typeof sessionId !== "string") return undefined
  if (type === "unlock") return { type, id, lockName, sessionId }
  if (type !== "lock" || typeof lockTimeout !== "number") return undefined
  return { type, id, lockName, sessionId, lockTimeout }
}
type PlainLock = Extract<Request, { readonly type: "lock" }>

const idOf = (value: unknown): string => {
  const id = (value as { readonly id?: unknown } | null)?.id
  return typeof id === "string" ? JSON.stringify(id) : UNKNOWN_ID
}

const PING = '{"type":"ping","id":"'
const PUBLISH = '{"type":"publish","id":"'
const PHOTON = ',"photonName":"'
const CHANNEL = ',"channel":"'
const MESSAGE = ',"message":'
const LOCK = '{"type":"lock","id":"'
const UNLOCK = '{"type":"unlock","id":"'
const SESSION = '","sessionId":"'
const LOCK_NAME = '","lockName":"'
const TIMEOUT = '","lockTimeout":'

/**
 * The same for the requests that come by the thousand, in the spelling of photon's own client, without parsing more
 * than the message. `undefined` where the line has to be parsed; nothing is refused here. Sound because the texts hold
 * no escapes, and because what remains behind the head must be one JSON value and the closing brace.
 */
export const readPlainLine = (line: string): Said | undefined => {
  const last = line.length - 1
  if (line.charCodeAt(last) !== CLOSE_BRACE) return undefined
  if (line.startsWith(PING)) {
    const end = endOfPlainText(line, PING.length)
    return end === last - 1 ? { type: "ping", id: line.slice(PING.length - 1, last) } : undefined
  }
  if (!line.startsWith(PUBLISH)) {
    const request = readPlainLockLine(line)
    return request && { type: "request", request }
  }
  const idEnd = endOfPlainText(line, PUBLISH.length)
  if (idEnd === -1) return undefined
  // Newer clients name the photon, which the socket says already.
  const isNamed = line.startsWith(PHOTON, idEnd + 1)
  const headEnd = isNamed ? endOfPlainText(line, idEnd + 1 + PHOTON.length) : idEnd
  if (headEnd === -1 || !line.startsWith(CHANNEL, headEnd + 1)) return undefined
  const channelStart = headEnd + 1 + CHANNEL.length
  const channelEnd = endOfPlainText(line, channelStart)
  if (channelEnd === -1) return undefined
  const id = line.slice(PUBLISH.length - 1, idEnd + 1)
  const channel = line.slice(channelStart, channelEnd)
  if (channelEnd + 1 === last) return { type: "publish", id, channel, message: undefined }
  if (!line.startsWith(MESSAGE, channelEnd + 1)) return undefined
  const message = line.slice(channelEnd + 1 + MESSAGE.length, last)
  // Carried as it stands here: without the white space around it.
  if (!(message.charCodeAt(0) > SPACE && message.charCodeAt(message.length - 1) > SPACE)) return undefined
  return isPlainJson(message) || isCarriable(message) ? { type: "publish", id, channel, message } : undefined
}

const readPlainLockLine = (line: string): ReturnType<typeof readPlainLock> => {
  const type = line.startsWith(LOCK) ? "lock" : line.startsWith(UNLOCK) ? "unlock" : undefined
  if (type === undefined) return undefined
  const last = line.length - 1
  const idStart = type === "lock" ? LOCK.length : UNLOCK.length
  const idEnd = endOfPlainText(line, idStart)
  if (idEnd === -1 || !line.startsWith(SESSION, idEnd)) return undefined
  const sessionEnd = endOfPlainText(line, idEnd + SESSION.length)
  if (sessionEnd === -1 || !line.startsWith(LOCK_NAME, sessionEnd)) return undefined
  const nameEnd = endOfPlainText(line, sessionEnd + LOCK_NAME.length)
  if (nameEnd === -1) return undefined
  const id = line.slice(idStart, idEnd)
  const sessionId = line.slice(idEnd + SESSION.length, sessionEnd)
  const lockName = line.slice(sessionEnd + LOCK_NAME.length, nameEnd)
  if (type === "unlock") return nameEnd + 1 === last ? { type, id, lockName, sessionId } : undefined
  if (!line.startsWith(TIMEOUT, nameEnd)) return undefined
  const digits = nameEnd + TIMEOUT.length
  if (endOfWhole(line, digits) !== last) return undefined
  return { type, id, lockName, sessionId, lockTimeout: wholeOf(line, digits, last) }
}

/** JSON without a number that is too large for hob's clients to read. */
const isCarriable = (json: string): boolean => {
  try {
    return !hasLargeNumber(JSON.parse(json))
  } catch {
    return false
  }
}

const SPACE = 0x20
const CLOSE_BRACE = 0x7d
