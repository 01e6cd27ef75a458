import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { Endless } from "./endless.ts"
import { Millis, Timestamp } from "./ids.ts"
import { Question, UnknownPrompt } from "./methods.ts"
import { StorageError } from "./storage.ts"
import * as errors from "./upstreamErrors.ts"

export * from "./upstreamErrors.ts"

/** The name of an upstream: 1 to 64 of letters, digits, `.`, `_`, `-`, beginning with a letter or digit. */
export const UpstreamName = Schema.String.check(
  Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/u, {
    expected: "1 to 64 of letters, digits, '.', '_', '-', beginning with a letter or digit"
  })
)
export type UpstreamName = typeof UpstreamName.Type

/** Where it is: `ws://…`, `wss://…`, or `ws+unix://PATH` for a socket of this machine. */
export const UpstreamUri = Schema.String.check(
  Schema.isPattern(/^(?:wss?:\/\/[^\s\p{Cc}]+|ws\+unix:\/\/\/[^\p{Cc}]+)$/u, {
    expected: "ws://HOST/PATH, wss://HOST/PATH or ws+unix:///PATH"
  }),
  Schema.isMaxLength(2048)
)
export type UpstreamUri = typeof UpstreamUri.Type

/** The middleware of this machine, which knows its callers by their user id. */
export const LOCAL_UPSTREAM_URI = "ws+unix:///var/run/middleware/middlewared.sock"

/** Whose name the login is in. */
export const UpstreamUser = Schema.String.check(
  Schema.isPattern(/^[^\p{Cc}]{1,256}$/u, { expected: "1 to 256 characters without control characters" })
)

/** Calls in flight at once: one, unless the server is known to take more. */
export const UpstreamConcurrency = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 64 }))

export const CredentialKind = Schema.Literals(["password", "api-key", "token"])
export type CredentialKind = typeof CredentialKind.Type

/** What shows the upstream who is calling. Never shown or logged; kept in a file that only its owner reads. */
export const Credential = Schema.Struct({
  kind: CredentialKind,
  secret: Schema.String.check(
    Schema.isPattern(/^[^\0\r\n]{1,1024}$/u, { expected: "1 to 1024 characters on one line" })
  )
})
export type Credential = typeof Credential.Type

/** An upstream as it is declared. */
export const UpstreamDeclaration = Schema.Struct({
  name: UpstreamName,
  /** Default: the socket of this machine's own middleware. */
  uri: UpstreamUri,
  user: Schema.NullOr(UpstreamUser),
  /** Any certificate is taken for the server's. */
  insecure: Schema.Boolean,
  /** Certificates, as PEM, that are trusted beside those of the system: an absolute path. */
  caFile: Schema.NullOr(Schema.String),
  concurrency: UpstreamConcurrency,
  /** Unused for so long, its connection is closed, and made again by the next call. 0: never. */
  lifetimeMillis: Millis
})
export type UpstreamDeclaration = typeof UpstreamDeclaration.Type

/**
 * - `idle`: no connection, and nobody needs one. - `connecting`: a connection is made, or logged in. - `up`. - `waiting`:
 * it failed, and is tried again at `nextAttemptAt`, or sooner when somebody calls. - `refused`: the login is refused for
 * good; nothing is tried until somebody changes something.
 */
export const UpstreamState = Schema.Literals(["idle", "connecting", "up", "waiting", "refused"])
export type UpstreamState = typeof UpstreamState.Type

/** An upstream and how it is. */
export const Upstream = Schema.Struct({
  ...UpstreamDeclaration.fields,
  /** What there is to log in with. */
  credential: Schema.NullOr(CredentialKind),
  /** `configuration`: in `upstream.servers`. `command`: added by `upstream.add`. `default`: the local one, where none is declared. */
  declaredBy: Schema.Literals(["configuration", "command", "default"]),
  state: UpstreamState,
  since: Timestamp,
  /** Of one that waits or is refused: why. Of one that is up: why it was lost the last time, if it was. */
  reason: Schema.NullOr(Schema.String),
  nextAttemptAt: Schema.NullOr(Timestamp),
  /** Since the daemon's start: connections that came up, and logins that were asked for. */
  connections: Schema.Int,
  logins: Schema.Int,
  /** Calls that are out, of those permits; calls that wait for a permit or a connection; jobs that are followed. */
  inFlight: Schema.Int,
  waiting: Schema.Int,
  jobs: Schema.Int,
  /** What is subscribed to, and how many listen here. */
  subscriptions: Schema.Array(Schema.Struct({ collection: Schema.String, listeners: Schema.Int }))
})
export type Upstream = typeof Upstream.Type

const named = { name: Schema.optionalKey(UpstreamName) }

/** Declares an upstream, from now on and after every restart. Nothing is connected yet: the first call does that. */
export const AddUpstream = Rpc.make("upstream.add", {
  payload: {
    name: UpstreamName,
    /** Default: this machine's own middleware. */
    uri: Schema.optionalKey(UpstreamUri),
    user: Schema.optionalKey(UpstreamUser),
    credential: Schema.optionalKey(Credential),
    insecure: Schema.optionalKey(Schema.Boolean),
    caFile: Schema.optionalKey(
      Schema.String.check(Schema.isPattern(/^\/[^\0]{0,4095}$/u, { expected: "an absolute path" }))
    ),
    /** Default 1. */
    concurrency: Schema.optionalKey(UpstreamConcurrency),
    /** Default: `upstream.lifetimeMillis`. */
    lifetimeMillis: Schema.optionalKey(Millis)
  },
  success: Upstream,
  error: Schema.Union([errors.UpstreamExists, errors.UpstreamInvalid, errors.TooManyUpstreams, StorageError])
})

/** Removes an upstream with its credential. Its calls in flight fail. */
export const RemoveUpstream = Rpc.make("upstream.remove", {
  payload: { name: UpstreamName },
  success: Upstream,
  error: Schema.Union([errors.UpstreamNotFound, errors.UpstreamFixed, StorageError])
})

/** Every upstream, by name. */
export const ListUpstreams = Rpc.make("upstream.list", {
  success: Schema.Struct({ upstreams: Schema.Array(Upstream) })
})

/** One upstream and how it is. Never waits for a call. */
export const UpstreamStatus = Rpc.make("upstream.status", {
  payload: named,
  success: Upstream,
  error: errors.UpstreamUnnamedError
})

/**
 * Closes the connection, if there is one, and makes a new one, also where the login had been refused for good. Calls in
 * flight fail; jobs that run are found again. Answers when it is up.
 */
export const ReconnectUpstream = Rpc.make("upstream.reconnect", {
  payload: named,
  success: Upstream,
  error: Schema.Union([errors.UpstreamUnnamedError, errors.UpstreamConnectError])
})

/** Asks the upstream for a sign of life (`core.ping`), whatever else is under way there. */
export const PingUpstream = Rpc.make("upstream.ping", {
  payload: { ...named, timeoutMillis: Schema.optionalKey(Millis.check(Schema.isGreaterThan(0))) },
  success: Schema.Struct({ name: UpstreamName, roundTripMillis: Schema.Finite }),
  error: errors.UpstreamCallError
})

/** A question that somebody has to answer, such as for a one-time password: by `upstream.answer` on the same connection. */
const prompt = Schema.Struct({ type: Schema.Literal("prompt"), prompt: Schema.String, question: Question })

/** What is heard of a login; `up` is the last. */
export const LoginItem = Schema.Union([prompt, Schema.Struct({ type: Schema.Literal("up"), upstream: Upstream })])
export type LoginItem = typeof LoginItem.Type

/**
 * Changes the credential, if one is given, and logs in anew. A one-time password is asked for. A credential that is refused
 * is kept all the same: it may be the server that has to be mended.
 */
export const LoginUpstream = Rpc.make("upstream.login", {
  payload: { ...named, user: Schema.optionalKey(UpstreamUser), credential: Schema.optionalKey(Credential) },
  success: LoginItem,
  error: Schema.Union([errors.UpstreamUnnamedError, errors.UpstreamConnectError, errors.UpstreamFixed, StorageError]),
  stream: true
}).annotate(Endless, true)

/** Answers a question of a call or login of this connection: with a value, or by refusing to. */
export const AnswerUpstream = Rpc.make("upstream.answer", {
  payload: {
    prompt: Schema.String,
    /** Absent: there will be no answer. */
    value: Schema.optionalKey(Schema.Json),
    /** Why there will be none, as a sentence. */
    reason: Schema.optionalKey(Schema.String)
  },
  success: Schema.Struct({ answered: Schema.Boolean }),
  error: UnknownPrompt
})

/** The text of a JSON value as it was written, never read by hob: large numbers, doubled keys and all. */
export const JsonText = Schema.String.annotate({ description: "the text of a JSON value, carried as it is" })

/** How far a job is, as the upstream says it. */
export const JobProgress = Schema.Struct({
  percent: Schema.NullOr(Schema.Finite),
  description: Schema.NullOr(Schema.String),
  /** WAITING, RUNNING, SUCCESS, FAILED or ABORTED. */
  state: Schema.String
})
export type JobProgress = typeof JobProgress.Type

/** What a caller hears, in order; the result is the last. Others may be added: ignore a `type` that is not known. */
export const UpstreamCallItem = Schema.Union([
  /** It is a job, and this is its id. */
  Schema.Struct({ type: Schema.Literal("job"), job: Schema.Int }),
  Schema.Struct({ type: Schema.Literal("progress"), ...JobProgress.fields }),
  prompt,
  /** So many items were left out, for the caller read too slowly. */
  Schema.Struct({ type: Schema.Literal("dropped"), count: Schema.Int }),
  Schema.Struct({ type: Schema.Literal("result"), result: JsonText })
])
export type UpstreamCallItem = typeof UpstreamCallItem.Type

/**
 * Calls a method of an upstream. With `job` a job is waited for, and its progress told; without, its id is the result.
 * Cancelling the call, or closing the connection, abandons it: the upstream goes on with what it was sent.
 */
export const CallUpstream = Rpc.make("upstream.call", {
  payload: {
    ...named,
    method: Schema.String.check(
      Schema.isPattern(/^[^\s\p{Cc}]{1,256}$/u, { expected: "1 to 256 characters without spaces" })
    ),
    /** A JSON array. Default: `[]`. */
    params: Schema.optionalKey(JsonText),
    /** To the answer; of a job to its beginning. 0: no limit. Default: `upstream.callMillis`. */
    timeoutMillis: Schema.optionalKey(Millis),
    job: Schema.optionalKey(Schema.Boolean)
  },
  success: UpstreamCallItem,
  error: errors.UpstreamCallError,
  stream: true
}).annotate(Endless, true)

/** What a listener hears. Others may be added: ignore a `type` that is not known. */
export const UpstreamEventItem = Schema.Union([
  /** It is subscribed to. `again`: the connection was lost meanwhile, and with it what happened until now. */
  Schema.Struct({ type: Schema.Literal("subscribed"), again: Schema.Boolean }),
  /** An object: `msg`, `collection`, and of most `id` and `fields`. */
  Schema.Struct({ type: Schema.Literal("event"), event: JsonText })
])
export type UpstreamEventItem = typeof UpstreamEventItem.Type

/**
 * Listens to a collection of an upstream's events. However many listen, the upstream has one subscription. With `channel`
 * they are also published on the channel `upstream:<name>:<collection>`, for as long as this call goes on.
 */
export const SubscribeUpstream = Rpc.make("upstream.subscribe", {
  payload: {
    ...named,
    /** Such as `alert.list`, or with an argument `reporting.realtime:{"interval":2}`. */
    collection: Schema.String.check(Schema.isPattern(/^[^\p{Cc}]{1,1024}$/u, { expected: "1 to 1024 characters" })),
    channel: Schema.optionalKey(Schema.Boolean)
  },
  success: UpstreamEventItem,
  error: Schema.Union([errors.UpstreamCallError, errors.UpstreamUnsubscribed, errors.UpstreamListenerTooSlow]),
  stream: true
}).annotate(Endless, true)

export const UpstreamRpcs = RpcGroup.make(
  AddUpstream,
  RemoveUpstream,
  ListUpstreams,
  UpstreamStatus,
  ReconnectUpstream,
  PingUpstream,
  LoginUpstream,
  AnswerUpstream,
  CallUpstream,
  SubscribeUpstream
)
