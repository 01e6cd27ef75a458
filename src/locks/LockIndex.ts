import type { Grant } from "./state.ts"

const none: ReadonlySet<string> = new Set()

/** Which locks are bound to a connection, and which may be had back with a secret. */
export class LockIndex {
  readonly #keys = new Map<string, Set<string>>()

  static client = (client: number): string => `client ${client}`
  static secret = (hash: string): string => `secret ${hash}`

  /** The keys of the locks of one of these. */
  keys(owner: string): ReadonlySet<string> {
    return this.#keys.get(owner) ?? none
  }

  change(key: string, before: Grant | undefined, after: Grant | undefined): void {
    if (before === after) return
    if (before?.bind === "connection") for (const owner of ownersOf(before)) this.#remove(owner, key)
    if (after?.bind === "connection") for (const owner of ownersOf(after)) this.#add(owner, key)
  }

  #add(owner: string, key: string): void {
    const keys = this.#keys.get(owner)
    if (keys === undefined) this.#keys.set(owner, new Set([key]))
    else keys.add(key)
  }

  #remove(owner: string, key: string): void {
    const keys = this.#keys.get(owner)
    if (keys?.delete(key) === true && keys.size === 0) this.#keys.delete(owner)
  }
}

const ownersOf = ({ client, secretHash }: Grant): ReadonlyArray<string> => [
  ...(client === undefined ? [] : [LockIndex.client(client)]),
  ...(secretHash === undefined ? [] : [LockIndex.secret(secretHash)])
]
