import { constants } from "node:os"

/** What is left is looked at again and again, after SIGKILL too: a process can fork between the look and the signal. */
const FIRST_LOOK_MILLIS = 5
const LAST_LOOK_MILLIS = 50
/** Only a process that waits in the kernel, on a dead disk say, outlives SIGKILL for as long. */
const GIVE_UP_MILLIS = 5_000

/** The part of a session that can be killed. */
export interface Killable {
  readonly closed: boolean
  readonly signalAll: (signal: NodeJS.Signals) => void
  /** Processes of the session that still run, its descendants in other groups included. */
  readonly survivors: () => ReadonlyArray<number>
}

/** `TERM` and `SIGTERM` are the same; null for what this system doesn't know. */
export const signalNamed = (name: string): NodeJS.Signals | null => {
  const upper = name.toUpperCase()
  const full = upper.startsWith("SIG") ? upper : `SIG${upper}`
  return Object.hasOwn(constants.signals, full) ? (full as NodeJS.Signals) : null
}

/**
 * Sends `signal` to every process of the session (null: that is done), and SIGKILL to what is left after the grace. Resolves to true when
 * the session has closed and none of its processes is left, to false when SIGKILL did not bring that about either.
 */
export const killSession = async (
  session: Killable,
  signal: NodeJS.Signals | null,
  graceMillis: number
): Promise<boolean> => {
  let look = FIRST_LOOK_MILLIS
  const pause = () => {
    const millis = look
    look = Math.min(look * 2, LAST_LOOK_MILLIS)
    return new Promise<void>((resolve) => setTimeout(resolve, millis))
  }
  const gone = () => session.closed && session.survivors().length === 0
  const started = performance.now()
  if (signal !== null) session.signalAll(signal)
  while (!gone() && performance.now() - started < graceMillis) await pause()
  const giveUpAt = performance.now() + GIVE_UP_MILLIS
  while (!gone()) {
    if (performance.now() > giveUpAt) return false
    session.signalAll("SIGKILL")
    await pause()
  }
  return true
}
