import { Duration, Effect } from "effect"
import type { SessionHostUnavailable } from "../protocol/index.ts"
import type { ScreensRequest } from "../protocol/screens.ts"
import { HostLink, type HostRefused } from "./HostLink.ts"

/** What changes nothing. */
const READS: ReadonlySet<ScreensRequest["op"]> = new Set(["screen", "text", "explain", "activities", "search"])

const isUnavailable = (error: HostRefused | SessionHostUnavailable): boolean =>
  error._tag === "HostRefused" && error.refusal.code === "screens-unavailable"

/**
 * Asks the screens process, by way of the session-host. One that went away with the question is started again, and what
 * only reads is asked once more: the second time it waits until the next one is there.
 */
export const askScreens = (
  link: HostLink["Service"],
  request: ScreensRequest,
  allow: Duration.Input
): Effect.Effect<unknown, HostRefused | SessionHostUnavailable> => {
  const asked = link.call({ op: "screens", request }, allow)
  return READS.has(request.op) ? Effect.retry(asked, { times: 1, while: isUnavailable }) : asked
}
