/** What `webhooks.allow` makes of a request: a webhook, perhaps with a new secret, or a refusal. Pure but for the dice. */
import { Result } from "effect"
import { defaultNamespace } from "../protocol/namespaces.ts"
import {
  type AllowWebhook,
  TooManyWebhooks,
  type WebhookScheme,
  WebhookSecretInvalid,
  WebhookSecretMissing
} from "../protocol/webhooks.ts"
import type { Rpc } from "effect/rpc"
import type { RouteTable } from "./routing.ts"
import { keysOf, type WebhookRoute } from "./routes.ts"
import { newSecret } from "./signatures/schemes.ts"

/** Webhooks at once. */
export const MAX_WEBHOOKS = 10_000

export type Allowing = Rpc.Payload<typeof AllowWebhook>

export interface Allowed {
  readonly route: WebhookRoute
  /** A secret that was made for it. */
  readonly made: string | undefined
}

export const decideAllow = (
  { guarantee, method, namespace = defaultNamespace, retries, scheme, secrets = [], timeoutMillis }: Allowing,
  {
    nowMillis,
    photonSecret,
    table
  }: { readonly photonSecret: string | undefined; readonly nowMillis: number; readonly table: RouteTable }
): Result.Result<Allowed, WebhookSecretMissing | WebhookSecretInvalid | TooManyWebhooks> => {
  const before = table.get({ namespace, method })
  if (before === undefined && table.size >= MAX_WEBHOOKS) {
    return Result.fail(new TooManyWebhooks({ capacity: MAX_WEBHOOKS }))
  }
  const chosen = scheme ?? (photonSecret === undefined ? undefined : "secret")
  if (chosen === undefined) return Result.fail(new WebhookSecretMissing({ method }))
  const given = scheme === undefined && secrets.length === 0 ? [photonSecret!] : secrets
  if (chosen === "none" && given.length > 0) return invalid(chosen, "it has none")
  if (chosen === "stripe" && given.length === 0) {
    return invalid(chosen, "Stripe makes the secret; its dashboard shows it beside the endpoint")
  }
  const made = chosen === "none" || chosen === "stripe" || given.length > 0 ? undefined : newSecret(chosen)
  const all = made === undefined ? given : [made]
  const keys = keysOf(chosen, all)
  if (typeof keys === "string") return invalid(chosen, keys)
  const route: WebhookRoute = {
    namespace,
    method,
    scheme: chosen,
    secrets: all,
    keys,
    retries: retries ?? 0,
    guarantee: guarantee ?? "at-most-once",
    timeoutMillis,
    allowedMillis: before?.allowedMillis ?? nowMillis
  }
  return Result.succeed({ route, made })
}

const invalid = (scheme: WebhookScheme, problem: string) => Result.fail(new WebhookSecretInvalid({ scheme, problem }))
