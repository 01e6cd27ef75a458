/** The routes that answer with JSON, defined by their schemas: from these requests are read, and the description is made. */
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { VERSION } from "../../config/version.ts"
import {
  AgentSession,
  DaemonStatus,
  Millis,
  Offset,
  Session,
  SessionRef,
  StartAgentFields,
  Tags
} from "../../protocol/index.ts"
import { problems } from "./problems.ts"

const yes = Schema.optionalKey(Schema.Literals(["true", "false"]))
const one = { id: SessionRef }
const described = (description: string) => OpenApi.annotations({ description })

export const Started = AgentSession

const list = HttpApiEndpoint.get("listSessions", "/sessions", {
  query: { all: yes, tag: Schema.optionalKey(Tags) },
  success: Schema.Struct({
    sessions: Schema.Array(Session),
    hostUnavailable: Schema.optionalKey(Schema.String)
  })
}).annotateMerge(
  described("Sessions, newest first: those that have not ended, or with all=true every one that is kept.")
)

const start = HttpApiEndpoint.post("startSession", "/sessions", {
  payload: Schema.Struct(StartAgentFields),
  success: [
    Started.pipe(HttpApiSchema.status(201)),
    Started.annotate({ description: "Started before, with the same idempotencyKey" })
  ],
  error: problems
}).annotateMerge(
  described(
    "Starts an agent, or any command, on pipes in a directory. 201: it runs. 200: a request with this idempotencyKey came before, and this is what it started. 400: what is asked for is not whole (a prompt is missing). 409: the key was given with another request, or the name is taken. 422: there is no such agent, the directory can't be used, or the program can't be started. 429: as many sessions run as may. 503: nothing can be started or written down now."
  )
)

const show = HttpApiEndpoint.get("showSession", "/sessions/:id", {
  params: one,
  success: Schema.Struct({ session: Session, agent: Schema.NullOr(AgentSession) }),
  error: problems
}).annotateMerge(
  described("One session, by its id, the beginning of it, or its name; and what is known of the agent in it.")
)

const remove = HttpApiEndpoint.delete("endSession", "/sessions/:id", {
  params: one,
  query: {
    signal: Schema.optionalKey(Schema.String),
    graceMillis: Schema.optionalKey(Schema.FiniteFromString.pipe(Schema.decodeTo(Millis))),
    forget: yes
  },
  success: Session,
  error: problems
}).annotateMerge(described("Ends a session and answers once it has ended. With forget=true its log is deleted too."))

const input = HttpApiEndpoint.post("writeInput", "/sessions/:id/input", {
  params: one,
  payload: Schema.Struct({
    /** Typed as it is. */
    text: Schema.optionalKey(Schema.String),
    /** The same in base64, for bytes. */
    data: Schema.optionalKey(Schema.String.check(Schema.isBase64())),
    /** An agent's next turn. */
    turn: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 1024 * 1024, { expected: "a text" }))),
    /** Nothing follows: the program meets the end of its input behind this. */
    endInput: Schema.optionalKey(Schema.Boolean)
  }),
  success: Schema.Struct({ acceptedBytes: Schema.Int, queuedBytes: Schema.Int }),
  error: problems
}).annotateMerge(
  described(
    "Types into a session, or gives the agent in it its next turn. One of text, data and turn. All of it is accepted, or none."
  )
)

const health = HttpApiEndpoint.get("health", "/health", {
  success: Schema.Struct({ status: Schema.Literal("ok") })
}).annotateMerge(described("hob answers. Open to whoever reaches it, and says nothing else."))

const status = HttpApiEndpoint.get("status", "/status", { success: DaemonStatus }).annotateMerge(
  described("The daemon as it sees itself, as daemon.status.")
)

export const RestGroup = HttpApiGroup.make("rest").add(health, status, list, start, show, remove, input)

/** What is served by these definitions. */
export const RestApi = HttpApi.make("hob").add(RestGroup)

const Text = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" }))

const StreamGroup = HttpApiGroup.make("streams").add(
  HttpApiEndpoint.get("readOutput", "/sessions/:id/output", {
    params: one,
    query: { since: Schema.optionalKey(Offset), tail: Schema.optionalKey(Offset), follow: yes },
    success: Schema.Uint8Array.pipe(HttpApiSchema.asUint8Array()),
    error: problems
  }).annotateMerge(
    described(
      "A session's output as bytes, from the offset since, or the last tail bytes; with follow=true it goes on. The header x-hob-offset says where it begins: later than asked for, where what was before is no longer kept."
    )
  ),
  HttpApiEndpoint.get("agentEvents", "/sessions/:id/events", {
    params: one,
    query: { since: Schema.optionalKey(Offset), follow: yes, raw: yes },
    success: Text,
    error: problems
  }).annotateMerge(
    described(
      "What an agent has said and says, as server-sent events. An event's id is an offset: Last-Event-ID goes on there."
    )
  ),
  HttpApiEndpoint.get("events", "/events", {
    query: {
      channel: Schema.optionalKey(Schema.Array(Schema.String)),
      namespace: Schema.optionalKey(Schema.String),
      since: Schema.optionalKey(Schema.String)
    },
    success: Text,
    error: problems
  }).annotateMerge(
    described(
      "Events of channels as server-sent events; of sessions and agents where no channel is named. Patterns are allowed. Last-Event-ID, or since, goes on behind that event; where some are no longer kept, an event gap says so."
    )
  ),
  HttpApiEndpoint.post("rpc", "/rpc", {
    payload: Schema.Json,
    success: Schema.Json,
    error: problems
  }).annotateMerge(
    described(
      "One request of the native protocol, or a batch: JSON-RPC 2.0, answered as there. A method that streams is answered with a line of JSON for each message (application/x-ndjson)."
    )
  ),
  HttpApiEndpoint.get("webSocket", "/ws", {
    success: HttpApiSchema.Empty(101)
  }).annotateMerge(described("The native protocol over a WebSocket: one message per frame, as text.")),
  HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  }).annotateMerge(described("Counters and gauges as Prometheus reads them.")),
  HttpApiEndpoint.get("openapi", "/openapi.json", { success: Schema.Json }).annotateMerge(
    described("This description.")
  )
)

/** The description of all routes. Those that nobody's program asks for, pages and the way in for browsers, are left out. */
export const describeApi = (): OpenApi.OpenAPISpec => {
  const described = RestApi.add(StreamGroup).annotateMerge(
    OpenApi.annotations({
      title: "hob",
      version: VERSION,
      description:
        "The control API of hob: sessions, agents, and every method of the native protocol. Each request but /health needs a token: Authorization: Bearer …",
      override: {
        security: [{ bearer: [] }],
        components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } }
      }
    })
  )
  const { paths, ...rest } = OpenApi.fromApi(described)
  const demanding = Object.entries(paths).map(([path, operations]) => [
    path,
    path === "/health" ? operations : inheriting(operations)
  ])
  return { ...rest, paths: Object.fromEntries(demanding) }
}

/** An operation with a list of its own, which effect writes into each, would be open: an empty one needs no token. */
const inheriting = (operations: object): object =>
  Object.fromEntries(
    Object.entries(operations).map(([method, { security: _security, ...operation }]) => [method, operation])
  )
