import type { BareClient } from "../../client/wire/bare.ts"
import type { DataTicket } from "../../protocol/sessions.ts"
import { attachSettings, type AttachSettings } from "../attachSettings.ts"
import type { Context } from "../context.ts"
import { refuseItself } from "../inside.ts"
import type { Size } from "./stream.ts"

export interface Wanted {
  readonly session: string
  readonly readOnly: boolean
  /** Also in the terminal of another session. */
  readonly nest: boolean
  /** That of the terminal. */
  readonly size: Size
}

export interface Found {
  readonly ticket: DataTicket
  readonly settings: AttachSettings
}

/** The first ticket to a session and what the command has to know to show it, in one go. */
export const lookUp = async (
  context: Context,
  client: BareClient,
  { nest, readOnly, session, size }: Wanted
): Promise<Found> => {
  const asked = { session, mode: "attach", ...(readOnly ? { readOnly } : size) }
  const [ticket, settings] = await Promise.all([
    client.call("sessions.attach", asked) as Promise<DataTicket>,
    attachSettings(context, client)
  ])
  // Also through a multiplexer inside of it, whose terminal is another one.
  if (!nest && context.env["HOB_SESSION_ID"] === ticket.session.id) refuseItself(ticket.session)
  return { ticket, settings }
}
