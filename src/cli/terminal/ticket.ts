import type { GapFrame } from "../../protocol/sessionHost.ts"
import type { DataTicket, Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, callAgain } from "../daemon.ts"
import { bytes } from "../render/text.ts"
import type { RequestTicket } from "./stream.ts"

export interface TicketRequest {
  readonly session: string
  readonly mode: "attach" | "follow" | "read" | "records"
  readonly readOnly?: boolean
  /** The last so many bytes, the first time. */
  readonly tail?: number
  /** Asked each time: the terminal's size of that moment. */
  readonly size?: () => { readonly cols: number; readonly rows: number }
  /** One that is there already: the first. */
  readonly first?: DataTicket
}

/**
 * Asks the daemon for tickets to one session. What was found the first time stays: later a prefix might mean two, and a
 * name another. `onSession` is called once, before anything is opened.
 */
export const ticketFor = (
  context: Context,
  { first, mode, readOnly, session, size, tail }: TicketRequest,
  onSession?: (session: Session) => void
): RequestTicket => {
  let id = first?.session.id as string | undefined
  let ready = first
  return async (since) => {
    if (ready !== undefined) {
      const ticket = ready
      ready = undefined
      return ticket
    }
    const params = () => ({
      session: id ?? session,
      mode,
      ...(readOnly === true ? { readOnly } : {}),
      ...(since === null ? (tail === undefined ? {} : { tail }) : { since }),
      ...size?.()
    })
    // Later ones are asked for again by the stream that wants them.
    const ticket =
      id === undefined
        ? await callAgain<DataTicket>(context, "sessions.attach", params)
        : await call<DataTicket>(context, "sessions.attach", params())
    if (id === undefined) onSession?.(ticket.session)
    id = ticket.session.id
    return ticket
  }
}

const reasons: Readonly<Record<GapFrame["reason"], string>> = {
  rotated: "are no longer in the log",
  "log-lost": "could not be logged: the disk was full or failed",
  behind: "were skipped: they came faster than they could be shown",
  corrupt: "can't be read from the log any more"
}

/** `4.2 kB of output (bytes 100 to 4300) are no longer in the log` */
export const gapText = ({ from, reason, to }: GapFrame): string =>
  `${bytes(to - from)} of output (bytes ${from} to ${to}) ${reasons[reason] ?? reason}`
