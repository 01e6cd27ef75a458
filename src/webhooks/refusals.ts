import type { Reply } from "../wire/http/messages.ts"
import { routeKey } from "./routing.ts"

/** The requests to one webhook that were refused, since the daemon's start. */
export interface Refused {
  readonly count: number
  readonly last: { readonly atMillis: number; readonly status: number; readonly reason: string } | undefined
}

const none: Refused = { count: 0, last: undefined }

/** Why what should come through doesn't: the first thing that somebody who sets a webhook up wants to know. */
export class Refusals {
  readonly #refused = new Map<string, Refused>()

  of(which: { readonly namespace: string; readonly method: string }): Refused {
    return this.#refused.get(routeKey(which)) ?? none
  }

  add(which: { readonly namespace: string; readonly method: string }, last: NonNullable<Refused["last"]>): void {
    const { count } = this.of(which)
    this.#refused.set(routeKey(which), { count: count + 1, last })
  }

  forget(which: { readonly namespace: string; readonly method: string }): void {
    this.#refused.delete(routeKey(which))
  }
}

/** What a reply says of a failure. */
export const failureMessage = ({ body, status }: Reply): string =>
  (body as { readonly error?: string } | undefined)?.error ?? String(status)
