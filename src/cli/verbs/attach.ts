import { isatty } from "node:tty"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { detachKey } from "../detachKey.ts"
import { ExitCode, Fault } from "../exit.ts"
import { label } from "../render/session.ts"

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
  const [found, key] = await lookUp(context, session)
  refuseSelf(context, found)
  // Loaded here: the other commands have no use for it.
  const { attachTerminal } = await import("../terminal/attachTerminal.ts")
  return attachTerminal(context, { session: found, detachKey: key, readOnly })
}

const lookUp = async (context: Context, session: string): Promise<readonly [Session, string]> => {
  const client = await open(context)
  try {
    // Both are on their way before the first answer.
    const show = client.call("sessions.show", { session }) as Promise<Session>
    return await Promise.all([show, detachKey(context, client)])
  } finally {
    client.close()
  }
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
