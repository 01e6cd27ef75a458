import type { WriteStream } from "node:tty"
import type { BareClient } from "../../client/wire/bare.ts"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, isPassing } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { shellCode } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { printError } from "../stdio.ts"
import type { AttachOptions } from "../verbs/attach.ts"
import { attachPipes } from "./attachPipes.ts"
import { Attachment, type AttachmentOutcome } from "./Attachment.ts"
import { clientName } from "./clientName.ts"
import { isDetachKey } from "./detach.ts"
import type { Found } from "./lookUp.ts"
import { Terminal } from "./terminal.ts"
import { ticketFor } from "./ticket.ts"

/** The first connection is closed this much later: for a socket that ends, Node opens its standard error. */
const CLOSE_MILLIS = 250

export interface Begun {
  /** Connected to the daemon. */
  readonly client: BareClient
  /** The terminal, to write on. */
  readonly output: WriteStream
  /** What the daemon has been asked for. */
  readonly lookingUp: Promise<Found>
}

/**
 * Attaches the terminal on descriptors 0 and 1 to a session. Gives the exit code; the terminal is then as it was found.
 * Everything up to the first screen is somebody waiting: what can be done while another process works is done then.
 */
export const attachTerminal = async (
  context: Context,
  { readOnly, take }: Pick<AttachOptions, "readOnly" | "take">,
  { client, lookingUp, output }: Begun
): Promise<number> => {
  let found
  try {
    found = await lookingUp
  } finally {
    setTimeout(() => client.close(), CLOSE_MILLIS).unref()
  }
  const { settings, ticket } = found
  checkDetachKey(settings.detachKey)
  const { session } = ticket
  const asked = { session: session.id, mode: "attach", readOnly, first: ticket } as const
  if (session.kind === "pipe") {
    const outcome = await attachPipes(ticketFor(context, asked), { session, readOnly })
    const leave = (line: string | undefined) => void (line !== undefined && printError(line))
    return conclude(context, leave, session, outcome)
  }
  const terminal = new Terminal(0, output)
  const request = ticketFor(context, { ...asked, ...(readOnly ? {} : { size: () => terminal.size }) })
  const mine = { ...settings, session, readOnly, take, client: clientName(context.env) }
  const outcome = await new Attachment(terminal, mine, request, isPassing).run()
  return conclude(context, (line) => terminal.leave(line), session, outcome)
}

const checkDetachKey = (detachKey: string): void => {
  if (detachKey === "" || isDetachKey(detachKey)) return
  throw new Fault(
    ExitCode.usage,
    `sessions.detachKey: ${JSON.stringify(detachKey)} is not a key.`,
    'Write it as "C-\\\\", "C-b d", or "" for none; `hob config show` tells where it comes from.'
  )
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
