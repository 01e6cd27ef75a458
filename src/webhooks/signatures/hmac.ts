import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto"
import type { Key } from "./verdict.ts"

/** A key of these bytes. */
export const hmacKey = (bytes: Buffer): Key => ({ type: "hmac", key: createSecretKey(bytes) })

const mac = (key: Key & { readonly type: "hmac" }, before: string, body: Buffer): Buffer => {
  const hmac = createHmac("sha256", key.key)
  if (before !== "") hmac.update(before)
  return hmac.update(body).digest()
}

/** 64 digits in lower case, as the senders write them; Node's own decoder would take what is readable of anything. */
export const digestOfHex = (text: string): Buffer | undefined =>
  /^[0-9a-f]{64}$/.test(text) ? Buffer.from(text, "hex") : undefined

/** Base64 of so many bytes, with its padding. */
export const bytesOfBase64 = (text: string, least: number, most: number): Buffer | undefined => {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  const bytes = Buffer.from(text, "base64")
  // Bits behind the last byte, which the decoder drops, would give one signature many spellings.
  return bytes.length >= least && bytes.length <= most && bytes.toString("base64") === text ? bytes : undefined
}

/** Whether any of these digests is the HMAC-SHA256 of the text and the body under any of the keys. Takes no longer for a near miss. */
export const anyMatches = (
  keys: ReadonlyArray<Key>,
  digests: ReadonlyArray<Buffer>,
  before: string,
  body: Buffer
): boolean => {
  let found = false
  for (const key of keys) {
    if (key.type !== "hmac") continue
    const expected = mac(key, before, body)
    for (const digest of digests) if (timingSafeEqual(expected, digest)) found = true
  }
  return found
}

/** The same digest for who sends: text, body, key. */
export const sign = (key: Key, before: string, body: Buffer): Buffer => {
  if (key.type !== "hmac") throw new Error("only a shared secret can sign here")
  return mac(key, before, body)
}
