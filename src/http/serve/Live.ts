import type { Bearer } from "../tokens/Tokens.ts"

/** What goes on for as long as its client wants: a WebSocket, a stream of events, output that is followed. */
export interface LiveClient {
  /** Noticed when it is gone. */
  ping(): void
  /** Its token is no good any more; `isClosing`: hob answers over HTTP no longer. */
  end(isClosing?: boolean): void
}

interface Watched {
  readonly clients: Set<LiveClient>
  readonly stop: () => void
}

/** Those that go on now, and by which token they came: they end with it. */
export class Live {
  readonly #clients = new Map<LiveClient, Bearer | undefined>()
  /** Tokens that expire, for as long as anybody is here by them. */
  readonly #watched = new Map<string, Watched>()
  readonly #watch: (bearer: Bearer) => () => void

  /** `watch` sees to it that `endBearer` is called when a token expires, until what it returns is called. */
  constructor(watch: (bearer: Bearer) => () => void) {
    this.#watch = watch
  }

  add(client: LiveClient, bearer: Bearer | undefined): void {
    this.#clients.set(client, bearer)
    if (bearer === undefined || bearer.expiresMillis === null) return
    const watched = this.#watched.get(bearer.id)
    if (watched !== undefined) watched.clients.add(client)
    else this.#watched.set(bearer.id, { clients: new Set([client]), stop: this.#watch(bearer) })
  }

  delete(client: LiveClient): void {
    const bearer = this.#clients.get(client)
    this.#clients.delete(client)
    const watched = bearer === undefined ? undefined : this.#watched.get(bearer.id)
    if (watched === undefined || !watched.clients.delete(client) || watched.clients.size > 0) return
    this.#watched.delete(bearer!.id)
    watched.stop()
  }

  endBearer(id: string): void {
    for (const [client, bearer] of this.#clients) if (bearer?.id === id) client.end()
  }

  ping(): void {
    for (const client of this.#clients.keys()) client.ping()
  }

  /** hob answers over HTTP no longer: ends all of them, or those that `which` says. */
  endAll(which: (client: LiveClient) => boolean = () => true): void {
    for (const client of this.#clients.keys()) if (which(client)) client.end(true)
  }
}
