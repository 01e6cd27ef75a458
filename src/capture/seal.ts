/** Encryption at rest of what is captured. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

/** Between a text and what the store has of it. `name` says where in the store it stands: there alone it can be opened. */
export interface Seal {
  /** Without one nothing that is sealed can be opened now: perhaps later. */
  readonly hasKey: boolean
  readonly close: (text: string, name: string) => string | Uint8Array
  /** Null for what can't be opened: sealed with another key, or moved from elsewhere. */
  readonly open: (body: string | Uint8Array, name: string) => string | null
}

/** AES-256-GCM: a byte that says so, a nonce, a tag, and the text. */
const FORMAT = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
export const KEY_BYTES = 32

/** Seals with `key`, or, where it is null, leaves texts as they are. What stands unsealed can be read either way. */
export const makeSeal = (key: Uint8Array | null, sealing = key !== null): Seal => ({
  hasKey: key !== null,
  close: (text, name) => (key === null || !sealing ? text : encrypt(key, text, name)),
  open: (body, name) => (typeof body === "string" ? body : key === null ? null : decrypt(key, body, name))
})

const encrypt = (key: Uint8Array, text: string, name: string): Uint8Array => {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv("aes-256-gcm", key, nonce)
  cipher.setAAD(Buffer.from(name))
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()])
  return Buffer.concat([Uint8Array.of(FORMAT), nonce, cipher.getAuthTag(), sealed])
}

const decrypt = (key: Uint8Array, body: Uint8Array, name: string): string | null => {
  const begin = 1 + NONCE_BYTES + TAG_BYTES
  if (body[0] !== FORMAT || body.length < begin) return null
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, body.subarray(1, 1 + NONCE_BYTES))
    decipher.setAAD(Buffer.from(name))
    decipher.setAuthTag(body.subarray(1 + NONCE_BYTES, begin))
    return Buffer.concat([decipher.update(body.subarray(begin)), decipher.final()]).toString("utf8")
  } catch {
    return null
  }
}
