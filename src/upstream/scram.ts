/**
 * SCRAM with SHA-512 (RFC 5802), as TrueNAS speaks it for API keys: the user is `name:keyid`, and the combined nonce is
 * the base64 of both nonces' bytes one after the other, not of their texts. Pure, but for {@link deriveKeys}.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto"
import { promisify } from "node:util"

export const NONCE_BYTES = 32
/** What a server may ask for: below, the key would be cheap to guess; above, it would keep us busy for many seconds. */
const ITERATIONS = { minimum: 50_000, maximum: 5_000_000 }
const HASH = "sha512"
const HASH_BYTES = 64
/** No channel binding. */
const GS2_HEADER = "n,,"

/** An API key, `1-…`: what it is called, and what is secret of it. */
export interface ApiKey {
  readonly keyId: string
  readonly secret: string
}

export const readApiKey = (key: string): ApiKey | undefined => {
  const dash = key.indexOf("-")
  return /^\d+-./.test(key) ? { keyId: key.slice(0, dash), secret: key.slice(dash + 1) } : undefined
}

/** What is computed from secret, salt and iterations, at a cost of up to seconds; good for as long as those are. */
export interface DerivedKeys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export const deriveKeys = async (secret: string, salt: Buffer, iterations: number): Promise<DerivedKeys> => {
  // In a thread of Node's: the daemon goes on meanwhile.
  const salted = await promisify(pbkdf2)(secret, salt, iterations, HASH_BYTES, HASH)
  const clientKey = hmac(salted, "Client Key")
  return { clientKey, storedKey: createHash(HASH).update(clientKey).digest(), serverKey: hmac(salted, "Server Key") }
}

export interface ClientFirst {
  readonly nonce: Buffer
  readonly bare: string
  /** What is sent. */
  readonly message: string
}

export const clientFirst = (user: string, keyId: string, nonce: Buffer): ClientFirst => {
  const bare = `n=${escaped(`${user}:${keyId}`)},r=${nonce.toString("base64")}`
  return { nonce, bare, message: `${GS2_HEADER}${bare}` }
}

const escaped = (name: string): string => name.replaceAll("=", "=3D").replaceAll(",", "=2C")

export interface ServerFirst {
  /** As it was written: it is sent back like that. */
  readonly nonce: string
  readonly salt: Buffer
  readonly iterations: number
  readonly message: string
}

/** What the server said first; or why it can't be gone on with, as the end of a sentence. */
export const readServerFirst = (message: string, own: Buffer): ServerFirst | string => {
  const parts = attributes(message)
  const nonce = parts.get("r")
  const salt = Buffer.from(parts.get("s") ?? "", "base64")
  const iterations = /^\d{1,9}$/.test(parts.get("i") ?? "") ? Number(parts.get("i")) : NaN
  if (nonce === undefined || salt.length === 0 || Number.isNaN(iterations)) return "its first message lacks a part"
  const combined = Buffer.from(nonce, "base64")
  if (combined.length <= own.length || !combined.subarray(0, own.length).equals(own))
    return "its nonce does not begin with ours"
  if (iterations < ITERATIONS.minimum || iterations > ITERATIONS.maximum)
    return `it asks for ${iterations} iterations, outside of ${ITERATIONS.minimum} to ${ITERATIONS.maximum}`
  return { nonce, salt, iterations, message }
}

export interface ClientFinal {
  /** What is sent. */
  readonly message: string
  /** What the server has to show that it has the key too. */
  readonly serverSignature: Buffer
}

export const clientFinal = (first: ClientFirst, server: ServerFirst, keys: DerivedKeys): ClientFinal => {
  const withoutProof = `c=${Buffer.from(GS2_HEADER).toString("base64")},r=${server.nonce}`
  const authMessage = `${first.bare},${server.message},${withoutProof}`
  const signature = hmac(keys.storedKey, authMessage)
  const proof = keys.clientKey.map((byte, index) => byte ^ signature[index]!)
  return {
    message: `${withoutProof},p=${Buffer.from(proof).toString("base64")}`,
    serverSignature: hmac(keys.serverKey, authMessage)
  }
}

/** Whether the server has shown that it has the key too. */
export const isServerFinal = (message: string, { serverSignature }: ClientFinal): boolean => {
  const shown = Buffer.from(attributes(message).get("v") ?? "", "base64")
  return shown.length === serverSignature.length && timingSafeEqual(shown, serverSignature)
}

const hmac = (key: Buffer, text: string): Buffer => createHmac(HASH, key).update(text).digest()

const attributes = (message: string): ReadonlyMap<string, string> =>
  new Map(message.split(",").map((part) => [part.slice(0, 1), part.slice(2)]))
