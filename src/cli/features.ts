import type { DaemonFeature, DaemonStatus } from "../protocol/daemon.ts"
import type { Context } from "./context.ts"
import { call } from "./daemon.ts"
import { ExitCode, Fault } from "./exit.ts"

/** The session-host's protocol that came with screens. */
const SCREENS_SINCE = 2

/**
 * Fails when the daemon is too old for what is about to be asked: it would ignore the fields that it does not know, and
 * do something else. `what` each feature is, in the words of the command line.
 */
export const requireFeatures = async (
  context: Context,
  needed: ReadonlyArray<readonly [feature: DaemonFeature, what: string]>
): Promise<void> => {
  if (needed.length === 0) return
  const { features = [], sessionHost, version } = await call<DaemonStatus>(context, "daemon.status", {})
  const missing = needed.filter(([feature]) => !features.includes(feature))
  if (missing.length === 0) {
    const waits = needed.some(([feature]) => feature === "wait-for")
    if (!waits || sessionHost === null || sessionHost.protocol >= SCREENS_SINCE) return
    throw new Fault(
      ExitCode.failure,
      `The running session-host (pid ${sessionHost.pid}) is older than this command and knows nothing of screens, so only the end of a session can be waited for.`,
      "It goes with its last session, and the next one can."
    )
  }
  throw new Fault(
    ExitCode.failure,
    `The running daemon (hob ${version}) is older than this command and does not know ${missing.map(([, what]) => what).join(", ")}. Nothing was done.`,
    "`hob upgrade` replaces it; its sessions run on."
  )
}
