import type { HostRequest } from "../protocol/sessionHost.ts"
import type { GrantState } from "./upgrade/state.ts"

/** What a ticket allows. */
export type Grant = Omit<Extract<HostRequest, { op: "grant" }>, "id" | "op" | "ticket">

export const TICKET_MILLIS = 30_000

/** Tickets that were given out and not yet used. Each is good for one `open` within 30 seconds. */
export class Tickets {
  readonly #grants = new Map<
    string,
    { readonly grant: Grant; readonly expiry: NodeJS.Timeout; readonly until: number }
  >()

  /** False when there is such a ticket already. */
  add(ticket: string, grant: Grant, millis = TICKET_MILLIS): boolean {
    if (this.#grants.has(ticket)) return false
    const expiry = setTimeout(() => this.#grants.delete(ticket), millis)
    expiry.unref()
    this.#grants.set(ticket, { grant, expiry, until: performance.now() + millis })
    return true
  }

  /** Those that are not used yet, for a successor of this process. */
  handOver(): Array<GrantState> {
    const now = performance.now()
    return [...this.#grants].map(([ticket, { grant, until }]) => ({
      ticket,
      grant: { id: 0, op: "grant", ticket, ...grant },
      leftMillis: Math.max(0, Math.round(until - now))
    }))
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
