/** Between claude-sessions' words and hob's. Pure. */
import type { Session, SpawnFailed } from "../../protocol/index.ts"
import { MEANT } from "../../sessions/restarting.ts"
import { rustDebug } from "../rustDebug.ts"
import type { Response, SessionInfo } from "./messages.ts"

/** The tag by which the sessions of this dialect are known, also after a restart of the daemon. */
export const TAG = "claude-sessions"
/** Takes the place of {@link TAG} when a client has stopped the session: it is not listed any more. */
export const STOPPED_TAG = "claude-sessions-stopped"

export const error = (message: string): Response => ({ type: "error", message })

export const sentences = {
  unreadable: (problem: string) => `Failed to parse request: ${problem}`,
  tooMany: "Too many clients are connected at once. Try again in a moment.",
  badId: "Invalid session ID format",
  notActive: "Failed to send input: Session not found or not active (no PTY handle)",
  notWritten: "Failed to send input: Failed to write to PTY",
  // Its command line takes nothing but an error for an answer, and shows where the log is.
  noAttach: "Attach not implemented yet",
  notFound: (id: string) => `Failed to stop session: Session not found: ${id}`,
  noDirectory: (path: string) => `Failed to start session: Working directory does not exist: ${rustDebug(path)}`,
  relative: (path: string) =>
    `Failed to start session: Working directory is not absolute: ${rustDebug(path)}. hob can't know below which directory it is meant; give the whole path.`
} as const

/** Why a session could not be started, in its words where it has any. */
export const notStarted = ({ detail, reason }: Pick<SpawnFailed, "detail" | "reason">): Response =>
  error(
    `Failed to start session: ${
      reason === "command-not-found" || reason === "not-executable" ? "Failed to spawn Claude Code PTY" : detail
    }`
  )

/**
 * Its five words for the state of a session: `running`; `stopped` when the program ended with 0, or hob ended it
 * because somebody meant it to end; `crashed` when it ended otherwise; `orphaned` when it ended and what it started still holds its terminal; `stale`
 * when it is lost.
 */
export const statusOf = ({
  closedAt,
  exit,
  state
}: Pick<Session, "closedAt" | "exit" | "state">): SessionInfo["status"] => {
  if (state === "lost") return "stale"
  if (state !== "exited" || exit === null) return "running"
  if (closedAt === null) return "orphaned"
  return exit.code === 0 || (exit.reason !== null && MEANT.has(exit.reason)) ? "stopped" : "crashed"
}

/** RFC 3339 as its program writes it: with an offset, not with `Z`. */
export const rfc3339 = (iso: string): string => iso.replace(/Z$/, "+00:00")

export const toInfo = (session: Session, logPath: string): SessionInfo => ({
  id: session.id,
  working_dir: session.cwd,
  created_at: rfc3339(session.createdAt),
  status: statusOf(session),
  log_path: logPath
})

const HEX = String.raw`[0-9a-fA-F]`
const HYPHENATED = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`
const UUID = new RegExp(`^(?:${HEX}{32}|${HYPHENATED}|\\{${HYPHENATED}\\}|urn:uuid:${HYPHENATED})$`)

/** The id that a text stands for, as hob writes it; null when it is none. Every form is taken that its program takes. */
export const parseUuid = (text: string): string | null => {
  if (!UUID.test(text)) return null
  const digits = text
    .replace(/^urn:uuid:/, "")
    .replace(/[{}-]/g, "")
    .toLowerCase()
  return [0, 8, 12, 16, 20].map((from, index) => digits.slice(from, [8, 12, 16, 20, 32][index])).join("-")
}

/** What is typed for a text that is to be submitted; what ends its last line is typed apart from it. */
export const typed = (text: string): string => text.replace(/(?:\r\n|\r|\n)$/, "")
