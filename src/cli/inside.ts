/** Commands that are given inside a session: they neither steal nor nest into nor end the one they run in, unless told. */
import { readFileSync } from "node:fs"
import { isatty } from "node:tty"
import type { Session } from "../protocol/sessions.ts"
import { CallError } from "../client/wire/bare.ts"
import type { Context } from "./context.ts"
import { call } from "./daemon.ts"
import { ExitCode, Fault } from "./exit.ts"
import { label } from "./render/session.ts"

/** Who asks, for methods that may end sessions. */
export const caller = (context: Context, self: boolean): { readonly from?: string; readonly self?: true } => {
  const from = context.env["HOB_SESSION_ID"]
  return { ...(from === undefined || from === "" ? {} : { from }), ...(self ? { self: true } : {}) }
}

/** The device number of a process's terminal; undefined where the system does not tell. */
const terminalOf = (pid: number | "self"): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The program's name may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[4]
  } catch {
    return undefined
  }
}

/** Whether this command's terminal is that of the session; a multiplexer inside it has terminals of its own. */
const isInTerminalOf = (session: Session, descriptor: number): boolean => {
  if (session.kind !== "pty" || session.pid === null || !isatty(descriptor)) return false
  const own = terminalOf("self")
  const its = terminalOf(session.pid)
  return own === undefined || its === undefined || own === its
}

/**
 * The session in whose terminal this command runs; null outside, or where the session belongs to another hob. That is
 * the terminal on `descriptor`: standard input, or where it prints.
 */
export const enclosing = async (context: Context, descriptor: 0 | 1 = 0): Promise<Session | null> => {
  const id = context.env["HOB_SESSION_ID"]
  if (id === undefined || id === "") return null
  try {
    const session = await call<Session>(context, "sessions.show", { session: id })
    return session.id === id && isInTerminalOf(session, descriptor) ? session : null
  } catch (error) {
    if (error instanceof CallError && error.data?._tag === "SessionNotFound") return null
    throw error
  }
}

/** For what is followed: printed into its own terminal, it would be followed for ever and fill the disk. */
export const refuseToFollowItself = async (context: Context, followed: string): Promise<void> => {
  const outer = await enclosing(context, 1)
  if (outer === null || (await call<Session>(context, "sessions.show", { session: followed })).id !== outer.id) return
  throw new Fault(
    ExitCode.failure,
    `This is session ${label(outer)} itself: followed in its own terminal, it would print what it prints, without end.`,
    "Follow it from another terminal, or into a file."
  )
}

/** A session shown inside of itself would print what it prints, for ever. */
export const refuseItself = (session: Session): never => {
  throw new Fault(
    ExitCode.failure,
    `This is session ${label(session)} itself: attached from inside, it would show its own output without end.`,
    "Attach from another terminal, or to another session (`hob ls`)."
  )
}

/** Two sessions in one terminal: keys and sizes of the inner one go through the outer one. */
export const refuseNesting = (outer: Session, hint: string): never => {
  throw new Fault(
    ExitCode.failure,
    `You are inside session ${label(outer)}: another session shown in its terminal would be one within the other.`,
    `${hint} \`--nest\` does it all the same.`
  )
}
