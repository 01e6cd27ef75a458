import { isatty } from "node:tty"
import type { Session } from "../../protocol/sessions.ts"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { attachSettings, type AttachSettings } from "../attachSettings.ts"
import { ExitCode, Fault } from "../exit.ts"
import { label } from "../render/session.ts"

export interface AttachOptions {
  readonly session: string
  readonly readOnly: boolean
  /** Takes the keyboard from whoever has it. */
  readonly take: boolean
}

export const hasTerminal = (): boolean => isatty(0) && isatty(1)

/** `hob attach`, and `hob run` in the foreground. Gives the session's exit code as a shell would, and 0 after detaching. */
export const attach = async (context: Context, { readOnly, session, take }: AttachOptions): Promise<number> => {
  if (!hasTerminal()) {
    throw new Fault(
      ExitCode.failure,
      "attach needs a terminal on standard input and output.",
      "Without one, `hob output -f` shows what a session prints and `hob send` types into it."
    )
  }
  if (readOnly && take) {
    throw new Fault(
      ExitCode.usage,
      "--take and --read-only exclude each other: who only watches has no use for the keyboard."
    )
  }
  const [found, settings] = await lookUp(context, session)
  refuseSelf(context, found)
  // Loaded here: the other commands have no use for it.
  const { attachTerminal } = await import("../terminal/attachTerminal.ts")
  return attachTerminal(context, { ...settings, session: found, readOnly, take })
}

const lookUp = async (context: Context, session: string): Promise<readonly [Session, AttachSettings]> => {
  const client = await open(context)
  try {
    // Both are on their way before the first answer.
    const show = client.call("sessions.show", { session }) as Promise<Session>
    return await Promise.all([show, attachSettings(context, client)])
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
