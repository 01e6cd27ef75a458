/** When a session that has ended is started anew, and as what. Pure: time comes in as a value. */
import type { RestartedFrom, SessionId } from "../protocol/index.ts"
import type { SessionFile } from "../protocol/sessionHost.ts"
import { type Entry, isOpen } from "./entry.ts"

/** The longest wait between an end and the next start. */
const LONGEST_DELAY_MILLIS = 60_000
/** A session that ran for so long was well: its restarts are counted from the beginning. */
const WELL_MILLIS = 10 * 60_000
/** The `reason` of ends that somebody meant. */
export const MEANT: ReadonlySet<string> = new Set(["killed", "ttl", "idle-stop"])

export type Restarting =
  /** It is started anew: the first time at `at` (milliseconds since 1970), as the `count`-th in a row. */
  | { readonly type: "restart"; readonly at: number; readonly count: number }
  /** It would be, but has been too often. */
  | { readonly type: "exhausted"; readonly count: number }
  | { readonly type: "no" }

const no: Restarting = { type: "no" }

/** Whether this session is started anew. `delayMillis` is the first wait; it doubles with each restart in a row. */
export const decideRestart = (entry: Entry, delayMillis: number, now: number): Restarting => {
  const { exit, file } = entry
  const { restart } = file
  if (restart === undefined || isOpen(entry)) return no
  if (file.restartedAs !== undefined || file.restartStopped !== undefined) return no
  if (exit !== null && MEANT.has(exit.exit.reason ?? "")) return no
  if (exit !== null && restart.policy === "on-failure" && exit.exit.code === 0) return no
  const began = Date.parse(file.createdAt)
  // When a lost one ended nobody knows: it is started as soon as that is found out.
  const ended = exit === null ? now : Date.parse(exit.closedAt)
  const count = ended - began >= WELL_MILLIS ? 1 : restart.count + 1
  if (restart.max > 0 && count > restart.max) return { type: "exhausted", count: restart.count }
  const delay = Math.min(delayMillis * 2 ** Math.min(count - 1, 30), LONGEST_DELAY_MILLIS)
  return { type: "restart", at: exit === null ? began : ended + delay, count }
}

/** Why: see {@link RestartedFrom}. */
export const reasonOfRestart = ({ exit, file }: Entry, bootId: string | null): RestartedFrom["because"] =>
  exit !== null ? "exit" : file.bootId !== undefined && bootId !== null && file.bootId !== bootId ? "reboot" : "lost"

/** The session that succeeds another: the same in all that somebody chose. */
export const successor = (
  { file }: Entry,
  given: { readonly id: SessionId; readonly createdAt: string; readonly count: number; readonly because: string }
): SessionFile => {
  const { bootId: _boot, limitedBy: _by, restartedAs: _as, restartStopped: _stopped, ...kept } = file
  return {
    ...kept,
    id: given.id,
    createdAt: given.createdAt,
    restart: { ...file.restart!, count: given.count },
    restartedFrom: { id: file.id, because: given.because }
  }
}
