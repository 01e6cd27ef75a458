/** The server's side of SCRAM-SHA-512 as the middleware speaks it: for API keys, with combined nonces of its own kind. */
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto"

const HASH = "sha512"
const sha = (data: Buffer) => createHash(HASH).update(data).digest()
const hmac = (key: Buffer, text: string) => createHmac(HASH, key).update(text).digest()

/** What a server keeps of a key. */
export interface ScramKey {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

export const scramKey = (secret: string, salt: Buffer, iterations: number): ScramKey => {
  const salted = pbkdf2Sync(secret, salt, iterations, 64, HASH)
  return { salt, iterations, storedKey: sha(hmac(salted, "Client Key")), serverKey: hmac(salted, "Server Key") }
}

/** A login under way, between its first and its final message. */
export interface ScramExchange {
  readonly user: string
  readonly keyId: string
  readonly serverFirst: string
  readonly clientFirstBare: string
  readonly gs2Header: string
  readonly nonce: string
  readonly key: ScramKey
}

/** Reads `n,,n=USER:KEYID,r=NONCE`; the header may ask for channel binding. Null for what is none of it. */
export const beginScram = (
  text: string,
  findKey: (user: string, keyId: string) => ScramKey | undefined,
  serverNonce: Buffer = randomBytes(32)
): ScramExchange | null => {
  const found = /^((?:n|y|p=tls-server-end-point),,)(n=([^,:]+):(\d+),r=([A-Za-z0-9+/=]+))$/.exec(text)
  if (found === null) return null
  const [, gs2Header, clientFirstBare, user, keyId, clientNonce] = found as unknown as ReadonlyArray<string>
  const key = findKey(user!, keyId!)
  if (key === undefined) return null
  const nonce = Buffer.concat([Buffer.from(clientNonce!, "base64"), serverNonce]).toString("base64")
  const serverFirst = `r=${nonce},s=${key.salt.toString("base64")},i=${key.iterations}`
  return {
    user: user!,
    keyId: keyId!,
    serverFirst,
    clientFirstBare: clientFirstBare!,
    gs2Header: gs2Header!,
    nonce,
    key
  }
}

/** The server's final message; null where the client has not proved that it has the key. */
export const finishScram = (
  exchange: ScramExchange,
  text: string,
  endPoint: Buffer = Buffer.alloc(0)
): string | null => {
  const found = /^(c=([A-Za-z0-9+/=]+),r=([A-Za-z0-9+/=]+)),p=([A-Za-z0-9+/=]+)$/.exec(text)
  if (found === null) return null
  const [, withoutProof, binding, nonce, proof] = found as unknown as ReadonlyArray<string>
  const { clientFirstBare, gs2Header, key, serverFirst } = exchange
  const expected = Buffer.concat([Buffer.from(gs2Header), gs2Header.startsWith("p=") ? endPoint : Buffer.alloc(0)])
  if (nonce !== exchange.nonce || binding !== expected.toString("base64")) return null
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const signature = hmac(key.storedKey, authMessage)
  const proved = Buffer.from(proof!, "base64")
  if (proved.length !== signature.length) return null
  const clientKey = Buffer.from(proved.map((byte, at) => byte ^ signature[at]!))
  if (!timingSafeEqual(sha(clientKey), key.storedKey)) return null
  return `v=${hmac(key.serverKey, authMessage).toString("base64")}`
}
