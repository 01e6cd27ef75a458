import { isatty, WriteStream } from "node:tty"
import type { Context } from "../context.ts"
import { open } from "../daemon.ts"
import { ExitCode, Fault } from "../exit.ts"
import { enclosing, refuseItself, refuseNesting } from "../inside.ts"
import { lookUp } from "../terminal/lookUp.ts"
import { sizeOf } from "../terminal/size.ts"

export interface AttachOptions {
  readonly session: string
  readonly readOnly: boolean
  /** Takes the keyboard from whoever has it. */
  readonly take: boolean
  /** Also in the terminal of another session. */
  readonly nest: boolean
}

export const hasTerminal = (): boolean => isatty(0) && isatty(1)

/** `hob attach`, and `hob run` in the foreground. Gives the session's exit code as a shell would, and 0 after detaching. */
export const attach = async (context: Context, { nest, readOnly, session, take }: AttachOptions): Promise<number> => {
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
  const outer = await enclosing(context)
  if (outer !== null && (outer.name === session || outer.id.startsWith(session.toLowerCase()))) refuseItself(outer)
  if (outer !== null && !nest) {
    refuseNesting(outer, "Attach from another terminal; `hob output -f` shows what it prints without attaching.")
  }
  const client = await open(context)
  const output = new WriteStream(1)
  const lookingUp = lookUp(context, client, { nest, readOnly, session, size: sizeOf(output) })
  // Told by whoever waits for it.
  lookingUp.catch(() => {})
  // Loaded here, while the daemon answers: the other commands have no use for it.
  const { attachTerminal } = await import("../terminal/attachTerminal.ts")
  return attachTerminal(context, { readOnly, take }, { client, output, lookingUp })
}
