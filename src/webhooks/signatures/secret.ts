/** `X-Webhook-Secret: <secret>`: the secret itself is sent. Nothing else of the request is vouched for. */
import { createHash, timingSafeEqual } from "node:crypto"
import { header, repeated } from "../../wire/http/headers.ts"
import { isSenderId, type Key, malformed, refused, type Signed, valid, type Verdict } from "./verdict.ts"

const SECRET = "x-webhook-secret"
/** What senders of no scheme may name a delivery by, so that it is not run twice: the first that is there. */
const IDS = ["webhook-id", "idempotency-key"] as const

const digestOf = (secret: string): Buffer => createHash("sha256").update(secret).digest()

/** Compared by digests: they have one length, whatever is sent. */
export const secretKey = (secret: string): Key => ({ type: "digest", digest: digestOf(secret) })

export const verifySecret = (signed: Signed): Verdict => {
  const { headers, keys } = signed
  if (repeated(headers, [SECRET]) !== undefined) return malformed("The header X-Webhook-Secret came more than once.")
  const given = header(headers, SECRET)
  if (given === undefined) return refused("Invalid webhook secret")
  // Node gives headers as latin1: these are the bytes that were sent.
  const digest = createHash("sha256").update(Buffer.from(given, "latin1")).digest()
  let found = false
  for (const key of keys) if (key.type === "digest" && timingSafeEqual(key.digest, digest)) found = true
  return found ? verifyNothing(signed) : refused("Invalid webhook secret")
}

/** Of a webhook without a secret: everybody may. */
export const verifyNothing = ({ headers }: Signed): Verdict => {
  const twice = repeated(headers, IDS)
  if (twice !== undefined) return malformed(`The header ${twice} came more than once.`)
  const name = IDS.find((name) => headers.has(name))
  if (name === undefined) return valid()
  const id = header(headers, name)!
  return isSenderId(id) ? valid(id) : malformed(`The header ${name} must be 1 to 256 visible characters.`)
}
