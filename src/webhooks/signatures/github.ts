/** GitHub: `X-Hub-Signature-256: sha256=<hex>`, the HMAC-SHA256 of the body. No time is signed, nor the delivery's id. */
import { header, repeated } from "../../wire/http/headers.ts"
import { anyMatches, digestOfHex } from "./hmac.ts"
import { isSenderId, malformed, refused, type Signed, valid, type Verdict } from "./verdict.ts"

const SIGNATURE = "x-hub-signature-256"
const DELIVERY = "x-github-delivery"

export const verifyGithub = ({ body, headers, keys }: Signed): Verdict => {
  const twice = repeated(headers, [SIGNATURE, DELIVERY])
  if (twice !== undefined) return malformed(`The header ${twice} came more than once.`)
  const signature = header(headers, SIGNATURE)
  if (signature === undefined) {
    return refused("The header X-Hub-Signature-256 is missing: enter the secret in the settings of the webhook.")
  }
  const digest = signature.startsWith("sha256=") ? digestOfHex(signature.slice("sha256=".length)) : undefined
  if (digest === undefined)
    return malformed("The header X-Hub-Signature-256 must be sha256= and 64 digits in lower case.")
  const id = header(headers, DELIVERY)
  if (id !== undefined && !isSenderId(id))
    return malformed("The header X-GitHub-Delivery must be 1 to 256 visible characters.")
  return anyMatches(keys, [digest], "", body) ? valid(id) : refused("Invalid signature.")
}
