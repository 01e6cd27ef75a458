import { Schema } from "effect"
import { SessionId, Timestamp } from "./ids.ts"

/**
 * When a session that has ended is started anew, as a new session with the same name, tags, limits, directory, command
 * and environment:
 * - `no`: never
 * - `on-failure`: its exit code is not 0, a signal or a limit of memory or processes ended it, or it was lost
 * - `always`: however it ended
 *
 * One that was ended on request, by its `ttl` or its `idleStop`, never is.
 */
export const RestartPolicy = Schema.Literals(["no", "on-failure", "always"])
export type RestartPolicy = typeof RestartPolicy.Type

/** How often in a row it is started anew at most; 0: no limit. */
export const RestartMax = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

/** What a session's directory says about being started anew. */
export const RestartPlan = Schema.Struct({
  policy: Schema.Literals(["on-failure", "always"]),
  max: RestartMax,
  /** How many restarts in a row led to this session; 0 for the one that somebody started. */
  count: Schema.Int
})
export type RestartPlan = typeof RestartPlan.Type

/** The restarting of a session as everybody sees it. */
export const Restart = Schema.Struct({
  ...RestartPlan.fields,
  /** When it is started anew: it has ended and waits for that. */
  at: Schema.NullOr(Timestamp),
  /** Why it is not started anew any more, as a sentence; null while it would be, and once it has been. */
  stopped: Schema.NullOr(Schema.String)
})
export type Restart = typeof Restart.Type

/** What a new session succeeds, and why: `exit`, `lost` (the session-host died) or `reboot` (the machine was started anew). */
export const RestartedFrom = Schema.Struct({ id: SessionId, because: Schema.String })
export type RestartedFrom = typeof RestartedFrom.Type
