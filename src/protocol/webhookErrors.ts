import { Schema } from "effect"
import { MethodName } from "./methodNames.ts"
import { Namespace } from "./namespaces.ts"

/** There is no webhook for this method. */
export class WebhookNotFound extends Schema.TaggedError<WebhookNotFound>()("WebhookNotFound", {
  /** Null: in no namespace. */
  namespace: Schema.NullOr(Namespace),
  method: MethodName
}) {
  override get message() {
    const where = this.namespace === null ? "" : ` in the namespace "${this.namespace}"`
    return `There is no webhook for the method "${this.method}"${where}. \`hob webhook ls --all\` lists those there are.`
  }
}

/** Several namespaces have a webhook for a method of this name. */
export class WebhookAmbiguous extends Schema.TaggedError<WebhookAmbiguous>()("WebhookAmbiguous", {
  method: MethodName,
  namespaces: Schema.Array(Namespace)
}) {
  override get message() {
    return `"${this.method}" has a webhook in the namespaces ${this.namespaces.join(", ")}. Say which one is meant.`
  }
}

/** A webhook without a secret must be asked for in so many words. */
export class WebhookSecretMissing extends Schema.TaggedError<WebhookSecretMissing>()("WebhookSecretMissing", {
  method: MethodName
}) {
  override get message() {
    return `Whoever reaches hob's port could call "${this.method}". Give a secret that its senders know (--secret, --github, --stripe, --standard), or say that it needs none (--no-secret).`
  }
}

/** The secret can't be one of this scheme. It is not repeated here. */
export class WebhookSecretInvalid extends Schema.TaggedError<WebhookSecretInvalid>()("WebhookSecretInvalid", {
  scheme: Schema.String,
  /** Why, as the end of a sentence. */
  problem: Schema.String
}) {
  override get message() {
    return `The secret can't be used for "${this.scheme}": ${this.problem}.`
  }
}

/** As many webhooks as may be. */
export class TooManyWebhooks extends Schema.TaggedError<TooManyWebhooks>()("TooManyWebhooks", {
  capacity: Schema.Int
}) {
  override get message() {
    return `There are ${this.capacity} webhooks, as many as may be. Remove some.`
  }
}

/** No delivery with this number is on record. */
export class DeliveryNotFound extends Schema.TaggedError<DeliveryNotFound>()("DeliveryNotFound", {
  delivery: Schema.Int
}) {
  override get message() {
    return `There is no delivery ${this.delivery}, or it is no longer kept (webhooks.keepMillis). \`hob webhook deliveries\` lists those there are.`
  }
}

/** The delivery waits for its run, or runs: it can't be replayed. */
export class DeliveryBusy extends Schema.TaggedError<DeliveryBusy>()("DeliveryBusy", {
  delivery: Schema.Int,
  state: Schema.String
}) {
  override get message() {
    return `The delivery ${this.delivery} is ${this.state}: it can be replayed once it has ended.`
  }
}

/** The delivery is on record, but its body is not any more. */
export class DeliveryBodyGone extends Schema.TaggedError<DeliveryBodyGone>()("DeliveryBodyGone", {
  delivery: Schema.Int
}) {
  override get message() {
    return `The body of the delivery ${this.delivery} is no longer kept (webhooks.keepBytes): it can't be replayed. Let its sender send it anew.`
  }
}

/** The delivery can't be signed as its sender would: only the sender has what that takes. */
export class WebhookUnsignable extends Schema.TaggedError<WebhookUnsignable>()("WebhookUnsignable", {
  method: MethodName
}) {
  override get message() {
    return `hob has the public key of the senders of "${this.method}" and can't sign for them. Let one of them send a test.`
  }
}

/** hob does not listen for webhooks. */
export class WebhooksNotListening extends Schema.TaggedError<WebhooksNotListening>()("WebhooksNotListening", {
  /** Why, as a sentence. */
  reason: Schema.String
}) {
  override get message() {
    return `hob does not listen for webhooks: ${this.reason}`
  }
}

/** Where hob listens is said by the daemon's flags or environment, which the configuration file can't overrule. */
export class WebhooksFixed extends Schema.TaggedError<WebhooksFixed>()("WebhooksFixed", {
  /** The setting or variable. */
  key: Schema.String,
  source: Schema.Literals(["flag", "environment"])
}) {
  override get message() {
    const where = this.source === "flag" ? "a flag of the daemon" : "the daemon's environment"
    return `${this.key} is set by ${where} and can't be changed in the configuration file. Start the daemon without it.`
  }
}
