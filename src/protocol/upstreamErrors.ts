import { Schema } from "effect"

/** Not "name": that is an error's own. */
const upstream = Schema.String

/** There is no upstream of this name. */
export class UpstreamNotFound extends Schema.TaggedError<UpstreamNotFound>()("UpstreamNotFound", { upstream }) {
  override get message() {
    return `There is no upstream "${this.upstream}". \`hob upstream ls\` lists those there are; \`hob upstream add NAME URI\` adds one.`
  }
}

/** Several upstreams are declared, and none was named. */
export class UpstreamNotNamed extends Schema.TaggedError<UpstreamNotNamed>()("UpstreamNotNamed", {
  names: Schema.Array(upstream)
}) {
  override get message() {
    return `There are several upstreams: ${this.names.join(", ")}. Name one (--upstream), or say which is meant when none is (upstream.default).`
  }
}

/** An upstream of this name is there already. */
export class UpstreamExists extends Schema.TaggedError<UpstreamExists>()("UpstreamExists", { upstream }) {
  override get message() {
    return `There is an upstream "${this.upstream}" already. \`hob upstream rm ${this.upstream}\` removes it; \`hob upstream login ${this.upstream}\` changes its credential.`
  }
}

/** The configuration declares this upstream: it is changed there. */
export class UpstreamFixed extends Schema.TaggedError<UpstreamFixed>()("UpstreamFixed", { upstream }) {
  override get message() {
    return `The configuration declares the upstream "${this.upstream}" (upstream.servers). Change it there, then \`hob config reload\`.`
  }
}

/** An upstream can't be declared so. */
export class UpstreamInvalid extends Schema.TaggedError<UpstreamInvalid>()("UpstreamInvalid", {
  upstream,
  /** What is wrong and what to do, as a sentence. */
  problem: Schema.String
}) {
  override get message() {
    return this.problem
  }
}

/** As many upstreams as may be are declared. */
export class TooManyUpstreams extends Schema.TaggedError<TooManyUpstreams>()("TooManyUpstreams", {
  limit: Schema.Int
}) {
  override get message() {
    return `${this.limit} upstreams are declared, as many as may be (upstream.maxCount). Remove one first.`
  }
}

/** The upstream refuses the login for good: it is not tried again until somebody changes something. */
export class UpstreamLoginRefused extends Schema.TaggedError<UpstreamLoginRefused>()("UpstreamLoginRefused", {
  upstream,
  /** What it answered, such as `AUTH_ERR`, `EXPIRED`, `DENIED`; or why hob did not ask. */
  response: Schema.String,
  /** What is wrong and what to do, as a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return `The upstream "${this.upstream}" can't be logged in to: ${this.reason}`
  }
}

/** There is no connection to the upstream, and the attempt to make one failed. The call was not sent. */
export class UpstreamUnreachable extends Schema.TaggedError<UpstreamUnreachable>()("UpstreamUnreachable", {
  upstream,
  /** As the end of a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return `The upstream "${this.upstream}" can't be reached: ${this.reason}. Nothing was sent; \`hob upstream status ${this.upstream}\` tells how it is.`
  }
}

/** The call's time is over. */
export class UpstreamTimedOut extends Schema.TaggedError<UpstreamTimedOut>()("UpstreamTimedOut", {
  upstream,
  method: Schema.String,
  timeoutMillis: Schema.Int,
  /** What it waited for: the connection, a permit, or the answer. Only in the last case it was sent. */
  waitedFor: Schema.Literals(["connection", "permit", "answer"])
}) {
  override get message() {
    const end =
      this.waitedFor === "answer"
        ? "It was sent: whether it takes effect is not known. Give it more time (--timeout)."
        : this.waitedFor === "permit"
          ? "It was not sent: other calls were before it. Give it more time, or the upstream more calls at once (--concurrency)."
          : "It was not sent: there was no connection."
    return `"${this.method}" had no answer from the upstream "${this.upstream}" within ${this.timeoutMillis} ms. ${end}`
  }
}

/** The upstream answered with an error. */
export class UpstreamCallFailed extends Schema.TaggedError<UpstreamCallFailed>()("UpstreamCallFailed", {
  upstream,
  method: Schema.String,
  /** Of JSON-RPC: -32001 for an error of the method, -32602 for parameters that are wrong, others as specified. */
  code: Schema.Int,
  /** What the upstream says, such as `[EFAULT] boom`. */
  reason: Schema.String,
  errno: Schema.NullOr(Schema.Int),
  /** The name of `errno`, such as `EFAULT`. */
  errname: Schema.NullOr(Schema.String),
  /** Where it failed, as raw JSON text: an object with `class`, `formatted`, `repr`. */
  trace: Schema.NullOr(Schema.String),
  /** As raw JSON text; of wrong parameters a list of `[attribute, message, errno]`. */
  extra: Schema.NullOr(Schema.String),
  /** Of a call that was a job: its id. */
  job: Schema.NullOr(Schema.Int)
}) {
  override get message() {
    return this.reason
  }
}

/** The job was aborted: somebody stopped it, or the upstream did. */
export class UpstreamJobAborted extends Schema.TaggedError<UpstreamJobAborted>()("UpstreamJobAborted", {
  upstream,
  method: Schema.String,
  job: Schema.Int
}) {
  override get message() {
    return `The job ${this.job} ("${this.method}") was aborted.`
  }
}

/** The connection was lost after the call had been sent: whether it was carried out is not known. */
export class UpstreamOutcomeUnknown extends Schema.TaggedError<UpstreamOutcomeUnknown>()("UpstreamOutcomeUnknown", {
  upstream,
  method: Schema.String,
  /** Of a call that was a job, where that had been heard: its id. */
  job: Schema.NullOr(Schema.Int),
  /** Why the connection was lost, as the end of a sentence. */
  reason: Schema.String
}) {
  override get message() {
    const job =
      this.job === null
        ? "See for yourself before you call it again."
        : `It is the job ${this.job}: \`hob call core.get_jobs '[["id", "=", ${this.job}]]'\` tells how it is.`
    return `"${this.method}": connection lost, outcome unknown (${this.reason}). ${job}`
  }
}

/** The upstream would close the connection over a request of this size. It was not sent. */
export class UpstreamRequestTooLarge extends Schema.TaggedError<UpstreamRequestTooLarge>()("UpstreamRequestTooLarge", {
  upstream,
  method: Schema.String,
  bytes: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `The request "${this.method}" has ${this.bytes} bytes, and the upstream "${this.upstream}" takes ${this.limit} (upstream.requestBytes). It was not sent.`
  }
}

/** The parameters are not the text of a JSON array, or there can be no such method. It was not sent. */
export class UpstreamBadRequest extends Schema.TaggedError<UpstreamBadRequest>()("UpstreamBadRequest", {
  upstream,
  method: Schema.String,
  problem: Schema.String
}) {
  override get message() {
    return `"${this.method}" was not sent: ${this.problem}.`
  }
}

/** As many calls wait as may. It was not sent. */
export class UpstreamBusy extends Schema.TaggedError<UpstreamBusy>()("UpstreamBusy", {
  upstream,
  limit: Schema.Int
}) {
  override get message() {
    return `${this.limit} calls wait for the upstream "${this.upstream}", as many as may (upstream.maxWaitingCount). Nothing was sent; try again later.`
  }
}

/** The upstream has ended the subscription. */
export class UpstreamUnsubscribed extends Schema.TaggedError<UpstreamUnsubscribed>()("UpstreamUnsubscribed", {
  upstream,
  collection: Schema.String,
  /** Why, as the upstream says it. */
  reason: Schema.String
}) {
  override get message() {
    return `The upstream "${this.upstream}" has ended the subscription to "${this.collection}": ${this.reason}`
  }
}

/** Who listens is further behind than it may be, and hears no more. Others do. */
export class UpstreamListenerTooSlow extends Schema.TaggedError<UpstreamListenerTooSlow>()("UpstreamListenerTooSlow", {
  upstream,
  collection: Schema.String,
  bufferBytes: Schema.Int
}) {
  override get message() {
    return `Whoever listens to "${this.collection}" is more than ${this.bufferBytes} bytes behind (upstream.listenerBytes) and was cut off: events would be missing. Subscribe again.`
  }
}

/** No such upstream, or none named and several there. */
export const UpstreamUnnamedError = Schema.Union([UpstreamNotFound, UpstreamNotNamed])

/** What keeps hob from having a connection that is logged in. */
export const UpstreamConnectError = Schema.Union([UpstreamLoginRefused, UpstreamUnreachable])
export type UpstreamConnectError = typeof UpstreamConnectError.Type

/** What a call can come to. */
export const UpstreamCallError = Schema.Union([
  UpstreamNotFound,
  UpstreamNotNamed,
  UpstreamLoginRefused,
  UpstreamUnreachable,
  UpstreamTimedOut,
  UpstreamCallFailed,
  UpstreamJobAborted,
  UpstreamOutcomeUnknown,
  UpstreamRequestTooLarge,
  UpstreamBadRequest,
  UpstreamBusy
])
export type UpstreamCallError = typeof UpstreamCallError.Type
