/** What a request for a stream asks for, in words of the native protocol. */
import { Option, Schema } from "effect"
import type { AgentEvent } from "../../protocol/agents.ts"
import type { ChannelItem } from "../../protocol/channels.ts"
import { header } from "../../wire/http/headers.ts"
import { type Head, reject, type Reply } from "../../wire/http/messages.ts"
import { EventStream, type EventStreamOptions, type SentEvent } from "./eventStream.ts"
import { OutputStream, type OutputStreamOptions } from "./outputStream.ts"

type Rest<O> = Omit<O, "method" | "params" | "toEvent">

/** What a stream is made of once it may begin. */
export interface Stream {
  /** It goes on when all that there is has been told. */
  readonly isEndless: boolean
  begin(options: Rest<EventStreamOptions> & Rest<OutputStreamOptions>): EventStream | OutputStream
}

/** What is heard where no channel is named. */
const DEFAULT_CHANNELS = ["sessions:*", "agents:*"]

const Offset = Schema.decodeUnknownOption(
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0))
)

const offsetOf = (name: string, text: string | null | undefined): number | undefined | Reply => {
  if (text === null || text === undefined || text === "") return undefined
  return Option.getOrElse(Offset(text), () => reject(400, `${name}: must be an offset, a whole number.`))
}

const isReply = (value: unknown): value is Reply => typeof value === "object" && value !== null && "status" in value

const channelEvent = (item: ChannelItem): SentEvent | undefined => {
  switch (item.type) {
    case "event": {
      const { at, channel, id, message } = item
      return { id, type: "event", data: { channel, at, message } }
    }
    // So that who comes back before anything has happened goes on from here.
    case "subscribed":
      return { id: item.id, type: "subscribed", data: {} }
    case "gap":
      return { id: item.through, type: "gap", data: { after: item.after, through: item.through, reason: item.reason } }
    default:
      return undefined
  }
}

/** `GET /events` */
export const channelStream = (head: Head, query: URLSearchParams): Stream => {
  const patterns = query.getAll("channel")
  const since = header(head.headers, "last-event-id") ?? query.get("since")
  const namespace = query.get("namespace")
  const params = {
    patterns: patterns.length === 0 ? DEFAULT_CHANNELS : patterns,
    ...(namespace === null ? {} : { namespace }),
    ...(since === null || since === "" ? {} : { since })
  }
  return {
    isEndless: true,
    begin: (options) => new EventStream({ ...options, method: "channels.subscribe", params, toEvent: channelEvent })
  }
}

const agentEvent = (event: AgentEvent): SentEvent => ({ id: String(event.offset), type: event.type, data: event })

/** `GET /sessions/:id/events` */
export const agentStream = (head: Head, session: string, query: URLSearchParams): Stream | Reply => {
  const since = offsetOf("since", header(head.headers, "last-event-id") ?? query.get("since"))
  if (isReply(since)) return since
  const params = {
    session,
    follow: query.get("follow") !== "false",
    raw: query.get("raw") === "true",
    ...(since === undefined ? {} : { since })
  }
  return {
    isEndless: params.follow,
    begin: (options) => new EventStream({ ...options, method: "agents.events", params, toEvent: agentEvent })
  }
}

/** `GET /sessions/:id/output` */
export const outputStream = (session: string, query: URLSearchParams): Stream | Reply => {
  const since = offsetOf("since", query.get("since"))
  if (isReply(since)) return since
  const tail = offsetOf("tail", query.get("tail"))
  if (isReply(tail)) return tail
  const params = {
    session,
    follow: query.get("follow") === "true",
    ...(since === undefined ? {} : { since }),
    ...(tail === undefined ? {} : { tail })
  }
  return { isEndless: params.follow, begin: (options) => new OutputStream({ ...options, params }) }
}
