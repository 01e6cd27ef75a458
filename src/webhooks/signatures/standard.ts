/**
 * Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and `webhook-signature`, a list with spaces between of
 * `v1,<base64>` (HMAC-SHA256) and `v1a,<base64>` (ed25519) over `<id>.<timestamp>.<body>`.
 */
import { createPublicKey, verify } from "node:crypto"
import { header, repeated } from "../../wire/http/headers.ts"
import { anyMatches, bytesOfBase64, hmacKey } from "./hmac.ts"
import {
  isSenderId,
  type Key,
  malformed,
  MAX_SIGNATURES,
  refused,
  type Signed,
  untimely,
  valid,
  type Verdict
} from "./verdict.ts"

const ID = "webhook-id"
const TIMESTAMP = "webhook-timestamp"
const SIGNATURE = "webhook-signature"

/** `whsec_` and base64 of 24 to 64 bytes (the prefix may be missing), or `whpk_` and base64 of a public key. */
export const standardKey = (secret: string): Key | string => {
  if (secret.startsWith("whsk_")) {
    return "it begins with whsk_ and is the sender's private key: give the public one, which begins with whpk_"
  }
  if (secret.startsWith("whpk_")) {
    const bytes = bytesOfBase64(secret.slice("whpk_".length), 32, 32)
    if (bytes === undefined) return "behind whpk_ there must be base64 of 32 bytes"
    const jwk = { kty: "OKP", crv: "Ed25519", x: bytes.toString("base64url") }
    return { type: "ed25519", key: createPublicKey({ key: jwk, format: "jwk" }) }
  }
  const bytes = bytesOfBase64(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret, 24, 64)
  return bytes === undefined ? "it must be whsec_ and base64 of 24 to 64 bytes" : hmacKey(bytes)
}

export const verifyStandard = (signed: Signed): Verdict => {
  const { body, headers, keys } = signed
  const twice = repeated(headers, [ID, TIMESTAMP, SIGNATURE])
  if (twice !== undefined) return malformed(`The header ${twice} came more than once.`)
  const [id, timestamp, list] = [header(headers, ID), header(headers, TIMESTAMP), header(headers, SIGNATURE)]
  if (list === undefined) return refused("The header webhook-signature is missing.")
  if (id === undefined || timestamp === undefined) return malformed("webhook-id and webhook-timestamp are needed.")
  if (!isSenderId(id)) return malformed("The header webhook-id must be 1 to 256 visible characters.")
  const parts = list.split(" ").filter((part) => part !== "")
  if (parts.length > MAX_SIGNATURES) return malformed(`webhook-signature has more than ${MAX_SIGNATURES} signatures.`)
  const digests: Array<Buffer> = []
  const signatures: Array<Buffer> = []
  let known = 0
  for (const part of parts) {
    const at = part.indexOf(",")
    const [version, text] = [part.slice(0, at), part.slice(at + 1)]
    if (version !== "v1" && version !== "v1a") continue
    known++
    const length = version === "v1" ? 32 : 64
    const bytes = bytesOfBase64(text, length, length)
    if (bytes !== undefined) (version === "v1" ? digests : signatures).push(bytes)
  }
  if (known === 0) return malformed("webhook-signature must be v1,<base64> or v1a,<base64>.")
  const before = `${id}.${timestamp}.`
  const isTheirs = anyMatches(keys, digests, before, body) || anyVerifies(keys, signatures, before, body)
  if (!isTheirs) return refused("Invalid signature.")
  return untimely(timestamp, signed) ?? valid(id)
}

const anyVerifies = (
  keys: ReadonlyArray<Key>,
  signatures: ReadonlyArray<Buffer>,
  before: string,
  body: Buffer
): boolean => {
  if (signatures.length === 0) return false
  const text = Buffer.concat([Buffer.from(before), body])
  return keys.some(
    (key) => key.type === "ed25519" && signatures.some((signature) => verify(null, text, key.key, signature))
  )
}
