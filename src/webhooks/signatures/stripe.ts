/**
 * Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>…]`, each the HMAC-SHA256 of `<t>.<body>` under one of the
 * secrets that are in force. The id of the delivery is that of the event, in the body.
 */
import { header, repeated } from "../../wire/http/headers.ts"
import { anyMatches, digestOfHex } from "./hmac.ts"
import { malformed, MAX_SIGNATURES, refused, type Signed, untimely, valid, type Verdict } from "./verdict.ts"

const SIGNATURE = "stripe-signature"
const SHAPE = "The header Stripe-Signature must be t=<seconds>,v1=<64 digits in lower case>"

export const verifyStripe = (signed: Signed): Verdict => {
  const { body, headers, keys } = signed
  if (repeated(headers, [SIGNATURE]) !== undefined) return malformed("The header Stripe-Signature came more than once.")
  const text = header(headers, SIGNATURE)
  if (text === undefined) return refused("The header Stripe-Signature is missing.")
  const times: Array<string> = []
  const digests: Array<Buffer> = []
  for (const part of text.split(",")) {
    const at = part.indexOf("=")
    const [name, value] = [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    if (name === "t") times.push(value)
    // Others are schemes of another time, or of tests: v0.
    if (name !== "v1") continue
    const digest = digestOfHex(value)
    if (digest === undefined) return malformed(`${SHAPE}.`)
    digests.push(digest)
  }
  const [time] = times
  if (time === undefined || times.length > 1 || digests.length === 0) return malformed(`${SHAPE}.`)
  if (digests.length > MAX_SIGNATURES) return malformed(`${SHAPE}, with at most ${MAX_SIGNATURES} signatures.`)
  // First, so that who has no secret learns nothing of the clock.
  if (!anyMatches(keys, digests, `${time}.`, body)) return refused("Invalid signature.")
  return untimely(time, signed) ?? valid()
}
