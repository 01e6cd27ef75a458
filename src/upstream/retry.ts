/** What is tried again, and when. */
import { Schedule } from "effect"
import type { RpcError } from "./envelope.ts"

/** Pauses between attempts to connect: doubling, never longer than the longest, and never the same for everybody. */
export const reconnecting = ({
  retryMaxMillis,
  retryMinMillis
}: {
  readonly retryMinMillis: number
  readonly retryMaxMillis: number
}) =>
  // What jitter adds, a fifth at most, stays below the longest.
  Schedule.min([Schedule.exponential(retryMinMillis), Schedule.spaced(Math.max(1, retryMaxMillis / 1.2))]).pipe(
    Schedule.jittered
  )

/** Pauses between attempts of a call that the upstream was too busy to take. */
export const whileBusy = Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(
  Schedule.jittered
)

/** "As many calls as may be are in flight on this connection": this one was not begun. */
const TOO_MANY_CALLS = -32_000
/** ENOTAUTHENTICATED: the session has expired, and the call was not begun. */
const NOT_AUTHENTICATED = 207

/**
 * What becomes of a call that was answered with an error: only what provably was not carried out is sent again. `again`:
 * after a pause. `login`: once the session is logged in anew. `fail`: it may have been carried out.
 */
export const decideRetry = (
  { code, errno }: RpcError,
  { hasLoggedIn, mayLogIn }: { readonly mayLogIn: boolean; readonly hasLoggedIn: boolean }
): "again" | "login" | "fail" => {
  if (code === TOO_MANY_CALLS) return "again"
  // Refused again right after the login, it is not the session that it lacks.
  return errno === NOT_AUTHENTICATED && mayLogIn && !hasLoggedIn ? "login" : "fail"
}
