import type { HostRequest } from "../protocol/sessionHost.ts"

/** What a ticket allows. */
export type Grant = Omit<Extract<HostRequest, { op: "grant" }>, "id" | "op" | "ticket">

export const TICKET_MILLIS = 30_000

/** Tickets that were given out and not yet used. Each is good for one `open` within 30 seconds. */
export class Tickets {
  readonly #grants = new Map<string, { readonly grant: Grant; readonly expiry: NodeJS.Timeout }>()

  /** False when there is such a ticket already. */
  add(ticket: string, grant: Grant): boolean {
    if (this.#grants.has(ticket)) return false
    const expiry = setTimeout(() => this.#grants.delete(ticket), TICKET_MILLIS)
    expiry.unref()
    this.#grants.set(ticket, { grant, expiry })
    return true
  }

  /** What `ticket` allows, once; null when it was used, has expired or never was. */
  take(ticket: string): Grant | null {
    const found = this.#grants.get(ticket)
    if (found === undefined) return null
    this.#grants.delete(ticket)
    clearTimeout(found.expiry)
    return found.grant
  }
}
