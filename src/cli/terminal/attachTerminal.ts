import { ReadStream, WriteStream } from "node:tty"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, isPassing } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { shellCode } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { printError } from "../stdio.ts"
import { attachPipes } from "./attachPipes.ts"
import { Attachment, type AttachmentOptions, type AttachmentOutcome } from "./Attachment.ts"
import { clientName } from "./clientName.ts"
import { isDetachKey } from "./detach.ts"
import { startGuard, type TerminalGuard } from "./guard.ts"
import { Terminal } from "./terminal.ts"
import { ticketFor } from "./ticket.ts"

/** Attaches the terminal on descriptors 0 and 1 to a session. Gives the exit code; the terminal is then as it was found. */
export const attachTerminal = async (context: Context, options: Omit<AttachmentOptions, "client">): Promise<number> => {
  const { detachKey, readOnly, session } = options
  if (detachKey !== "" && !isDetachKey(detachKey)) {
    throw new Fault(
      ExitCode.usage,
      `sessions.detachKey: ${JSON.stringify(detachKey)} is not a key.`,
      'Write it as "C-\\\\", "C-b d", or "" for none; `hob config show` tells where it comes from.'
    )
  }
  const asked = { session: session.id, mode: "attach", readOnly } as const
  if (session.kind === "pipe") {
    const outcome = await attachPipes(ticketFor(context, asked), options)
    const leave = (line: string | undefined) => void (line !== undefined && printError(line))
    return conclude(context, leave, session, outcome)
  }
  const terminal = await makeTerminal()
  const request = ticketFor(context, { ...asked, ...(readOnly ? {} : { size: () => terminal.size }) })
  const outcome = await new Attachment(
    terminal,
    { ...options, client: clientName(context.env) },
    request,
    isPassing
  ).run()
  return conclude(context, (line) => terminal.leave(line), session, outcome)
}

const makeTerminal = async (): Promise<Terminal> => {
  let guard: TerminalGuard
  try {
    guard = await startGuard(0, 1)
  } catch (cause) {
    throw new Fault(ExitCode.failure, `The terminal can't be put into raw mode: ${(cause as Error).message}.`)
  }
  return new Terminal(guard, new ReadStream(0), new WriteStream(1))
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
