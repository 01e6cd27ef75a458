import { constants } from "node:os"
import type { Session, SessionExit } from "../protocol/sessions.ts"

/** A program's end as a shell reports it: its exit code, or 128 and the signal's number. */
export const shellCode = (exit: Pick<SessionExit, "code" | "signal">): number => {
  if (exit.signal === null) return exit.code ?? 1
  const number = (constants.signals as Readonly<Record<string, number>>)[exit.signal]
  // Realtime signals have no name in Node; hosts write them as a number.
  return 128 + (number ?? (Number(exit.signal.replace(/\D+/g, "")) || 0))
}

/** Null while the session runs, and when it was lost. */
export const exitCodeOf = (session: Pick<Session, "exit">): number | null =>
  session.exit === null ? null : shellCode(session.exit)
