import { isatty, ReadStream, WriteStream } from "node:tty"
import type { Session, SessionExit } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { call, isPassing, open } from "../daemon.ts"
import { detachKey } from "../detachKey.ts"
import { ExitCode, Fault } from "../exit.ts"
import { shellCode } from "../outcome.ts"
import { exitText, label } from "../render/session.ts"
import { Attachment } from "../terminal/Attachment.ts"
import { isDetachKey } from "../terminal/detach.ts"
import type { TerminalGuard } from "../terminal/guard.ts"
import { Terminal } from "../terminal/terminal.ts"
import { ticketFor } from "../terminal/ticket.ts"

export interface AttachOptions {
  readonly session: string
  readonly readOnly: boolean
}

export const hasTerminal = (): boolean => isatty(0) && isatty(1)

/** `hob attach`, and `hob run` in the foreground. Gives the session's exit code as a shell would, and 0 after detaching. */
export const attach = async (context: Context, { readOnly, session }: AttachOptions): Promise<number> => {
  if (!hasTerminal()) {
    throw new Fault(
      ExitCode.failure,
      "attach needs a terminal on standard input and output.",
      "Without one, `hob output -f` shows what a session prints and `hob send` types into it."
    )
  }
  const client = await open(context)
  let found: Session
  let key: string
  try {
    // Both are on their way before the first answer.
    ;[found, key] = await Promise.all([
      client.call("sessions.show", { session }) as Promise<Session>,
      detachKey(context, client)
    ])
  } finally {
    client.close()
  }
  refuseSelf(context, found)
  if (!isDetachKey(key)) {
    throw new Fault(
      ExitCode.usage,
      `sessions.detachKey: ${JSON.stringify(key)} is not a key.`,
      'Write it as "C-\\\\", "C-b d", or "" for none; `hob config show` tells where it comes from.'
    )
  }
  const terminal = await makeTerminal()
  const attachment = new Attachment(terminal, { detachKey: key, readOnly, session: found })
  const request = ticketFor(context, {
    session: found.id,
    mode: "attach",
    readOnly,
    ...(readOnly ? {} : { size: () => terminal.size })
  })
  const outcome = await attachment.run(request, isPassing)
  return conclude(context, terminal, found, outcome)
}

const makeTerminal = async (): Promise<Terminal> => {
  // It starts a process, and what that takes is long to load.
  const { startGuard } = await import("../terminal/guard.ts")
  let guard: TerminalGuard
  try {
    guard = await startGuard(0, 1)
  } catch (cause) {
    throw new Fault(ExitCode.failure, `The terminal can't be put into raw mode: ${(cause as Error).message}.`)
  }
  return new Terminal(guard, new ReadStream(0), new WriteStream(1))
}

/** A session shown inside of itself would print what it prints, for ever. */
const refuseSelf = (context: Context, session: Session): void => {
  if (context.env["HOB_SESSION_ID"] !== session.id) return
  throw new Fault(
    ExitCode.failure,
    `This is session ${label(session)} itself: attached from inside, it would show its own output without end.`,
    "Attach from another terminal, or to another session (`hob ls`)."
  )
}

type Outcome = Awaited<ReturnType<Attachment["run"]>>

const conclude = async (context: Context, terminal: Terminal, session: Session, outcome: Outcome): Promise<number> => {
  const name = label(session)
  switch (outcome.type) {
    case "detached":
      await terminal.leave(`[detached from ${name}; it runs on. \`hob attach ${name}\` returns to it]`)
      return ExitCode.ok
    case "ended": {
      const exit = outcome.exit ?? (await exitOf(context, session))
      if (exit === null) {
        await terminal.leave(`[session ${name} lost: the session-host went away; \`hob output ${name}\` has its log]`)
        return ExitCode.lost
      }
      await terminal.leave(`[session ${name} ended: ${exitText(exit)}]`)
      return shellCode(exit)
    }
    case "signal":
      await terminal.leave(undefined)
      return outcome.exitCode
    case "failed":
      await terminal.leave(undefined)
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
