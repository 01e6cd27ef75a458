import { Schema } from "effect"
import { Rpc, RpcGroup } from "effect/rpc"
import { ConfigInvalid } from "./daemon.ts"
import { ConfigNotWritten } from "./dialects.ts"
import { Endless } from "./endless.ts"
import { Timestamp } from "./ids.ts"
import { MethodName } from "./methodNames.ts"
import { Namespace } from "./namespaces.ts"
import { StorageError } from "./storage.ts"
import * as errors from "./webhookErrors.ts"

export * from "./webhookErrors.ts"

/** What happens to webhooks of the namespace `x` is said on the channel `webhooks:x`, in that namespace. */
export const WEBHOOKS_PREFIX = "webhooks:"

/**
 * How senders show who they are. `secret`: the header X-Webhook-Secret. `github`, `stripe`: their signatures. `standard`:
 * Standard Webhooks. `none`: not at all.
 */
export const WebhookScheme = Schema.Literals(["secret", "github", "stripe", "standard", "none"])
export type WebhookScheme = typeof WebhookScheme.Type

/**
 * What becomes of a delivery in whose run hob died. `at-most-once`: it is `interrupted`, and run again when somebody
 * replays it. `at-least-once`: it is run again by itself.
 */
export const WebhookGuarantee = Schema.Literals(["at-most-once", "at-least-once"])
export type WebhookGuarantee = typeof WebhookGuarantee.Type

/** How often a delivery whose method failed is run again: 0 to 9 times. */
export const WebhookRetries = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))

const secret = Schema.String.check(Schema.isBetweenLength(1, 1024, { expected: "1 to 1024 characters" }))

/** A method that senders may call. */
export const Webhook = Schema.Struct({
  namespace: Namespace,
  method: MethodName,
  scheme: WebhookScheme,
  /** How many secrets are good for it; they are never shown. */
  secrets: Schema.Int,
  retries: Schema.Int,
  guarantee: WebhookGuarantee,
  /** The time limit of a run; null: the method's own, or that of `methods.unattendedMillis`. */
  timeoutMillis: Schema.NullOr(Schema.Int),
  allowedAt: Timestamp,
  /** Where its senders send to, below the listener's address. */
  path: Schema.String,
  /** Whether there is a method of this name now. */
  found: Schema.Boolean,
  /** Requests that were refused since the daemon's start, and the last of them: why a sender that should come through doesn't. */
  refused: Schema.Int,
  lastRefusal: Schema.NullOr(Schema.Struct({ at: Timestamp, status: Schema.Int, reason: Schema.String }))
})
export type Webhook = typeof Webhook.Type

/** Where hob listens for webhooks. */
export const WebhookListener = Schema.Struct({
  /** `off`: it is not switched on. `refused`: it can't listen, see the reason; it tries again. */
  state: Schema.Literals(["off", "starting", "up", "refused"]),
  /** Of one that is up, such as `http://127.0.0.1:3457`. */
  url: Schema.NullOr(Schema.String),
  reason: Schema.NullOr(Schema.String)
})
export type WebhookListener = typeof WebhookListener.Type

/**
 * `pending`: recorded, and waits for its run or for the next one. `running`. `succeeded`. `failed`: as often as it may.
 * `interrupted`: hob died or stopped while it ran; how far it got is not known.
 */
export const DeliveryState = Schema.Literals(["pending", "running", "succeeded", "failed", "interrupted"])
export type DeliveryState = typeof DeliveryState.Type

/** A number that names a delivery; newer ones have greater ones. */
export const DeliveryNumber = Schema.Int.check(Schema.isGreaterThan(0))

/** A request that was accepted. */
export const Delivery = Schema.Struct({
  delivery: DeliveryNumber,
  namespace: Namespace,
  method: MethodName,
  state: DeliveryState,
  receivedAt: Timestamp,
  /** The sender's own name for it, by which it is known again. */
  senderId: Schema.NullOr(Schema.String),
  /** Runs that were begun. */
  attempts: Schema.Int,
  /** Of one that is pending: when it is run. */
  nextAttemptAt: Schema.NullOr(Timestamp),
  endedAt: Schema.NullOr(Timestamp),
  /** Why the last run failed. */
  error: Schema.NullOr(Schema.String),
  /** What the method answered; null also where it was too long to keep. */
  result: Schema.Json
})
export type Delivery = typeof Delivery.Type

/** A delivery with what was sent. */
export const DeliveryDetails = Schema.Struct({
  ...Delivery.fields,
  /** The sender's address; null where what was sent is no longer kept. */
  address: Schema.NullOr(Schema.String),
  /** Without those that are secret. */
  headers: Schema.Record(Schema.String, Schema.String),
  query: Schema.String,
  /** As it came; null where it is no longer kept. */
  body: Schema.NullOr(Schema.String)
})
export type DeliveryDetails = typeof DeliveryDetails.Type

const which = { namespace: Schema.optionalKey(Namespace), method: MethodName }

/**
 * Lets senders call a method, from now on and after every restart; one that may be called already is changed. Answers
 * with where they send to.
 */
export const AllowWebhook = Rpc.make("webhooks.allow", {
  payload: {
    ...which,
    /** Default: `secret`, where the daemon's environment has PHOTON_WEBHOOK_SECRET. */
    scheme: Schema.optionalKey(WebhookScheme),
    /** Any of them is good; several while one is changed for another. None, where the scheme needs one: a new one is made. */
    secrets: Schema.optionalKey(Schema.Array(secret).check(Schema.isMaxLength(4))),
    /** Default 0: a method that failed is not run again by itself. One that could not be run at all is. */
    retries: Schema.optionalKey(WebhookRetries),
    /** Default: `at-most-once`. */
    guarantee: Schema.optionalKey(WebhookGuarantee),
    timeoutMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 24 * 3600 * 1000 })))
  },
  success: Schema.Struct({
    webhook: Webhook,
    listener: WebhookListener,
    /** A secret that was made just now: this is the only time that it is shown. */
    secret: Schema.optionalKey(Schema.String)
  }),
  error: Schema.Union([errors.WebhookSecretMissing, errors.WebhookSecretInvalid, errors.TooManyWebhooks, StorageError])
})

/** The methods that senders may call, and where hob listens. */
export const ListWebhooks = Rpc.make("webhooks.list", {
  payload: { namespace: Schema.optionalKey(Namespace), all: Schema.optionalKey(Schema.Boolean) },
  success: Schema.Struct({ webhooks: Schema.Array(Webhook), listener: WebhookListener })
})

/** Lets senders call a method no longer. What they have sent stays on record; what waits to be run is not run. */
export const RemoveWebhook = Rpc.make("webhooks.remove", {
  payload: which,
  success: Schema.Struct({ webhook: Webhook }),
  error: Schema.Union([errors.WebhookNotFound, errors.WebhookAmbiguous, StorageError])
})

/** Deliveries on record, the newest first. */
export const ListDeliveries = Rpc.make("webhooks.deliveries", {
  payload: {
    namespace: Schema.optionalKey(Namespace),
    method: Schema.optionalKey(MethodName),
    all: Schema.optionalKey(Schema.Boolean),
    state: Schema.optionalKey(DeliveryState),
    /** Default 50. */
    limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1000 }))),
    /** Only older ones than this. */
    before: Schema.optionalKey(DeliveryNumber)
  },
  success: Schema.Struct({ deliveries: Schema.Array(Delivery) }),
  error: StorageError
})

/** One delivery with all that is kept of it. */
export const ShowDelivery = Rpc.make("webhooks.show", {
  payload: { delivery: DeliveryNumber },
  success: DeliveryDetails,
  error: Schema.Union([errors.DeliveryNotFound, StorageError])
})

/** Runs a delivery that has ended once more, with what was sent then. Answers when the run has ended, or after `waitMillis`. */
export const ReplayDelivery = Rpc.make("webhooks.replay", {
  payload: {
    delivery: DeliveryNumber,
    /** Default 60,000. */
    waitMillis: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 24 * 3600 * 1000 })))
  },
  success: Delivery,
  error: Schema.Union([
    errors.DeliveryNotFound,
    errors.DeliveryBusy,
    errors.DeliveryBodyGone,
    errors.WebhookNotFound,
    StorageError
  ])
}).annotate(Endless, true)

/** Sends a delivery to hob's own listener, signed as its sender would sign it, and answers with what came back. */
export const TestWebhook = Rpc.make("webhooks.test", {
  payload: {
    ...which,
    /** A JSON object. Default: `{}`. */
    body: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
  },
  success: Schema.Struct({ status: Schema.Int, body: Schema.Json, url: Schema.String }),
  error: Schema.Union([
    errors.WebhookNotFound,
    errors.WebhookAmbiguous,
    errors.WebhookUnsignable,
    errors.WebhooksNotListening
  ])
})

/** Listens for webhooks, from now on and after every restart: written to the configuration file. */
export const EnableWebhooks = Rpc.make("webhooks.enable", {
  payload: {
    /** Default: what the configuration says. */
    port: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65535 })))
  },
  success: Schema.Struct({ listener: WebhookListener }),
  error: Schema.Union([errors.WebhooksNotListening, errors.WebhooksFixed, ConfigInvalid, ConfigNotWritten])
})

/** Listens no longer. What was sent and waits is run all the same. */
export const DisableWebhooks = Rpc.make("webhooks.disable", {
  success: Schema.Struct({ listener: WebhookListener }),
  error: Schema.Union([errors.WebhooksFixed, ConfigInvalid, ConfigNotWritten])
})

export const WebhooksRpcs = RpcGroup.make(
  AllowWebhook,
  ListWebhooks,
  RemoveWebhook,
  ListDeliveries,
  ShowDelivery,
  ReplayDelivery,
  TestWebhook,
  EnableWebhooks,
  DisableWebhooks
)
