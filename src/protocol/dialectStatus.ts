import { Schema } from "effect"
import { Timestamp } from "./ids.ts"

/** Every dialect there is: named as the program whose clients it serves. */
export const dialectNames = ["claude-sessions", "gitify", "happy", "midclt", "photon"] as const
export type DialectName = (typeof dialectNames)[number]

/** One entry of the setting `dialects.enabled`: a name, and arguments with one space before each. */
export const dialectEntryPattern = new RegExp(`^(?:${dialectNames.join("|")})(?: [^\\s\\0]{1,128}){0,16}$`, "u")

/**
 * - `disabled`: not asked for.
 * - `starting`: it looks whether its socket's path is free.
 * - `up`: its clients are answered.
 * - `refused`: it can't listen, for `reason`; it tries again by itself.
 * - `closed`: its own clients shut it down, or ended the process of its pid file; it stays so until it is enabled again or the next daemon starts.
 */
export const DialectState = Schema.Literals(["disabled", "starting", "up", "refused", "closed"])
export type DialectState = typeof DialectState.Type

/** One dialect, or one of several of its kind, and how it is. */
export const DialectStatus = Schema.Struct({
  name: Schema.String,
  /** What tells it from others of its kind, or what it is to do. */
  args: Schema.Array(Schema.String),
  state: DialectState,
  /** Where its clients look for it. */
  socket: Schema.String,
  /** Why it is `refused` or `closed`; else null. */
  reason: Schema.NullOr(Schema.String),
  /** Since when it is in this state; null when it was never enabled. */
  since: Schema.NullOr(Timestamp)
})
export type DialectStatus = typeof DialectStatus.Type
