import { createHash, randomBytes } from "node:crypto"

/** What is kept of a secret. */
export const hashOf = (secret: string): string => createHash("sha256").update(secret).digest("hex")

interface Secret {
  readonly secret: string
  readonly hash: string
}

/** The secrets by which clients come back for their locks: one for each connection that has bound any. */
export class Secrets {
  readonly #secrets = new Map<number, Secret>()

  /** That of a client, made now if it has none; `made` is called then. */
  of(client: number, made: () => void): Secret {
    const known = this.#secrets.get(client)
    if (known !== undefined) return known
    const secret = randomBytes(16).toString("hex")
    return this.adopt(client, secret, made)
  }

  /** The secret with which a client has come back stays its own, unless it has another one already. */
  adopt(client: number, secret: string, made: () => void): Secret {
    const known = this.#secrets.get(client)
    if (known !== undefined) return known
    const own = { secret, hash: hashOf(secret) }
    this.#secrets.set(client, own)
    made()
    return own
  }

  /** False of a client that has left. */
  has(client: number): boolean {
    return this.#secrets.has(client)
  }

  forget(client: number): void {
    this.#secrets.delete(client)
  }
}
