import type { DaemonFeature, DaemonStatus } from "../protocol/daemon.ts"
import type { Context } from "./context.ts"
import { call } from "./daemon.ts"
import { ExitCode, Fault } from "./exit.ts"

/**
 * Fails when the daemon is too old for what is about to be asked: it would ignore the fields that it does not know, and
 * do something else. `what` each feature is, in the words of the command line.
 */
export const requireFeatures = async (
  context: Context,
  needed: ReadonlyArray<readonly [feature: DaemonFeature, what: string]>
): Promise<void> => {
  if (needed.length === 0) return
  const { features = [], version } = await call<DaemonStatus>(context, "daemon.status", {})
  const missing = needed.filter(([feature]) => !features.includes(feature))
  if (missing.length === 0) return
  throw new Fault(
    ExitCode.failure,
    `The running daemon (hob ${version}) is older than this command and does not know ${missing.map(([, what]) => what).join(", ")}. Nothing was done.`,
    "`hob upgrade` replaces it; its sessions run on."
  )
}
