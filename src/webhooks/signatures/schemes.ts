/** How senders show who they are: one verifier for each scheme, and how its secrets are written. Pure. */
import { randomBytes } from "node:crypto"
import type { WebhookScheme } from "../../protocol/webhooks.ts"
import { verifyGithub } from "./github.ts"
import { hmacKey, sign } from "./hmac.ts"
import { secretKey, verifyNothing, verifySecret } from "./secret.ts"
import { standardKey, verifyStandard } from "./standard.ts"
import { verifyStripe } from "./stripe.ts"
import type { Key, Signed, Verdict } from "./verdict.ts"

const verifiers: Readonly<Record<WebhookScheme, (signed: Signed) => Verdict>> = {
  none: verifyNothing,
  secret: verifySecret,
  github: verifyGithub,
  stripe: verifyStripe,
  standard: verifyStandard
}

/** Whether a request is the sender's that this scheme and these keys stand for. */
export const verify = (scheme: WebhookScheme, signed: Signed): Verdict => verifiers[scheme](signed)

/** A secret as the scheme takes it, or what is wrong with it, as the end of "… because". */
export const keyOf = (scheme: Exclude<WebhookScheme, "none">, secret: string): Key | string => {
  if (scheme === "standard") return standardKey(secret)
  // What a header can't carry nobody can send.
  if (scheme === "secret")
    return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret) ? secretKey(secret) : UNSENDABLE
  return hmacKey(Buffer.from(secret))
}

const UNSENDABLE = "a header can't carry it: it must be visible characters of ASCII"

/** A secret that nobody else has: 256 random bits. */
export const newSecret = (scheme: "secret" | "github" | "standard"): string =>
  scheme === "standard" ? `whsec_${randomBytes(32).toString("base64")}` : randomBytes(32).toString("base64url")

/** The headers with which a sender of this scheme would send the body; undefined where only it can sign. */
export const signedHeaders = (
  scheme: WebhookScheme,
  secret: string | undefined,
  { body, id, nowMillis }: { readonly body: Buffer; readonly id: string; readonly nowMillis: number }
): Readonly<Record<string, string>> | undefined => {
  if (scheme === "none" || secret === undefined) return { "webhook-id": id }
  if (scheme === "secret") return { "x-webhook-secret": secret, "webhook-id": id }
  const key = keyOf(scheme, secret)
  if (typeof key === "string" || key.type !== "hmac") return undefined
  const seconds = String(Math.floor(nowMillis / 1000))
  switch (scheme) {
    case "github": {
      const signature = sign(key, "", body).toString("hex")
      return { "x-github-delivery": id, "x-github-event": "ping", "x-hub-signature-256": `sha256=${signature}` }
    }
    case "stripe":
      return { "stripe-signature": `t=${seconds},v1=${sign(key, `${seconds}.`, body).toString("hex")}` }
    case "standard": {
      const signature = sign(key, `${id}.${seconds}.`, body).toString("base64")
      return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": `v1,${signature}` }
    }
  }
}
