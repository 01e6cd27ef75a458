import { WriteStream } from "node:tty"
import type { BareClient } from "../../client/wire/bare.ts"
import type { DataTicket, Session, SessionExit } from "../../protocol/sessions.ts"
import { attachSettings } from "../attachSettings.ts"
import type { Context } from "../context.ts"
import { call, isPassing } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { refuseItself } from "../inside.ts"
import { shellCode } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { printError } from "../stdio.ts"
import type { AttachOptions } from "../verbs/attach.ts"
import { attachPipes } from "./attachPipes.ts"
import { Attachment, type AttachmentOutcome } from "./Attachment.ts"
import { clientName } from "./clientName.ts"
import { isDetachKey } from "./detach.ts"
import { startGuard } from "./guard.ts"
import type { Size } from "./stream.ts"
import { sizeOf, Terminal } from "./terminal.ts"
import { ticketFor } from "./ticket.ts"

/** The first connection is closed this much later: for a socket that ends, Node opens its standard error. */
const CLOSE_MILLIS = 250

/**
 * Attaches the terminal on descriptors 0 and 1 to a session, of which the daemon tells that is being connected to. Gives
 * the exit code; the terminal is then as it was found. Everything up to the first screen is somebody waiting: what can
 * be done while another process works is done then.
 */
export const attachTerminal = async (
  context: Context,
  options: AttachOptions,
  connecting: Promise<BareClient>
): Promise<number> => {
  const { readOnly, take } = options
  const client = await connecting
  const output = new WriteStream(1)
  const lookingUp = lookUp(context, client, options, sizeOf(output))
  // The daemon is asked by then, and answers while the guard is being started.
  await Promise.resolve()
  const guard = startGuard(0, 1)
  const terminal = new Terminal(guard, 0, output)
  let found
  try {
    found = await lookingUp
  } catch (error) {
    terminal.abandon()
    throw error
  } finally {
    setTimeout(() => client.close(), CLOSE_MILLIS).unref()
  }
  const { settings, ticket } = found
  const { session } = ticket
  const asked = { session: session.id, mode: "attach", readOnly, first: ticket } as const
  if (session.kind === "pipe") {
    terminal.abandon()
    const outcome = await attachPipes(ticketFor(context, asked), { session, readOnly })
    const leave = (line: string | undefined) => void (line !== undefined && printError(line))
    return conclude(context, leave, session, outcome)
  }
  const raw = guard.raw().catch((cause: unknown) => {
    throw new Fault(ExitCode.failure, `The terminal can't be put into raw mode: ${(cause as Error).message}.`)
  })
  const request = ticketFor(context, { ...asked, ...(readOnly ? {} : { size: () => terminal.size }) })
  const mine = { ...settings, session, readOnly, take, client: clientName(context.env) }
  const outcome = await new Attachment(terminal, mine, request, isPassing).run(raw)
  return conclude(context, (line) => terminal.leave(line), session, outcome)
}

/** The first ticket and what the command has to know, in one go. */
const lookUp = async (context: Context, client: BareClient, { nest, readOnly, session }: AttachOptions, size: Size) => {
  const asked = { session, mode: "attach", ...(readOnly ? { readOnly } : size) }
  const [ticket, settings] = await Promise.all([
    client.call("sessions.attach", asked) as Promise<DataTicket>,
    attachSettings(context, client)
  ])
  // Also through a multiplexer inside of it, whose terminal is another one.
  if (!nest && context.env["HOB_SESSION_ID"] === ticket.session.id) refuseItself(ticket.session)
  const { detachKey } = settings
  if (detachKey !== "" && !isDetachKey(detachKey)) {
    throw new Fault(
      ExitCode.usage,
      `sessions.detachKey: ${JSON.stringify(detachKey)} is not a key.`,
      'Write it as "C-\\\\", "C-b d", or "" for none; `hob config show` tells where it comes from.'
    )
  }
  return { ticket, settings }
}

/** Lets go of the terminal with a last line, and finds the exit code. */
const conclude = async (
  context: Context,
  leave: (line: string | undefined) => void | Promise<void>,
  session: Session,
  outcome: AttachmentOutcome
): Promise<number> => {
  const name = label(session)
  switch (outcome.type) {
    case "detached":
      await leave(`[detached from ${name}; it runs on. \`hob attach ${name}\` returns to it]`)
      return ExitCode.ok
    case "ended": {
      const exit = outcome.exit ?? (await exitOf(context, session))
      if (exit === null) {
        await leave(`[session ${name} lost: the session-host went away; \`hob output ${name}\` has its log]`)
        return ExitCode.lost
      }
      await leave(`[session ${name} ended: ${exitText(exit)}]`)
      return shellCode(exit)
    }
    case "signal":
      await leave(undefined)
      return outcome.exitCode
    case "failed":
      await leave(undefined)
      throw outcome.error
  }
}

/** The host tells an exit while it holds the session; afterwards the daemon knows. */
const exitOf = async (context: Context, session: Session): Promise<SessionExit | null> => {
  try {
    return (await call<Session>(context, "sessions.show", { session: session.id })).exit
  } catch {
    return null
  }
}
