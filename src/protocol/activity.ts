import { Schema } from "effect"
import { Timestamp } from "./ids.ts"

/**
 * What the program of a session is about, read from its rendered screen and its own signs:
 * - `working`: it is at work, whether it prints or not
 * - `waiting`: it can't go on without an answer of its user (a question, a permission, a password)
 * - `idle`: it has finished and sits at its prompt
 * - `unknown`: nothing says which; never shown as idle
 */
export const ActivityState = Schema.Literals(["working", "waiting", "idle", "unknown"])
export type ActivityState = typeof ActivityState.Type

/** What a session's program is about, and since when. */
export const Activity = Schema.Struct({
  state: ActivityState,
  since: Timestamp,
  /** The agent or kind of program that was recognised, such as `claude`, `codex`, `gemini` or `shell`; null when none was. */
  agent: Schema.NullOr(Schema.String)
})
export type Activity = typeof Activity.Type

/** Why a session's activity is what it is. */
export const ActivityReason = Schema.Struct({
  /** The rule that matched, or the sign that was given. */
  rule: Schema.String,
  /** What it matched on, as a sentence or the line itself. */
  detail: Schema.String
})
export type ActivityReason = typeof ActivityReason.Type
