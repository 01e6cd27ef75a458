import { randomBytes } from "node:crypto"
import nacl from "tweetnacl"

interface Pairing {
  readonly supportsV2: boolean
  answer?: { readonly response: string; readonly token: string }
}

const isKey = (key: unknown, bytes = 32): key is string =>
  typeof key === "string" && Buffer.from(key, "base64").length === bytes

/** Who may come: accounts by their public keys, tokens that never expire, terminals that wait to be paired. */
export class Accounts {
  readonly #byKey = new Map<string, string>()
  readonly #byToken = new Map<string, string>()
  readonly #pairings = new Map<string, Pairing>()

  /** Exchanges a signed challenge for a token; the challenge is the client's own. The account is made when it is new. */
  exchange(body: {
    readonly publicKey?: unknown
    readonly challenge?: unknown
    readonly signature?: unknown
  }): string | null {
    const { challenge, publicKey, signature } = body
    if (!isKey(publicKey) || typeof challenge !== "string" || !isKey(signature, 64)) return null
    const bytes = (text: string) => Buffer.from(text, "base64")
    if (!nacl.sign.detached.verify(bytes(challenge), bytes(signature), bytes(publicKey))) return null
    const account = this.#byKey.get(publicKey) ?? `account-${this.#byKey.size + 1}`
    this.#byKey.set(publicKey, account)
    return this.tokenFor(account)
  }

  tokenFor(account: string): string {
    const token = `token.${account}.${randomBytes(12).toString("hex")}`
    this.#byToken.set(token, account)
    return token
  }

  accountOf(token: unknown): string | undefined {
    return typeof token === "string" ? this.#byToken.get(token) : undefined
  }

  revoke(token: string): void {
    this.#byToken.delete(token)
  }

  /** A terminal asks, again and again, whether a device has answered it. */
  request(body: { readonly publicKey?: unknown; readonly supportsV2?: unknown }): object | null {
    if (!isKey(body.publicKey)) return null
    const pairing = this.#pairings.get(body.publicKey) ?? { supportsV2: body.supportsV2 === true }
    this.#pairings.set(body.publicKey, pairing)
    if (pairing.answer === undefined) return { state: "requested" }
    return { state: "authorized", token: pairing.answer.token, response: pairing.answer.response }
  }

  status(publicKey: string): object {
    const pairing = this.#pairings.get(publicKey)
    if (pairing === undefined) return { status: "not_found", supportsV2: false }
    return { status: pairing.answer === undefined ? "pending" : "authorized", supportsV2: pairing.supportsV2 }
  }

  /** A device of the account answers a terminal. False: nobody has asked with this key. */
  answer(account: string, body: { readonly publicKey?: unknown; readonly response?: unknown }): boolean {
    const pairing = this.#pairings.get(String(body.publicKey))
    if (pairing === undefined || typeof body.response !== "string") return false
    pairing.answer ??= { response: body.response, token: this.tokenFor(account) }
    return true
  }
}
