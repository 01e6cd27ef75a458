import type { Bearer } from "../tokens/Tokens.ts"

/** What goes on for as long as its client wants: a WebSocket, a stream of events, output that is followed. */
export interface LiveClient {
  /** Noticed when it is gone. */
  ping(): void
  end(reason?: string): void
}

/** Those that go on now, and by which token they came: they end with it. */
export class Live {
  readonly #clients = new Map<LiveClient, Bearer | undefined>()
  readonly #expires: (bearer: Bearer) => void

  /** `expires` sees to it that `endBearer` is called when a token expires. */
  constructor(expires: (bearer: Bearer) => void) {
    this.#expires = expires
  }

  add(client: LiveClient, bearer: Bearer | undefined): void {
    this.#clients.set(client, bearer)
    if (bearer !== undefined && bearer.expiresMillis !== null) this.#expires(bearer)
  }

  delete(client: LiveClient): void {
    this.#clients.delete(client)
  }

  endBearer(id: string): void {
    for (const [client, bearer] of this.#clients) if (bearer?.id === id) client.end()
  }

  ping(): void {
    for (const client of this.#clients.keys()) client.ping()
  }

  /** Ends all of them, or those that `which` says. */
  endAll(which: (client: LiveClient) => boolean = () => true): void {
    for (const client of this.#clients.keys()) if (which(client)) client.end("")
  }
}
